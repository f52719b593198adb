"""What killed processes leave behind is removed or put back; what others write is not touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from LaMoDCore.runtime.atomic import MARKER, hidden_folders, remove_leftovers, replaced_file, replaced_folder
from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder
from LaMoDCore.runtime.processes import ProcessIdentity, is_running, start_time, this_process

ROOT = Path(__file__).resolve().parents[3]
#: Writes a folder, and is killed at a rename of its commit, or before the first one.
KILLED = """
import os, sys
from LaMoDCore.runtime import atomic
from LaMoDCore.runtime.output.new_folder import new_folder
renames, replace = 0, os.replace
def replace_or_die(source, target):
    global renames
    if renames == int(sys.argv[2]):
        os.kill(os.getpid(), 9) if os.name != "nt" else os._exit(9)
    renames += 1
    replace(source, target)
os.replace = replace_or_die
with new_folder(sys.argv[1], "a test", "test") as folder:
    (folder / "a.txt").write_text("new")
"""


def _write(out, text):
    with new_folder(out, "a test", "test") as folder:
        (folder / "a.txt").write_text(text)


@pytest.mark.parametrize("rename", [0, 1])
def test_a_process_killed_at_a_rename_loses_nothing(tmp_path, rename):
    out = tmp_path / "out"
    _write(out, "old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(out), str(rename)], cwd=ROOT, check=False)
    assert done.returncode in (-9, 9)
    assert len(hidden_folders(tmp_path)) == 1 and out.exists() == (rename == 0)
    check_new_folder(out, "a test")
    assert (out / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def _hidden(folder, name="out", pid=None, **writer):
    """A hidden folder as another process leaves it."""
    pid = _ended_process() if pid is None else pid
    hidden = folder / f".{name}.tmp-{pid}-0badf00d"
    hidden.mkdir()
    (hidden / "new").mkdir()
    this = this_process()
    about = {"host": this.host, "pid": pid, "started": this.started, **writer}
    (hidden / MARKER).write_text(json.dumps({"writer": about, "target": name}))
    return hidden


def _ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_leftover_of_an_ended_process_is_removed(tmp_path):
    hidden = _hidden(tmp_path)
    remove_leftovers(tmp_path)
    assert not hidden.exists()


def test_a_process_number_in_use_again_is_another_process(tmp_path):
    hidden = _hidden(tmp_path, pid=os.getpid(), started="long ago")
    remove_leftovers(tmp_path)
    assert not hidden.exists()


def test_work_of_running_processes_and_of_other_machines_is_kept(tmp_path):
    kept = [
        _hidden(tmp_path, "own", pid=os.getpid()),
        _hidden(tmp_path, "elsewhere", host="another machine"),
    ]
    remove_leftovers(tmp_path)
    assert all(hidden.exists() for hidden in kept)


@pytest.mark.parametrize("text", [None, "{", "[1]", '{"writer": 3, "target": "out"}', "[" * 10_000])
def test_folders_without_a_valid_marker_are_kept(tmp_path, text):
    hidden = _hidden(tmp_path)
    (hidden / "mine.txt").write_text("mine")
    (hidden / MARKER).unlink()
    if text is not None:
        (hidden / MARKER).write_text(text)
    remove_leftovers(tmp_path)
    assert (hidden / "mine.txt").exists()


def test_leftovers_of_version_1_and_similar_names_are_kept(tmp_path):
    for name in (".out.tmp-0badf00d", "out.tmp-12-0badf00d", ".out.tmp-12-xyz"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    (tmp_path / ".a.tmp-12-0badf00d").write_text("a file")
    before = sorted(tmp_path.rglob("*"))
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_target_outside_is_not_written(tmp_path):
    (tmp_path / "folder").mkdir()
    hidden = _hidden(tmp_path / "folder", "out")
    (hidden / "old").mkdir()
    about = json.loads((hidden / MARKER).read_text())
    (hidden / MARKER).write_text(json.dumps({**about, "target": "../escaped"}))
    remove_leftovers(tmp_path / "folder")
    assert not (tmp_path / "escaped").exists() and hidden.exists()


def test_an_empty_folder_of_a_process_killed_before_its_marker_is_removed(tmp_path):
    old = time.time() - 60
    for number, content in enumerate((None, "")):
        hidden = tmp_path / f".out.tmp-{_ended_process()}-0badf00{number}"
        hidden.mkdir()
        if content is not None:
            (hidden / MARKER).write_text(content)
        os.utime(hidden, (old, old))
    remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == []


def test_two_writers_side_by_side_keep_each_others_files(tmp_path):
    with replaced_folder(tmp_path / "a") as first, replaced_folder(tmp_path / "b") as second:
        (first / "x").touch()
        remove_leftovers(tmp_path)
        with replaced_file(tmp_path / "c.txt") as third:
            third.write_text("c")
        (second / "y").touch()
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == ["a", "a/x", "b", "b/y", "c.txt"]


def test_identity_of_processes():
    assert is_running(this_process())
    assert not is_running(ProcessIdentity(this_process().host, _ended_process(), this_process().started))
    assert start_time(os.getpid()) == start_time(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert start_time(process.pid) not in (None, start_time(os.getpid()))
        process.kill()
        while process.returncode is None and start_time(process.pid) is not None:
            time.sleep(0.01)  # until the process has ended; it has not been waited for yet
    assert start_time(process.pid) is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has no ps")
def test_start_times_by_ps(monkeypatch):
    monkeypatch.setattr("LaMoDCore.runtime.processes._start_time_of_linux", lambda pid: pytest.fail("not this way"))
    from LaMoDCore.runtime import processes

    try:
        subprocess.run(["ps", "-p", "1"], capture_output=True, check=False)
    except OSError:
        pytest.skip("this system has no ps")
    assert processes._start_time_by_ps(os.getpid()) == processes._start_time_by_ps(os.getpid()) is not None
    assert processes._start_time_by_ps(_ended_process()) is None
