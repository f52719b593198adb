"""Jobs and messages end with their scene: no process, folder, node or observer is left after any of them."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.Slicer import panel, reading_heart
from Testing.Slicer.annotator import set_up
from Testing.Slicer.researcher import opened
from Testing.Slicer.ring_heart import grid, heart
from Testing.SlicerHost import quiet

ENDS = 30


class SlowWorker:
    """Replaces Slicer's Python: every command waits with a child process and reports the process IDs of both."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from LaMoDSlicerLib.Worker import CoreLibrary

        self._pids = folder / "pids"
        self._pids.mkdir()
        child = "import time; time.sleep(120)"
        program = folder / "slow-python"
        program.write_text(
            f"#!{sys.executable}\nimport os, pathlib, subprocess, sys\n"
            f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
            f"pathlib.Path({str(self._pids)!r}, str(os.getpid())).write_text(str(child.pid))\nchild.wait()\n"
        )
        program.chmod(0o755)
        monkeypatch.setattr(CoreLibrary, "python", lambda: str(program))

    def workers(self) -> list[tuple[int, int]]:
        """Process IDs of each worker and its child."""
        written = [(path.name, path.read_text()) for path in self._pids.iterdir()]
        return [(int(worker), int(child)) for worker, child in written if child]

    def running(self) -> list[int]:
        return [pid for pair in self.workers() for pid in pair if panel.is_running(pid)]

    def end(self) -> None:
        for pid in self.running():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def slow(slicer_app, tmp_path, monkeypatch):
    worker = SlowWorker(tmp_path, monkeypatch)
    yield worker
    worker.end()


def folders() -> list[str]:
    """Temporary folders of workers."""
    import slicer

    return sorted(path.name for path in Path(slicer.app.temporaryPath).glob("LaMoD-*"))


def observers() -> int:
    """Observers of the scene and of the nodes that stay when it is closed."""
    import slicer

    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]
    kept = [node for node in nodes if node.GetSingletonTag() is not None]
    return sum(len(re.findall(r"\bEvent: ", str(each))) for each in (scene, *kept))


def predict(app: SimpleNamespace) -> None:
    app.widget.ui.predictButton.click()


def draw(app: SimpleNamespace) -> None:
    from LaMoDSlicerLib.Worker import ContourEngine

    app.monkeypatch.setattr(ContourEngine, "ensure", lambda: None)  # the contour engine may not be installed
    app.widget._parameters.masks = None
    app.settle()
    app.widget.ui.drawContoursButton.click()


def measure(app: SimpleNamespace) -> None:
    contours = app.widget.contoursPanel
    contours.ui.checkButton.click()
    contours.ui.costButton.click()


def fill(app: SimpleNamespace) -> None:
    """Fill missing frames, as if some were empty."""
    from LaMoDSlicerLib.Repairs.FillingJob import FillingJob

    app.monkeypatch.setattr(FillingJob, "hasWork", staticmethod(lambda _slices: True))
    contours = app.widget.contoursPanel
    contours.ui.checkButton.click()
    selector = contours.ui.fixSelector
    selector.setCurrentIndex(selector.findData("missing"))
    contours.ui.fixButton.click()
    selector.setCurrentIndex(0)


def show_case(app: SimpleNamespace) -> None:
    """Predict a case of a dataset to show it."""
    reading_heart.write_reading(app.folder / "hearts" / "cases" / "a", [heart()], [reading_heart.motion_of(heart())])
    index = {"version": 1, "cases": [{"id": "a", "subject": "a", "site": "", "split": "val", "cohort": "cine",
                                      "disease": "", "level": "mid"}]}  # fmt: skip
    (app.folder / "hearts" / "dataset.json").write_text(json.dumps(index))
    case = app.widget.advancedPanel.evaluate.case
    from LaMoDSlicerLib.Advanced.ComparedCase import ComparedCase

    def arguments(_folder: Path, *_: Any) -> list[str]:
        return ["predict"]

    app.monkeypatch.setattr(ComparedCase, "_arguments", staticmethod(arguments))
    case.start(app.folder / "hearts", "a", "model", "title", app.widget._parameters)


def make_dataset(app: SimpleNamespace) -> None:
    app.widget.advancedPanel.dataset._command.run(["phantom"], lambda _lines: None)


def evaluate(app: SimpleNamespace) -> None:
    app.widget.advancedPanel.evaluate._command.run(["evaluate"], lambda _lines: None)


def import_model(app: SimpleNamespace) -> None:
    app.widget.advancedPanel.models.importFrom(app.folder / "model.zip")


