"""Adds this folder to the path: tests of several folders share the helpers in it. Audits open files in every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from open_handles import HandleAudit

_AUDIT = HandleAudit() if Path("/proc/self/maps").exists() else None


@pytest.fixture(autouse=True)
def no_open_file_is_renamed_or_deleted() -> Iterator[None]:
    """Fail a test in which the library renames or deletes a file that this process has open, as Windows would."""
    if _AUDIT is None:
        yield
        return
    _AUDIT.faults.clear()
    _AUDIT.active = True
    yield
    _AUDIT.active = False
    assert not _AUDIT.faults, "\n".join(_AUDIT.faults)
