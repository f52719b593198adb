"""The `lamod` command: finds the subcommand, runs it, and prints input errors as one line.

Exit codes: 0 done, 1 invalid input (one line on stderr, no traceback), 2 usage, 3 something must be
looked at, 130 and 143 after SIGINT and SIGTERM, with the same clean-up.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from LaMoDCore import __version__
from LaMoDCore.runtime.bounded_reads import first_words
from LaMoDCore.runtime.errors import LaMoDError, LaMoDInputError
from LaMoDCore.runtime.signals import exit_code, ignore_interrupts, interruption, terminating_signals
from LaMoDCore.runtime.streams import open_standard_descriptors, plain_streams
from LaMoDCore.runtime.threads import limit_blas_threads

#: Command name -> module of LaMoDCore.cli, imported only when the command is used.
COMMANDS = {
    "demo": "demo",
    "predict": "predict",
    "predict-cohort": "predict_cohort",
    "report": "report",
    "contour": "contour",
    "check": "check",
    "phantom": "phantom",
    "dense": "dense",
    "pair": "pair",
    "train": "train",
    "train-posterior": "train_posterior",
    "train-contours": "train_contours",
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
    """Run `lamod` with `argv` (by default `sys.argv[1:]`) and return its exit code.

    Without `argv`, as the program of a process, no exception leaves this function: unexpected ones are reported in one
    line, or with their traceback if the environment variable LAMOD_TRACEBACK is set.
    """
    if argv is not None:
        return _in_plain_streams(list(argv))
    try:
        return _as_program()
    finally:
        ignore_interrupts()


def _as_program() -> int:
    limit_blas_threads()
    open_standard_descriptors()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn about values that LaMoD checks itself
    if os.environ.get("LAMOD_TRACEBACK"):
        return _in_plain_streams(sys.argv[1:])
    with plain_streams():
        try:
            return _in_plain_streams(sys.argv[1:])
        except Exception as error:
            what = f"unexpected {type(error).__name__}: {first_words(error)}"
            print(
                f"lamod: {what}; this is a fault of LaMoD: set LAMOD_TRACEBACK=1 to see where, and report it.",
                file=sys.stderr,
            )
            return 1


def _in_plain_streams(words: list[str]) -> int:
    try:
        with terminating_signals(), plain_streams() as out:
            code = _run(words)
            out.flush()
    except KeyboardInterrupt as stop:  # after the command has ended
        return exit_code(stop)
    if out.failure is not None:
        print(f"lamod: stdout: it cannot be written ({out.failure.strerror}); free some space.", file=sys.stderr)
        return code or 1
    return code


def _run(words: list[str]) -> int:
    try:
        return _run_command(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    except BaseException as error:
        stopped = error if isinstance(error, KeyboardInterrupt) else interruption()
        if stopped is not None:
            print("lamod: interrupted; nothing was written.", file=sys.stderr)
            return exit_code(stopped)
        line = _expected(error, words)
        if line is None:
            raise
        print(f"lamod: {line}", file=sys.stderr)
        return 1


def _run_command(words: list[str]) -> int:
    verb = _root_parser(words[:1]).parse_args(words[:1]).command
    verb, *action = ALIASES.get(verb, (verb,))
    command = import_module(f"LaMoDCore.cli.{COMMANDS[verb]}")
    parser = _Parser(prog=f"lamod {verb}", description=command.HELP)
    command.add_arguments(parser)
    return int(command.run(parser.parse_args([*action, *words[1:]])))


def _expected(error: BaseException, words: Sequence[str]) -> str | None:
    """The line that is printed for an error of the input or the machine; None for a fault of LaMoD."""
    if isinstance(error, LaMoDError):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        name = error.filename if isinstance(error.filename, str) else f"lamod {words[0]}"
        reason = f"it cannot be accessed ({error.strerror or first_words(error)})"
        return str(LaMoDInputError(name, reason, "check the path and the disk"))
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs, or use fewer slices."
    return None