def list_settings(app: SimpleNamespace) -> None:
    recipe = app.widget.advancedPanel.train.recipe
    recipe._form = None
    recipe._loadSettings()


#: Jobs on the scene, which end with it.
OF_SCENE = {"predict": predict, "draw": draw, "measure": measure, "fill": fill, "show a case": show_case}
#: Jobs on files.
OF_FILES = {
    "make a dataset": make_dataset,
    "evaluate": evaluate,
    "import a model": import_model,
    "list the settings": list_settings,
}
JOBS = OF_SCENE | OF_FILES


@pytest.fixture
def job(slicer_app, slow, tmp_path, monkeypatch):
    """Starts jobs of the panel on the analytic heart; returns after each until its process runs."""
    with opened(slicer_app, tmp_path / "models", monkeypatch):
        annotator = set_up(slicer_app, heart())
        started = SimpleNamespace(app=slicer_app, worker=slow, annotator=annotator, before=folders())
        context = SimpleNamespace(**vars(slicer_app), folder=tmp_path, monkeypatch=monkeypatch)

        def start(name: str, count: int = 1) -> None:
            JOBS[name](context)
            assert slicer_app.mouse.spin(ENDS, lambda: len(slow.workers()) >= count), f"{name} did not start"

        started.start = start
        yield started
        slow.end()
        slicer_app.mouse.spin(0.3)


def watching() -> list[object]:
    """The processes whose end the panel has not noticed yet: it looks at them at intervals."""
    from PySide6.QtCore import QTimer

    processes = [
        each for each in gc.get_objects() if type(each).__name__ == "WorkerProcess"
    ]  # also of a reloaded module
    return [each for each in processes if QTimer.isActive(each._timer)]


def assert_nothing_left(job: SimpleNamespace) -> None:
    assert job.app.mouse.spin(ENDS, lambda: not job.worker.running()), "a process is left"
    assert job.app.mouse.spin(ENDS, lambda: folders() == job.before), "a folder is left"
    assert job.app.mouse.spin(ENDS, lambda: not watching()), "the panel still waits for a process"
    job.app.settle()


@pytest.mark.parametrize("name", OF_SCENE)
def test_closing_the_scene_ends_a_job_on_it(job, name):
    import slicer

    slicer.mrmlScene.Clear(0)
    job.app.settle()
    empty, observed = panel.node_names(), observers()
    assert observed > 0
    set_up(job.app, heart())
    job.start(name)
    slicer.mrmlScene.Clear(0)
    assert_nothing_left(job)
    assert panel.node_names() == empty
    assert observers() == observed


@pytest.mark.parametrize("name", JOBS)
def test_a_worker_that_dies_leaves_nothing_and_the_job_can_start_again(job, name):
    job.start(name)
    nodes = panel.node_names()
    ((worker, _child),) = job.worker.workers()
    os.kill(worker, signal.SIGKILL)
    assert_nothing_left(job)
    assert panel.node_names() == nodes
    job.start(name, 2)


def test_closing_slicer_ends_all_jobs(job, recwarn):
    """Slicer unloads its modules when it is closed; the module is then reloaded for the other tests."""
    for count, name in enumerate(("predict", "measure", "fill", *OF_FILES), 1):
        job.start(name, count)
    job.app.widget.cleanup()
    assert_nothing_left(job)
    job.app.widget.onReload()  # unloads the module again
    assert [str(w.message) for w in recwarn if "disconnect" in str(w.message)] == []


def test_files_are_processed_further_when_the_scene_is_closed(job):
    import slicer

    for count, name in enumerate(OF_FILES, 1):
        job.start(name, count)
    slicer.mrmlScene.Clear(0)
    job.app.settle()
    assert len(job.worker.running()) == 2 * len(OF_FILES)
    job.worker.end()
    assert_nothing_left(job)


@pytest.mark.parametrize("name", ["predict", "fill", "make a dataset", "import a model", "list the settings"])
def test_a_second_start_of_a_running_job_starts_no_second_process(job, name, monkeypatch):
    """The first one could not be cancelled any more."""
    job.start(name)
    again = {"predict": job.app.widget.predictPanel.predict}.get(name)
    if again is not None:
        again()
    else:
        JOBS[name](SimpleNamespace(**vars(job.app), folder=Path(), monkeypatch=monkeypatch))
    job.app.mouse.spin(1.0)
    assert len(job.worker.workers()) == 1


