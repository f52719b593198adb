"""The `lamod` command: one file per command, each with HELP, add_arguments(parser) and run(args) -> exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from LaMoDCore.runtime.lazy import lazy_exports

if TYPE_CHECKING:
    from LaMoDCore.cli.program import COMMANDS

__all__ = ["COMMANDS", "main"]

__getattr__ = lazy_exports(__name__, {"COMMANDS": "LaMoDCore.cli.program"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lamod` with `argv` (by default `sys.argv[1:]`) and return its exit code."""
    try:
        from LaMoDCore.cli import program  # here, so that Ctrl-C while it is imported ends the command like any other
    except KeyboardInterrupt:
        return 130
    return program.main(argv)
