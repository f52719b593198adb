"""Work for other processes, which import only this file."""

from __future__ import annotations

import atexit
import os
import signal
import time
from collections.abc import Callable

from LaMoDCore.runtime.errors import LaMoDInputError


def doubling() -> Callable[[int], int]:
    return _doubled


def _doubled(number: int) -> int:
    if number == 3:
        os._exit(9)  # as if the kernel had killed a process that used too much memory
    return 2 * number


def terminated_at_the_end() -> Callable[[int], int]:
    """A process that receives SIGTERM while Python ends, as when its parent is killed at that moment."""
    atexit.register(signal.raise_signal, signal.SIGTERM)
    return _doubled


def refusing() -> Callable[[int], int]:
    return _refused


def _refused(number: int) -> int:
    if number == 3:
        raise LaMoDInputError("case 3", "it is damaged", "write it again")
    return number


def not_importable() -> Callable[[int], int]:
    raise ValueError("no set-up")


def raising_unpicklable() -> Callable[[int], int]:
    return _raise_unpicklable


def _raise_unpicklable(number: int) -> int:
    class LocalError(Exception):
        pass

    raise LocalError(f"task {number}")


def threads() -> Callable[[int], tuple[str, int]]:
    return _threads


def _threads(number: int) -> tuple[str, int]:
    return os.environ["OMP_NUM_THREADS"], os.getpid()


def sleeping() -> Callable[[int], int]:
    return _sleep


def _sleep(number: int) -> int:
    """Return at once from the first two tasks, and sleep in the others."""
    if number > 1:
        time.sleep(600)
    return os.getpid()
