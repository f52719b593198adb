"""Lock of a run folder, so that only one process trains in it; the operating system releases it with the process."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from LaMoDCore.runtime.errors import LaMoDInputError

#: A process that checks the lock holds it for a moment, so locking is tried several times.
_TRIES, _PAUSE_SECONDS = 4, 0.05


class RunLock:
    """Locks a run folder within a `with` block.

    Args:
        folder: folder of the run; the lock is its file `.lock`.

    Raises:
        LaMoDInputError: another process holds the lock.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> RunLock:
        self._descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        for _ in range(_TRIES - 1):
            with suppress(OSError):
                _lock(self._descriptor)
                return self
            time.sleep(_PAUSE_SECONDS)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise LaMoDInputError(
                self._folder.name,
                "another process is training in this folder",
                "wait for it, stop it, or choose another folder",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a process trains in a run folder; creates no file."""
    try:
        descriptor = os.open(folder / ".lock", os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int) -> None:
    """Lock without waiting; raises OSError if another process holds the lock."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
