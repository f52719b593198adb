"""The verbs of the `lamod` command, one a file: HELP, add_arguments(parser) and run(args) -> exit code."""