@pytest.fixture
def film(slicer_app, tmp_path):
    """Starts a movie of a result in the reading room; returns after its first frame."""
    import slicer
    from LaMoDSlicerLib.Results import ResultImport

    ring = heart(grid(64, 2.8), frames=10)
    reading_heart.write_reading(tmp_path / "result", [ring], [reading_heart.motion_of(ring)])
    reading = slicer_app.widget.readingPanel

    def start() -> Path:
        slicer_app.widget._parameters.resultBrowser = ResultImport.load(tmp_path / "result").browsers()[0]
        slicer_app.settle()
        reading.ui.roomButton.checked = True
        slicer_app.settle()
        red = slicer.app.layoutManager().sliceWidget("Red").sliceView()
        red.cornerAnnotation().SetVisibility(True)
        reading.film(tmp_path / "strain.gif")
        assert slicer_app.mouse.spin(ENDS, lambda: reading.ui.readingMessage.text.startswith("Filming: frame 1 of "))
        return tmp_path / "strain.gif"

    yield start
    reading = slicer_app.widget.readingPanel  # of the reloaded module
    if reading.ui.roomButton.checked:
        reading.ui.roomButton.checked = False
        slicer_app.settle()


def assert_not_filming(movie: Path) -> None:
    import slicer

    assert quiet.steps() == [], "the panel still films"
    assert slicer.app.layoutManager().sliceWidget("Red").sliceView().cornerAnnotation().GetVisibility()
    assert [path.name for path in movie.parent.iterdir()] == ["result"], "the movie is left"


def test_closing_the_scene_ends_a_movie(slicer_app, film):
    import slicer

    movie = film()
    slicer.mrmlScene.Clear(0)
    assert_not_filming(movie)
    slicer_app.settle()
    assert slicer_app.widget.readingPanel.ui.movieButton.text == "Movie…"


def test_closing_slicer_ends_a_movie(slicer_app, film):
    movie = film()
    slicer_app.widget.cleanup()
    assert_not_filming(movie)
    slicer_app.widget.onReload()


def test_a_second_movie_ends_the_first(slicer_app, film):
    movie = film()
    reading = slicer_app.widget.readingPanel
    first = reading._movie
    reading.film(movie.with_name("second.gif"))
    assert not first.isRunning
    assert slicer_app.mouse.spin(60, lambda: reading._movie is None)
    assert sorted(path.name for path in movie.parent.iterdir()) == ["result", "second.gif"]


def test_python_code_that_waits_for_a_prediction_is_told_that_the_scene_was_closed(job):
    import qt
    import slicer

    logic, p = job.app.widget.logic, job.app.widget._parameters
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(lambda: slicer.mrmlScene.Clear(0))
    timer.start(700)
    with pytest.raises(RuntimeError, match="scene was closed"):
        logic.predictStrain(p.cine, p.masks, timeoutSeconds=ENDS)
    assert_nothing_left(job)


def _speakers(widget: Any) -> dict[str, Any]:
    """Every part of the panel that shows messages, by the name of its class."""
    found: dict[str, Any] = {}
    parts = [*widget.panels]
    while parts:
        part = parts.pop()
        name = type(part).__name__
        if not type(part).__module__.startswith("LaMoDSlicerLib") or name in found:
            continue
        found[name] = part
        parts += [value for value in vars(part).values() if hasattr(value, "__dict__")]
    return {name: part for name, part in found.items() if callable(getattr(part, "showMessage", None))}


def test_messages_end_with_the_scene_they_belong_to(slicer_app, ring):
    import slicer

    speakers = _speakers(slicer_app.widget)
    assert len(speakers) >= 6
    for name, part in speakers.items():
        part.showMessage(f"Mr Smith by {name}")
    shown = _texts(slicer_app)
    assert [name for name in speakers if f"Mr Smith by {name}" not in shown] == []
    slicer.mrmlScene.Clear(0)
    slicer_app.settle()
    assert re.findall(r"Mr Smith by (\w+)", _texts(slicer_app)) == []


def _texts(app: SimpleNamespace) -> str:
    """All text of the panel's labels and text fields, shown or not."""
    from PySide6 import QtWidgets

    root = app.application._shown
    find = QtWidgets.QWidget.findChildren
    labels = [QtWidgets.QLabel.text(each) for each in find(root, QtWidgets.QLabel)]
    edits = [QtWidgets.QPlainTextEdit.toPlainText(each) for each in find(root, QtWidgets.QPlainTextEdit)]
    return "\n".join([*labels, *edits])
