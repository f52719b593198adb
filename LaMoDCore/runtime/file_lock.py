"""Locks between processes, which the operating system releases when their process ends."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE_SECONDS = 0.02
_PATIENCE_SECONDS = 30.0
#: Raised by file systems without locks, such as some network drives; writers there are not kept apart.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextmanager
def held_lock(file: Path) -> Iterator[None]:
    """Hold the lock on a file, which is created if it is missing; waits for other processes.

    Raises:
        OSError: the file cannot be created, or another process holds the lock for half a minute.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                lock(descriptor)
                break
            except OSError as error:
                if error.errno in _NO_LOCKS:
                    break
                if time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)


def lock(descriptor: int) -> None:
    """Lock an open file without waiting.

    Raises:
        OSError: another process holds the lock.
    """
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
