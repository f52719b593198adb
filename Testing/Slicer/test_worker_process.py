"""WorkerProcess: progress, result, error, cancel, and processes that continue without Slicer."""

from __future__ import annotations

import gc
import json
import sys
import threading
import weakref
from types import SimpleNamespace

import pytest

from Testing.Slicer.panel import is_running

PROGRESS = json.dumps({"stage": "motion", "fraction": 0.5, "message": "slice 1"})


@pytest.fixture
def worker(slicer_app):
    """A worker and what it reported."""
    from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess

    found = SimpleNamespace(app=slicer_app, progress=[], results=[], errors=[])
    found.process = WorkerProcess(
        lambda progress: found.progress.append(progress.fraction), found.results.append, found.errors.append
    )
    yield found
    found.process.cancel()


def run(worker, code, log=None):
    worker.process.start([sys.executable, "-u", "-c", code], log)


def wait(worker):
    assert worker.app.mouse.spin(60, lambda: bool(worker.results or worker.errors))


def test_progress_and_output_lines(worker):
    run(worker, f"print({PROGRESS!r}); print('written')")
    wait(worker)
    assert worker.progress == [0.5, 0.5]
    assert worker.results == [["written"]]
    assert worker.errors == []


def test_an_error_is_the_last_line_and_removes_the_folder(worker):
    folder = worker.process.folder
    run(worker, f"import sys; print({PROGRESS!r}); sys.exit('lamod: masks: they are empty')")
    wait(worker)
    assert worker.errors == ["masks: they are empty"]
    assert not folder.exists()


def test_an_exit_without_a_message_names_the_code(worker):
    run(worker, "import sys; sys.exit(7)")
    wait(worker)
    assert "exit code 7" in worker.errors[0]


@pytest.mark.parametrize("keeps", [False, True])
def test_the_folder_is_removed_after_a_success_unless_the_receiver_keeps_it(worker, keeps):
    folder = worker.process.folder
    (folder / "masks.seq.nrrd").touch()
    during = []

    def receive(_lines):
        during.append(folder.is_dir())
        if keeps:
            worker.process.keepFolder()

    worker.process._onFinished = receive
    run(worker, "pass")
    assert worker.app.mouse.spin(60, lambda: bool(during))
    assert during == [True], "the receiver reads the results there"
    assert folder.is_dir() == keeps
    worker.process.removeFolder()


def test_the_folder_is_removed_if_the_result_cannot_be_shown(worker):
    folder = worker.process.folder

    def fails(_lines):
        raise ValueError("planned")

    worker.process._onFinished = fails
    run(worker, "pass")
    assert worker.app.mouse.spin(60, lambda: bool(worker.app.faults.found))
    assert not folder.exists()
    assert "planned" in worker.app.faults.found.pop()
    assert worker.errors == ["The result could not be read: planned. See the error log."]


def test_cancel_is_silent_and_removes_the_folder(worker):
    folder = worker.process.folder
    run(worker, "import time; time.sleep(120)")
    pid = worker.process.processId
    worker.process.cancel()
    assert not is_running(pid)
    assert not folder.exists()
    worker.app.mouse.spin(0.3)
    assert worker.results == worker.errors == []


def test_a_missing_program_raises(worker):
    folder = worker.process.folder
    with pytest.raises(OSError, match="no-such-program"):
        worker.process.start(["no-such-program"])
    assert not folder.exists()


def test_a_process_with_a_log_continues_when_it_is_released(worker, tmp_path):
    log, done = tmp_path / "console.log", tmp_path / "done"
    log.write_text("an earlier run\n")
    run(worker, f"import pathlib, time; print('started'); time.sleep(1); pathlib.Path({str(done)!r}).touch()", log)
    worker.process.release()
    assert worker.app.mouse.spin(60, done.exists)
    assert log.read_text() == "an earlier run\nstarted\n"
    assert worker.results == worker.errors == []


def test_an_error_of_a_process_with_a_log_is_its_own_output(worker, tmp_path):
    log = tmp_path / "console.log"
    log.write_text("an earlier error\n")
    run(worker, "import sys; sys.exit('lamod: run: the disk is full')", log)
    wait(worker)
    assert worker.errors == ["run: the disk is full"]


@pytest.mark.parametrize("ends", ["finished", "cancelled"])
def test_a_process_that_ended_is_not_kept_alive(slicer_app, ends):
    """Qt's timer keeps its receiver alive, and the receiver's callbacks keep the cine."""
    from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess

    class Cine:
        pass

    cine, results = Cine(), []
    receive = lambda lines, _cine=cine: results.append(lines)  # noqa: E731
    process = WorkerProcess(lambda _progress, _cine=cine: None, receive, results.append)
    process.start([sys.executable, "-c", "pass" if ends == "finished" else "import time; time.sleep(120)"])
    if ends == "finished":
        assert slicer_app.mouse.spin(60, lambda: bool(results))
    else:
        process.cancel()
    left = [weakref.ref(process), weakref.ref(cine)]
    del process, cine, receive
    gc.collect()
    assert [ref() for ref in left] == [None, None]


def test_no_garbage_is_collected_while_a_thread_computes(slicer_app, monkeypatch):
    """The collector would delete wrappers of Qt and VTK objects in the thread."""
    from LaMoDSlicerLib.Worker.SlicedWork import SlicedWork

    found, begun, mayEnd = [], threading.Event(), threading.Event()

    def steps():
        isPaused = yield lambda: not gc.isenabled()
        return isPaused, gc.isenabled()

    def waiting():
        yield lambda: begun.set() or mayEnd.wait(30)

    SlicedWork(steps(), found.append, found.append).start()
    assert slicer_app.mouse.spin(30, lambda: bool(found))
    assert found == [(True, True)]
    monkeypatch.setattr(SlicedWork, "PATIENCE_S", 0.01)
    work = SlicedWork(waiting(), found.append, found.append)
    work.start()
    assert slicer_app.mouse.spin(30, begun.is_set)
    work.cancel()
    assert not gc.isenabled(), "the thread is still running"
    mayEnd.set()
    assert slicer_app.mouse.spin(30, gc.isenabled)
    assert len(found) == 1
