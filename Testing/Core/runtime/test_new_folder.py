"""An output folder appears complete or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from LaMoDCore.runtime.atomic import new_folder
from LaMoDCore.runtime.errors import LaMoDInputError


def _ours(name):
    return name in ("a.txt", "b.txt")


def _write(out):
    with new_folder(out, _ours) as folder:
        (folder / "a.txt").write_text("new")


def test_the_folder_appears_at_the_end(tmp_path):
    out = tmp_path / "deep" / "out"
    with new_folder(out, _ours) as folder:
        (folder / "a.txt").write_text("new")
        assert not out.exists()
        assert folder.parent == out.parent
    assert (out / "a.txt").read_text(encoding="utf-8") == "new"
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ValueError])
def test_nothing_is_left_after_an_exception(tmp_path, stop):
    with pytest.raises(stop), new_folder(tmp_path / "deep" / "out", _ours) as folder:
        (folder / "a.txt").write_text("half")
        raise stop
    assert list(tmp_path.iterdir()) == []


def test_neighbouring_folders_are_kept(tmp_path):
    with pytest.raises(ValueError), new_folder(tmp_path / "deep" / "out", _ours):
        (tmp_path / "deep" / "neighbour").mkdir()
        raise ValueError
    assert (tmp_path / "deep" / "neighbour").is_dir()


def test_an_older_folder_is_replaced_only_by_a_complete_one(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), new_folder(out, _ours):
        raise KeyboardInterrupt
    assert (out / "b.txt").read_text(encoding="utf-8") == "old"
    _write(out)
    assert [p.name for p in out.iterdir()] == ["a.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_the_older_folder_is_restored_if_renaming_fails(tmp_path, monkeypatch):
    out = tmp_path / "out"
    _write(out)
    rename = os.rename
    calls = []

    def failing(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, "broken disk")
        rename(source, target)

    monkeypatch.setattr("LaMoDCore.runtime.atomic.os.rename", failing)
    with pytest.raises(LaMoDInputError, match="broken disk"):
        _write(out)
    assert (out / "a.txt").read_text(encoding="utf-8") == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_replaced(tmp_path):
    _write(tmp_path)
    assert (tmp_path / "a.txt").exists()


def test_other_files_are_not_deleted(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(LaMoDInputError, match=r"thesis\.docx.*name a new folder"):
        _write(tmp_path)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "old"


def test_the_path_is_a_file(tmp_path):
    (tmp_path / "out").write_text("a file")
    for out in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(LaMoDInputError, match="not a folder"):
            _write(out)


def test_a_read_only_folder(tmp_path):
    shut = tmp_path / "shut"
    shut.mkdir()
    shut.chmod(0o555)
    try:
        for out in (shut / "out", shut / "deep" / "out", shut):
            with pytest.raises(LaMoDInputError, match="read-only"):
                _write(out)
        assert list(shut.iterdir()) == []
    finally:
        shut.chmod(0o755)


def test_a_full_disk_is_reported(tmp_path):
    with pytest.raises(LaMoDInputError, match="free some space"), new_folder(tmp_path / "out", _ours):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    _write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a.txt").exists()
