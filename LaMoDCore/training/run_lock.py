"""One training a run folder: a lock that the operating system lets go of when its process ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from LaMoDCore.errors import LaMoDInputError


class RunLock:
    """Held within a `with` block.

    Args:
        folder: the run's; the lock is its file `.lock`.

    Raises:
        LaMoDInputError: another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> RunLock:
        self._descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._descriptor)
        except OSError as fault:
            os.close(self._descriptor)
            raise LaMoDInputError(
                self._folder.name,
                "another process is training in this folder",
                "wait for it, stop it, or choose another folder",
            ) from fault
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def _lock(descriptor: int) -> None:
    """Take the lock or raise OSError at once."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
