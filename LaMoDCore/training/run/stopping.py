"""Requests to stop a training run, which first writes a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from LaMoDCore.runtime.errors import LaMoDError


class TrainingStopped(LaMoDError):  # noqa: N818 - not an error
    """The run was stopped on request."""


class StopRequest:
    """Whether a stop was requested; it may be requested by a signal handler or another thread."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def __bool__(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        self._asked.set()


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Within this block SIGTERM and the first Ctrl-C request a stop; a second Ctrl-C interrupts at once."""
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
