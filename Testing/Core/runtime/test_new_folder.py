"""An output folder appears complete or not at all, and LaMoD replaces nothing that it did not write."""

from __future__ import annotations

import errno
import hashlib
import json
import os

import pytest

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.manifest import MARKER
from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder, remove_output, write_new_file

CONTENTS = "a test"


def _write(out, text="new", **inputs):
    with new_folder(out, CONTENTS, "test", **inputs) as folder:
        (folder / "a.txt").write_text(text)
        (folder / "deep").mkdir()
        (folder / "deep" / "b.txt").write_text("below")
    return out


def _contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_folder_appears_at_the_end_with_its_marker(tmp_path):
    out = tmp_path / "deep" / "out"
    with new_folder(out, CONTENTS, "test") as folder:
        (folder / "a.txt").write_text("new")
        assert not out.exists()
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    about = json.loads((out / MARKER).read_text(encoding="utf-8"))
    assert about["command"] == "test" and about["version"]
    assert about["files"] == {"a.txt": hashlib.sha256(b"new").hexdigest()}


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ValueError])
def test_nothing_is_left_after_an_exception(tmp_path, stop):
    with pytest.raises(stop), new_folder(tmp_path / "deep" / "out", CONTENTS, "test") as folder:
        (folder / "a.txt").write_text("half")
        raise stop
    assert list(tmp_path.iterdir()) == []


def test_neighbouring_folders_are_kept(tmp_path):
    with pytest.raises(ValueError), new_folder(tmp_path / "deep" / "out", CONTENTS, "test"):
        (tmp_path / "deep" / "neighbour").mkdir()
        raise ValueError
    assert (tmp_path / "deep" / "neighbour").is_dir()


def test_unchanged_output_is_replaced_by_a_complete_one_only(tmp_path):
    out = _write(tmp_path / "out", "old")
    with pytest.raises(KeyboardInterrupt), new_folder(out, CONTENTS, "test"):
        raise KeyboardInterrupt
    assert (out / "a.txt").read_text(encoding="utf-8") == "old"
    (out / "deep" / "b.txt").unlink()  # a file that is missing is no loss
    _write(out)
    assert (out / "a.txt").read_text(encoding="utf-8") == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def _as_version_1(out):
    (out / MARKER).unlink()


def _with_own_marker(out):
    (out / MARKER).write_text('{"contents": "a test", "files": ["a.txt"]}')


def _as_other_output(out):
    about = json.loads((out / MARKER).read_text(encoding="utf-8"))
    (out / MARKER).write_text(json.dumps({**about, "contents": "a training run"}))


def _with_link(out):
    (out / "a.txt").rename(out.parent / "elsewhere.txt")
    (out / "a.txt").symlink_to(out.parent / "elsewhere.txt")


def _with_linked_folder(out):
    (out / "deep").rename(out.parent / "elsewhere")
    (out / "deep").symlink_to(out.parent / "elsewhere", target_is_directory=True)


CHANGES = {
    "a file at the top": lambda out: (out / "report.pdf").write_text("mine"),
    "a file below": lambda out: (out / "deep" / "notes.txt").write_text("mine"),
    "an empty folder": lambda out: (out / "mine").mkdir(),
    "a hidden file": lambda out: (out / ".notes").write_text("mine"),
    "a changed file": lambda out: (out / "a.txt").write_text("corrected"),
    "a file instead of a folder": lambda out: ((out / "deep" / "b.txt").unlink(), (out / "deep").rmdir(),
                                               (out / "deep").write_text("mine")),
    "a folder instead of a file": lambda out: ((out / "a.txt").unlink(), (out / "a.txt").mkdir()),
    "a link to a file": _with_link,
    "a link to a folder": _with_linked_folder,
    "no marker": _as_version_1,
    "another program's marker": _with_own_marker,
    "a marker of another output": _as_other_output,
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_that_holds_anything_else_is_refused_and_kept(tmp_path, change):
    out = _write(tmp_path / "out", "old")
    CHANGES[change](out)
    before = _contents(tmp_path)
    with pytest.raises(LaMoDInputError, match="name a new folder"):
        check_new_folder(out, CONTENTS)
    with pytest.raises(LaMoDInputError, match="name a new folder"):
        _write(out)
    assert not remove_output(out, CONTENTS)
    assert _contents(tmp_path) == before


def test_a_file_that_is_saved_during_the_work_is_kept(tmp_path):
    out = _write(tmp_path / "out", "old")
    with pytest.raises(LaMoDInputError, match=r"thesis\.docx"), new_folder(out, CONTENTS, "test"):
        (out / "thesis.docx").write_text("years of work")
    assert (out / "thesis.docx").read_text(encoding="utf-8") == "years of work"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini"])
def test_files_of_desktops_are_tolerated_and_kept(tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("icons")
    _write(out)
    (out / "deep" / name).write_text("more icons")
    _write(out, "newer")
    assert (out / name).read_text(encoding="utf-8") == "icons"
    assert (out / "deep" / name).read_text(encoding="utf-8") == "more icons"
    assert (out / "a.txt").read_text(encoding="utf-8") == "newer"


def test_home_and_other_full_folders_are_refused(tmp_path, monkeypatch):
    (tmp_path / "thesis.docx").write_text("years of work")
    monkeypatch.chdir(tmp_path)
    for out in (".", tmp_path, tmp_path.parent, "/"):
        with pytest.raises(LaMoDInputError):
            _write(out)
    assert _contents(tmp_path) == {"thesis.docx": b"years of work"}


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    out = _write(tmp_path / "out", "old")
    monkeypatch.chdir(out / "deep")
    with pytest.raises(LaMoDInputError, match="current folder"):
        _write(out)
    assert (out / "a.txt").read_text(encoding="utf-8") == "old"


def test_inputs_in_the_folder_are_not_deleted(tmp_path):
    out = _write(tmp_path / "out", "old")
    for path in (out, out / "a.txt", out / "deep"):
        with pytest.raises(LaMoDInputError, match="lies in it"):
            _write(out, inputs=[path])
    (tmp_path / "link").symlink_to(out)
    with pytest.raises(LaMoDInputError, match="lies in it"):
        _write(out, inputs=[tmp_path / "link" / "a.txt"])
    _write(out, inputs=[tmp_path])  # the other way round nothing is lost
    assert (out / "a.txt").read_text(encoding="utf-8") == "new"


def test_the_older_folder_is_restored_if_renaming_fails(tmp_path, monkeypatch):
    out = _write(tmp_path / "out", "old")
    rename = os.replace
    calls = []

    def failing(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, "broken disk")
        rename(source, target)

    monkeypatch.setattr("LaMoDCore.runtime.atomic.os.replace", failing)
    with pytest.raises(LaMoDInputError, match="broken disk"):
        _write(out)
    assert (out / "a.txt").read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


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
    with pytest.raises(LaMoDInputError, match="free some space"), new_folder(tmp_path / "out", CONTENTS, "test"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    _write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a.txt").exists()


def test_a_file_that_the_user_names_is_not_overwritten(tmp_path):
    path = tmp_path / "model.zip"
    write_new_file(path, b"same")
    write_new_file(path, b"same")
    with pytest.raises(LaMoDInputError, match="exists already"):
        write_new_file(path, b"other")
    assert path.read_bytes() == b"same"
