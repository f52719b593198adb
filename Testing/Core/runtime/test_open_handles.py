"""The audit of open files, which runs in every test of the library, finds what Windows would refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from open_handles import HandleAudit

from LaMoDCore.runtime.output.new_folder import new_folder, remove_output

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not list open files")


@pytest.fixture(scope="module")
def audit() -> HandleAudit:
    return HandleAudit()


@pytest.fixture(autouse=True)
def no_open_file_is_renamed_or_deleted() -> None:
    """Replace the audit of every test, because these tests keep files open on purpose."""


def _write(out: Path, audit: HandleAudit, keep: str) -> list[str]:
    audit.faults.clear()
    audit.active = True
    try:
        with new_folder(out, "a test", "test") as folder:
            np.save(folder / "a.npy", np.zeros(3))
            stream = (folder / "a.npy").open("rb") if keep == "stream" else None
            mapped = np.load(folder / "a.npy", mmap_mode="r") if keep == "map" else None
        del mapped
        if stream is not None:
            stream.close()
    finally:
        audit.active = False
    return audit.faults


def test_open_files_and_maps_are_found(tmp_path: Path, audit: HandleAudit) -> None:
    assert _write(tmp_path / "a", audit, "nothing") == []
    for keep in ("stream", "map"):
        faults = _write(tmp_path / keep, audit, keep)
        assert faults and all("new_folder.py" in fault and fault.endswith("a.npy is open") for fault in faults), faults


def test_an_open_file_that_is_replaced_or_deleted_is_found(tmp_path: Path, audit: HandleAudit) -> None:
    _write(tmp_path / "a", audit, "nothing")
    with (tmp_path / "a" / "a.npy").open("rb"):
        assert any("a.npy is open" in fault for fault in _write(tmp_path / "a", audit, "nothing"))
    mapped = np.load(tmp_path / "a" / "a.npy", mmap_mode="r")
    audit.faults.clear()
    audit.active = True
    assert remove_output(tmp_path / "a", "a test")
    audit.active = False
    assert audit.faults and mapped[0] == 0


def test_work_of_the_tests_themselves_does_not_count(tmp_path: Path, audit: HandleAudit) -> None:
    audit.faults.clear()
    audit.active = True
    with (tmp_path / "a.txt").open("w"):
        (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    audit.active = False
    assert audit.faults == []
