"""The `lamod` command: finds the subcommand, runs it, and prints input errors as one line.

Exit codes: 0 done, 1 invalid input (one line on stderr, no traceback), 2 usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from LaMoDCore import __version__
from LaMoDCore.runtime.errors import LaMoDError

#: Command name -> module of LaMoDCore.cli, imported only when the command is used.
COMMANDS = {
    "demo": "demo",
    "predict": "predict",
    "predict-cohort": "predict_cohort",
    "contour": "contour",
    "check": "check",
    "phantom": "phantom",
    "dense": "dense",
    "train": "train",
    "train-posterior": "train_posterior",
    "settings": "settings",
    "evaluate": "evaluate",
    "dataset": "dataset",
    "models": "models",
    "info": "info",
    "benchmark": "benchmark",
}
#: Commands of earlier versions: alias -> command.
ALIASES = {
    "validate-dataset": ("dataset", "validate"),
    "split-dataset": ("dataset", "split"),
    "collect": ("dataset", "collect"),
}
_NUMBERS = re.compile(r"^-\d[\d.,eE+\-]*$")


class _Parser(argparse.ArgumentParser):
    """Accepts option values that begin with a minus sign (`--rv-insertion -3,4,5`)."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        words = list(sys.argv[1:] if args is None else args)
        joined: list[str] = []
        for word in words:
            if _NUMBERS.match(word) and joined and re.match(r"^--[a-z][a-z-]*$", joined[-1]):
                joined[-1] = f"{joined[-1]}={word}"
            else:
                joined.append(word)
        return super().parse_known_args(joined, namespace)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")


def _root_parser(words: Sequence[str]) -> _Parser:
    explained = "-h" in words or "--help" in words
    listing = "\n".join(f"  {verb:<17} {_first_sentence(verb) if explained else ''}".rstrip() for verb in COMMANDS)
    aliases = "\n".join(f"  {alias:<17} {' '.join(command)}" for alias, command in ALIASES.items())
    parser = _Parser(
        prog="lamod",
        description="Myocardial motion and strain from the masks of cine cardiac MRI. "
        "Research use only; not a medical device.",
        epilog=f"commands:\n{listing}\n\naliases:\n{aliases}\n\nRun `lamod COMMAND --help` for help on a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lamod {__version__}")
    parser.add_argument("command", choices=[*COMMANDS, *ALIASES], metavar="COMMAND")
    return parser


def _first_sentence(verb: str) -> str:
    explanation: str = import_module(f"LaMoDCore.cli.{COMMANDS[verb]}").HELP
    return re.split(r"(?<=[.;])\s", explanation)[0].rstrip(".;")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lamod` with `argv` (by default `sys.argv[1:]`) and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        verb = _root_parser(words[:1]).parse_args(words[:1]).command
        verb, *action = ALIASES.get(verb, (verb,))
        command = import_module(f"LaMoDCore.cli.{COMMANDS[verb]}")
        parser = _Parser(prog=f"lamod {verb}", description=command.HELP)
        command.add_arguments(parser)
        return int(command.run(parser.parse_args([*action, *words[1:]])))
    except SystemExit as stop:
        return int(stop.code or 0)
    except LaMoDError as error:
        print(f"lamod: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lamod: interrupted; nothing was written.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
