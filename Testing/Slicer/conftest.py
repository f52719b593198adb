"""Fixtures: one application, one window and one private display for all tests of the module."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.SlicerHost import display
from Testing.SlicerHost.module_window import open_on_private_display

ROOT = Path(__file__).resolve().parents[2]
# No process that imports torch for the next prediction while other tests run; test_warm_worker.py keeps one.
os.environ.setdefault("LAMOD_WARM_WORKER", "0")
# One thread per process draws: the processes that share the tests use all cores already.
os.environ.setdefault("LP_NUM_THREADS", "1")


#: The files that take longest. They come first, so that no process works on one of them when the others have ended.
LONG = (
    "test_advanced_training.py",
    "test_result_views.py",
    "test_in_slicer_check.py",
    "test_reading_room.py",
    "test_draw_contours.py",
    "test_scene_hygiene.py",
    "test_heart_table.py",
    "test_advanced_sections.py",
    "test_process.py",
    "test_reading_controls.py",
    "test_contours_panel.py",
    "test_clicks.py",
)


def _order(item: pytest.Item) -> int:
    name = item.path.name
    return LONG.index(name) if name in LONG else len(LONG)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_order)
    if os.environ.get("LAMOD_SCREENSHOTS"):
        items[:] = [item for item in items if {"pictures", "flow"} & set(getattr(item, "fixturenames", ()))]
    missing = display.missing()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slicer)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"the Slicer module's tests: {missing}"))


@pytest.fixture(scope="session")
def host() -> Iterator[SimpleNamespace]:
    """The running application with the module's panel in a window on a private display."""
    from LaMoDCore.phantom import demo_case

    opened = open_on_private_display()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("LaMoDCore.phantom.demo_case", functools.cache(demo_case))  # the sample heart takes seconds
        yield opened
    opened.window.close()


#: Whether a section is closed before the first test, by the name of its button.
_closed_at_start: dict[str, bool] = {}


def _sections() -> list[Any]:
    """The buttons that open and close the sections of the panel."""
    import slicer

    from Testing.InSlicer.controls import Controls

    return list(Controls(slicer.modules.LaMoDSlicerWidget).sections().values())


@pytest.fixture
def faults(host: SimpleNamespace) -> Iterator[Any]:
    """Fail the test if a slot, an observer or VTK reports an error."""
    from Testing.SlicerHost.faults import FaultCollector

    collector = FaultCollector()
    collector.install()
    yield collector
    collector.remove()
    assert not collector.found, "\n".join(collector.found)


@pytest.fixture
def slicer_app(host: SimpleNamespace, faults: Any) -> Iterator[SimpleNamespace]:
    """The host with an empty scene and `settle`."""
    app = fresh(host)
    app.faults = faults
    yield app
    app.widget.predictPanel.cancel("")


def fresh(host: SimpleNamespace) -> SimpleNamespace:
    """Empty the scene, open the sections that are open at the start, and show only the red view, which is quick."""
    import slicer

    slicer.mrmlScene.Clear(0)
    for button in _sections():
        closed = _closed_at_start.setdefault(button.name, button.collapsed)
        if button.collapsed != closed:
            button.collapsed = closed
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    app = SimpleNamespace(**vars(host), widget=slicer.modules.LaMoDSlicerWidget)
    app.settle = lambda: _settle(app)
    app.settle()
    return app


def _settle(app: SimpleNamespace) -> None:
    """Wait until the panel has updated, contours are checked, and the views are drawn."""
    from Testing.SlicerHost import quiet

    quiet.wait()
    contours = app.widget.contoursPanel
    if contours.isBusy:  # a process repairs them
        assert app.mouse.spin(60, lambda: not contours.isBusy), "the contours are still being repaired"
        quiet.wait()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Folder of the screenshots: temporary, or that of the documentation if LAMOD_SCREENSHOTS=1."""
    return ROOT / "Resources" / "Screenshots" if os.environ.get("LAMOD_SCREENSHOTS") else tmp_path


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which `fake_worker` keeps its answers: one for all processes that share the tests."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    (folder / "answers").mkdir(exist_ok=True)
    return folder / "answers"


@pytest.fixture
def fake_worker(
    monkeypatch: pytest.MonkeyPatch, host: SimpleNamespace, tmp_path: Path, answers: Path
) -> Callable[[str], Path]:
    """Make the panel start `fake_worker` instead of LaMoDCore; call it with the behaviour, returns the pid file."""
    pids = tmp_path / "pids"
    monkeypatch.setenv("LAMOD_FAKE_PIDS", str(pids))
    monkeypatch.setenv("LAMOD_FAKE_STORE", str(answers))

    def plan(what: str) -> Path:
        from LaMoDSlicerLib.Heart.HeartDrawing import HeartDrawing
        from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest

        monkeypatch.setenv("LAMOD_FAKE", what)
        for request in (HeartRequest, HeartDrawing):
            monkeypatch.setattr(request, "commandLine", _with_fake_worker(request.commandLine))
        return pids

    return plan


def _with_fake_worker(original: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def command_line(self: Any, folder: Path) -> list[str]:
        command = original(self, folder)
        if "LaMoDCore" in command:  # fake_worker may be called several times in a test
            command[command.index("LaMoDCore")] = "Testing.Slicer.fake_worker"
        return command

    return command_line


@pytest.fixture
def ring(slicer_app: SimpleNamespace) -> SimpleNamespace:
    """The analytic heart in the scene: browser, segmentation and slice."""
    return add_ring(slicer_app)


def add_ring(app: SimpleNamespace) -> SimpleNamespace:
    from LaMoDSlicerLib.Scene import SampleHeart

    from Testing.Slicer.ring_heart import heart

    slice_ = heart()
    browser, segmentation = SampleHeart.addToScene(slice_, "Ring")
    app.settle()
    return SimpleNamespace(browser=browser, segmentation=segmentation, slice=slice_)
