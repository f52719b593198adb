"""stdout and stderr of the command: writing to them never fails and never sends control characters to a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from LaMoDCore.runtime.plain_text import PLAIN, visible

_KEPT = "\n\t"


class PlainStream:
    """A text stream that writes `visible` text in the encoding of another stream.

    Characters that the encoding lacks are replaced by ASCII. After the reader has closed the other end of a pipe, as
    `head` does, everything is discarded.

    Args:
        stream: the stream; None if it is closed.

    Attributes:
        unfiltered: the stream itself, for text with control characters of the program's own.
        failure: why the last text could not be written; None if it was written, or nobody reads it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.unfiltered = stream
        self.failure: OSError | None = None
        self._open = stream is not None

    @property
    def encoding(self) -> str:
        return getattr(self.unfiltered, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        plain = visible(text, keep=_KEPT).encode(self.encoding, PLAIN).decode(self.encoding)
        self._attempt("write", plain)
        return len(text)

    def flush(self) -> None:
        self._attempt("flush")

    def isatty(self) -> bool:
        return self._open and self.unfiltered is not None and self.unfiltered.isatty()

    def _attempt(self, method: str, *arguments: str) -> None:
        if not self._open:
            return
        try:
            getattr(self.unfiltered, method)(*arguments)
        except ValueError:  # it was closed
            self._open = False
        except OSError as error:
            self._open = False
            self.failure = None if isinstance(error, BrokenPipeError) else error
            self._discard()

    def _discard(self) -> None:
        """Connect the descriptor to nothing: the interpreter flushes the stream once more at its end."""
        with suppress(OSError, ValueError, AttributeError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, cast(TextIO, self.unfiltered).fileno())
            os.close(nothing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)


@contextmanager
def plain_streams() -> Iterator[PlainStream]:
    """Replace sys.stdout and sys.stderr by `PlainStream`s within the block, and yield stdout's."""
    before = sys.stdout, sys.stderr
    out, err = PlainStream(sys.stdout), PlainStream(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def open_standard_descriptors() -> None:
    """Connect closed standard descriptors (``2>&-``) to nothing.

    Otherwise the next file that is opened gets the number of the closed one, and messages of C libraries end up in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                opened = os.open(os.devnull, os.O_RDWR)
                if opened != number:
                    os.dup2(opened, number)
                    os.close(opened)


@contextmanager
def without_library_messages() -> Iterator[None]:
    """Discard what C libraries write to the descriptor of stderr within the block, such as messages of decoders."""
    try:
        sys.stderr.flush()
        kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError, AttributeError):  # there is no such descriptor
        yield
        return
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
