"""Signals that end a command: SIGTERM, a closed terminal and Ctrl-C all raise KeyboardInterrupt in the main thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

#: Signals that request the end of a process, besides Ctrl-C; not every system has all of them.
_TERMINATING = tuple(
    number for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if (number := getattr(signal, name, None)) is not None
)

#: Signals that have arrived since `terminating_signals` was entered.
_arrived: list[int] = []


class Terminated(KeyboardInterrupt):
    """The process was asked to end by a signal other than Ctrl-C.

    Args:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


def exit_code(interruption: KeyboardInterrupt) -> int:
    """The exit code of an interrupted command: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (interruption.number if isinstance(interruption, Terminated) else int(signal.SIGINT))


@contextmanager
def terminating_signals() -> Iterator[None]:
    """Within this block SIGTERM, SIGHUP and Ctrl-Break raise `Terminated`, with the same clean-up as Ctrl-C.

    These and Ctrl-C are recorded for `interruption`. Signals that the caller ignores, such as SIGHUP under nohup, stay
    ignored. Does nothing outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _arrived.clear()
    before: dict[int, Any] = {}
    try:
        for number in (signal.SIGINT, *_TERMINATING):
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, _terminate)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    _arrived.append(number)
    raise _interruption_by(number)


def _interruption_by(number: int) -> KeyboardInterrupt:
    return KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)


def interruption() -> KeyboardInterrupt | None:
    """The interruption of this command by a signal, if there was one.

    A library that is interrupted while it is imported may raise another exception instead: numpy raises ImportError.
    """
    return _interruption_by(_arrived[0]) if _arrived else None


def ignore_interrupts() -> None:
    """Ignore Ctrl-C from now on: the command has ended, and Python's own clean-up must not raise exceptions."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C and the terminating signals until the end of the block, for a few short system calls."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread only
        return
    arrived: list[int] = []
    before: dict[int, Any] = {}
    try:
        for number in (signal.SIGINT, *_TERMINATING):
            handler = signal.getsignal(number)
            if handler not in (None, signal.SIG_IGN):  # None: installed by another library, which restores it itself
                before[number] = handler
                signal.signal(number, lambda number, frame: arrived.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in arrived[:1]:
            signal.raise_signal(number)
