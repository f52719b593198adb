"""Requests to stop a training run, which first writes a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from LaMoDCore.runtime.errors import LaMoDError
from LaMoDCore.runtime.signals import Terminated


class TrainingStopped(LaMoDError):  # noqa: N818 - not an error
    """The run was stopped on request."""


class StopRequest:
    """Whether a stop was requested; it may be requested by a signal handler or another thread.

    Attributes:
        signal: the signal that requested it; None if no signal did.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.signal: int | None = None

    def __bool__(self) -> bool:
        return self._asked.is_set()

    @property
    def exit_code(self) -> int:
        """The exit code of a run that was stopped: that of the signal, or of Ctrl-C after any other request."""
        return 128 + (signal.SIGINT if self.signal is None else self.signal)

    def ask(self) -> None:
        self._asked.set()


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Within this block the first SIGTERM or Ctrl-C requests a stop; the second one interrupts at once."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def asked(number: int, frame: FrameType | None) -> None:
        if request.signal is not None:
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)
        request.signal = number
        request.ask()

    before: dict[signal.Signals, Any] = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, asked)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
