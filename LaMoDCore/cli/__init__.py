"""The `lamod` command: one file per command, each with HELP, add_arguments(parser) and run(args) -> exit code."""

from __future__ import annotations

from LaMoDCore.cli.program import COMMANDS, main

__all__ = ["COMMANDS", "main"]
