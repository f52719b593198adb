"""A training that is asked to stop writes a checkpoint first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from LaMoDCore.runtime.errors import LaMoDError


class TrainingStopped(LaMoDError):  # noqa: N818 - no error: what was asked for
    """The run was asked to stop; its checkpoint is written."""


class StopRequest:
    """Whether somebody asked to stop; may be asked from a signal or from another thread."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def __bool__(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        self._asked.set()


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """SIGTERM and the first Ctrl-C ask to stop within this block; a second Ctrl-C interrupts at once."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def asked(number: int, frame: FrameType | None) -> None:
        if request and number == signal.SIGINT:
            raise KeyboardInterrupt
        request.ask()

    before: dict[signal.Signals, Any] = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, asked)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
