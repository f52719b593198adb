"""Finds files and memory maps that are still open when LaMoDCore renames or deletes them, which fails on Windows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

_LIBRARY = f"{os.sep}LaMoDCore{os.sep}"
#: Audit event -> how many of its first arguments are paths; the next one is the descriptor of their folder.
_EVENTS = {"os.rename": 2, "os.remove": 1, "os.rmdir": 1, "shutil.rmtree": 1}


class HandleAudit:
    """Records renames and deletions of open files while it is active (Linux only).

    Attributes:
        active: whether it records.
        faults: one line for each.
    """

    def __init__(self) -> None:
        self.active = False
        self.faults: list[str] = []
        sys.addaudithook(self._audit)  # for the rest of the process: hooks cannot be removed

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active or event not in _EVENTS:
            return
        count = _EVENTS[event]
        if any(isinstance(each, int) and each >= 0 for each in arguments[count:]):
            return  # within shutil.rmtree, which was checked as a whole
        caller = _caller(sys._getframe(1))
        if not caller:
            return
        self.active = False  # what follows renames nothing
        try:
            paths = [os.path.realpath(os.fsdecode(each)) for each in arguments[:count]]
            for found in open_files():
                if any(found == path or found.startswith(path + os.sep) for path in paths):
                    self.faults.append(f"{caller}: {event} {paths[0]}, while {found} is open")
        finally:
            self.active = True


def open_files() -> Iterator[str]:
    """Paths of the files that this process has open or mapped into memory."""
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:  # the folder that was being listed
            continue
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        fields = line.split(None, 5)
        if len(fields) == 6 and fields[5].startswith(os.sep):
            yield fields[5]


def _caller(frame: FrameType | None) -> str:
    while frame is not None:
        if _LIBRARY in frame.f_code.co_filename and "atomic" not in frame.f_code.co_filename:
            return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
