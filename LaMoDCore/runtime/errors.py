"""Errors that users can correct, each described in one sentence."""

from __future__ import annotations

from pathlib import Path


class LaMoDError(Exception):
    """Base class of LaMoD's errors for users."""


class LaMoDInputError(LaMoDError):
    """An input cannot be used; the message names the input, the problem and the remedy.

    Args:
        source: the file, folder, option or node at fault.
        reason: what is wrong, without a closing full stop.
        remedy: what to do about it, without a closing full stop.
    """

    def __init__(self, source: str | Path, reason: str, remedy: str) -> None:
        self.source = str(source)
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{self.source}: {reason}; {remedy}.")

    def __reduce__(self) -> tuple[type[LaMoDInputError], tuple[str, str, str]]:
        return type(self), (self.source, self.reason, self.remedy)
