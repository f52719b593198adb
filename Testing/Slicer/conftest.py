"""Fixtures: one application, one window and one private display for all tests of the module."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.SlicerHost import display
from Testing.SlicerHost.module_window import open_on_private_display

ROOT = Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = display.missing()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slicer)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"the Slicer module's tests: {missing}"))


@pytest.fixture(scope="session")
def host() -> Iterator[SimpleNamespace]:
    """The running application with the module's panel in a window on a private display."""
    opened = open_on_private_display()
    yield opened
    opened.window.close()


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
    """Empty the scene and show only the red view: software rendering of a 3-D view is slow."""
    import slicer

    slicer.mrmlScene.Clear(0)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    app = SimpleNamespace(**vars(host), widget=slicer.modules.LaMoDSlicerWidget)
    app.settle = lambda: _settle(app)
    app.settle()
    return app


def _settle(app: SimpleNamespace) -> None:
    """Wait until the panel has updated and the views are drawn."""
    panel = app.widget._watch.timer
    views = [view for view in (app.window.red, app.window.three_d) if view.isVisible()]
    app.mouse.spin(0.05)
    contours = app.widget.contoursPanel
    idle = lambda: not panel.active and not contours.isBusy  # noqa: E731
    assert app.mouse.spin(60, lambda: idle() and not any(view._pending.isActive() for view in views))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Folder of the screenshots: temporary, or that of the documentation if LAMOD_SCREENSHOTS=1."""
    return ROOT / "Resources" / "Screenshots" if os.environ.get("LAMOD_SCREENSHOTS") else tmp_path


@pytest.fixture
def fake_worker(monkeypatch: pytest.MonkeyPatch, host: SimpleNamespace, tmp_path: Path) -> Callable[[str], Path]:
    """Make the panel start `fake_worker` instead of LaMoDCore; call it with the behaviour, returns the pid file."""
    pids = tmp_path / "pids"
    monkeypatch.setenv("LAMOD_FAKE_PIDS", str(pids))

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
