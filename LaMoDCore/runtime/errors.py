"""Errors that users can correct, each described in one sentence."""

from __future__ import annotations

from pathlib import Path

from LaMoDCore.runtime.plain_text import one_line

#: Longest part of a message, which may quote a file.
_LONGEST = 600


class LaMoDError(Exception):
    """Base class of LaMoD's errors for users."""


def reason_of(error: Exception) -> str:
    """Why a case among others cannot be used, in one line; an exception that no check foresees is named by its type."""
    if isinstance(error, LaMoDError):
        return one_line(str(error))
    return f"unexpected {type(error).__name__}: {one_line((str(error).splitlines() or [''])[0], 200)}"


def shareable_reason(error: Exception) -> str:
    """As `reason_of`, for pages that are passed on: without the path of the input, which may name a person."""
    if isinstance(error, LaMoDInputError):
        return f"{error.reason}; {error.remedy}."
    return one_line(str(error)) if isinstance(error, LaMoDError) else f"unexpected {type(error).__name__}"


class LaMoDInputError(LaMoDError):
    """An input cannot be used; the message names the input, the problem and the remedy.

    The message is one line without control characters, whatever the file's name and contents are.

    Args:
        source: the file, folder, option or node at fault.
        reason: what is wrong, without a closing full stop.
        remedy: what to do about it, without a closing full stop.
    """

    def __init__(self, source: str | Path, reason: str, remedy: str) -> None:
        self.source = str(source)
        self.reason = one_line(reason, _LONGEST)
        self.remedy = one_line(remedy, _LONGEST)
        super().__init__(f"{one_line(self.source)}: {self.reason}; {self.remedy}.")

    def __reduce__(self) -> tuple[type[LaMoDInputError], tuple[str, str, str]]:
        return type(self), (self.source, self.reason, self.remedy)
