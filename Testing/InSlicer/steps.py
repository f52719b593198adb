"""The steps of the check, in their order. Each returns a remark for the report, or raises an exception."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import slicer

from Testing.InSlicer.controls import Controls, wait
from Testing.InSlicer.report import LeftOutError, Report

MODULE = "LaMoDSlicer"
#: Functions of slicer.util that open a modal dialog, and the answer of the check.
DIALOGS = {
    "confirmOkCancelDisplay": True,
    "confirmYesNoDisplay": True,
    "confirmRetryCloseDisplay": False,
    "errorDisplay": None,
    "warningDisplay": None,
    "infoDisplay": None,
    "messageBox": None,
}


class Session:
    """What the steps share.

    Args:
        report: takes pictures and facts.
        install: whether missing packages may be installed.
    """

    def __init__(self, report: Report, install: bool = False) -> None:
        self.report, self.install = report, install
        self.dialogs: list[str] = []
        self._originals = {name: getattr(slicer.util, name) for name in DIALOGS if hasattr(slicer.util, name)}
        for name in self._originals:
            setattr(slicer.util, name, self._answer(DIALOGS[name]))

    def close(self) -> None:
        """Let dialogs open again."""
        for name, function in self._originals.items():
            setattr(slicer.util, name, function)

    def _answer(self, answer: Any) -> Callable[..., Any]:
        def reply(text: str = "", *_: Any, **__: Any) -> Any:
            self.dialogs.append(str(text))
            return answer

        return reply

    @property
    def panel(self) -> Controls:
        return Controls(getattr(slicer.modules, f"{MODULE}Widget"))

    def picture(self, title: str) -> None:
        """Save a picture of the main window."""
        wait(0.5)
        slicer.util.mainWindow().grab().save(str(self.report.picture(title)))

    def needs_packages(self) -> None:
        """Leave the step out if packages are missing."""
        from LaMoDSlicerLib.Worker import Dependencies

        if missing := Dependencies.missing():
            raise LeftOutError(f"{', '.join(missing)} missing: run with INSTALL=1, or install them first")

    def needs_result(self) -> None:
        """Leave the step out if no result is shown."""
        if self.panel.result is None:
            raise LeftOutError("there is no result")


def step_start(session: Session) -> str:
    """Open the module; record the versions of Slicer and Qt, the screen and the style."""
    import qt

    app = slicer.app
    facts = session.report.facts
    facts["Slicer"] = " ".join(
        str(getattr(app, name, "")) for name in ("applicationVersion", "revision", "platform")
    ).strip()
    facts["Qt"] = str(qt.qVersion()) if hasattr(qt, "qVersion") else "unknown"
    window = slicer.util.mainWindow()
    size = _value(window.size)
    facts["window"] = f"{size.width()} × {size.height()}, scale {window.devicePixelRatioF():g}"
    dark = _value(window.palette).color(qt.QPalette.Window).lightness() < 128
    facts["style"] = "dark" if dark else "light"
    slicer.util.selectModule(MODULE)
    wait(1.0)
    session.picture("the panel at the start")
    return ""


def step_packages(session: Session) -> str:
    """List missing packages; install them if that was requested."""
    from LaMoDSlicerLib.Worker import Dependencies

    missing = Dependencies.missing()
    if missing and session.install:
        Dependencies.install([name for name in missing if name != "torch"])
        if "torch" in missing:
            Dependencies.install(["torch"])
        missing = Dependencies.missing()
        assert not missing, f"still missing: {', '.join(missing)}"
        return "installed"
    return f"missing: {', '.join(missing)}" if missing else "none is missing"


def step_self_test(session: Session) -> str:
    """Run the self-test of *Reload and Test*."""
    slicer.selfTests[MODULE]()
    slicer.mrmlScene.Clear(0)
    wait(0.5)
    return ""


def step_sample(session: Session) -> str:
    """Load one slice of the sample heart; the panel fills itself."""
    _load_sample("LaMoDPhantom")
    assert session.panel.rows == 1, f"the table of the heart has {session.panel.rows} rows"
    session.picture("sample heart loaded")
    return ""


def step_predict(session: Session) -> str:
    """Predict strain with one click; GCS is on screen afterwards."""
    session.needs_packages()
    seconds = session.panel.predict()
    panel = session.panel
    assert panel.result is not None, panel.message or "there is no result"
    assert "GCS" in panel.headline, panel.headline
    session.picture("strain at end-systole")
    return f"{panel.headline.partition(';')[0]} in {seconds:.0f} s"


def step_scrub(session: Session) -> str:
    """Step through the cardiac cycle three times; report frames per second."""
    session.needs_result()
    browser = session.panel.result
    frames = browser.GetNumberOfItems()
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    started = time.monotonic()
    for step in range(3 * frames):
        browser.SetSelectedItemNumber(step % frames)
        slicer.app.processEvents()
        view.forceRender()
    rate = 3 * frames / (time.monotonic() - started)
    session.picture("another frame")
    return f"{rate:.0f} frames/s"


def step_display(session: Session) -> str:
    """Show other colours, the grid and the tracks."""
    session.needs_result()
    ui = session.panel.ui
    for index in range(ui.quantitySelector.count):
        ui.quantitySelector.setCurrentIndex(index)
        wait(0.3)
    for box in (ui.gridCheckBox, ui.tracksCheckBox):
        box.checked = True
        session.picture(str(box.text).lower())
        box.checked = False
    ui.quantitySelector.setCurrentIndex(0)
    return ""


def step_room(session: Session) -> str:
    """Open the reading room, show every tab, and close it; the layout is that of before."""
    session.needs_result()
    layouts = slicer.app.layoutManager()
    before = layouts.layout
    session.panel.toggle_room()
    assert layouts.layout != before, session.panel.widget.readingPanel.ui.readingMessage.text
    tabs = session.panel.room_tabs()
    for index in range(tabs.count):
        tabs.setCurrentIndex(index)
        session.picture(f"reading room {tabs.tabText(index)}")
    tabs.setCurrentIndex(0)
    session.panel.toggle_room()
    assert layouts.layout == before, "the layout was not restored"
    return ""


def step_save(session: Session) -> str:
    """Save the scene with the reading room open, close it and load it: an ordinary layout, and the same result."""
    session.needs_result()
    headline = session.panel.headline
    session.panel.toggle_room()
    path = Path(slicer.app.temporaryPath) / "lamod-check.mrb"
    try:
        assert slicer.util.saveScene(str(path)), "the scene was not saved"
        slicer.mrmlScene.Clear(0)
        wait(0.5)
        slicer.util.loadScene(str(path))
        wait(1.0)
    finally:
        path.unlink(missing_ok=True)
    session.picture("saved and loaded")
    assert session.panel.headline == headline, f"{session.panel.headline!r} instead of {headline!r}"
    return ""


def step_leave(session: Session) -> str:
    """Open another module and add a node there: the views do not change. Then come back."""
    session.needs_result()
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    slicer.util.selectModule("Data")
    wait(0.5)
    composite.SetForegroundVolumeID(None)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "of another module")
    wait(0.5)
    assert composite.GetForegroundVolumeID() is None, "the colours came back while another module was shown"
    slicer.util.selectModule(MODULE)
    wait(0.5)
    assert composite.GetForegroundVolumeID() is not None, "the colours did not come back"
    return ""


def step_series(session: Session) -> str:
    """Load three series of one heart and predict them together."""
    slicer.mrmlScene.Clear(0)
    wait(0.5)
    _load_sample("LaMoDPhantomThreeSlices")
    assert session.panel.rows == 3, f"the table of the heart has {session.panel.rows} rows"
    session.picture("three series loaded")
    session.needs_packages()
    seconds = session.panel.predict()
    assert "GCS" in session.panel.headline, session.panel.message
    session.picture("three series predicted")
    return f"{session.panel.headline.partition(';')[0]} in {seconds:.0f} s"


def step_close_scene(session: Session) -> str:
    """Close the scene during a prediction: no process and no folder is left."""
    session.needs_packages()
    before = _folders()
    worker = session.panel.start_prediction()
    assert worker is not None, session.panel.message
    process = worker._process
    wait(1.0)
    assert process.poll() is None, "the prediction ended before the scene was closed"
    slicer.mrmlScene.Clear(0)
    assert wait(10, lambda: process.poll() is not None), "the worker is still running"
    assert _folders() == before, f"left: {_folders() - before}"
    return ""


def step_reload(session: Session) -> str:
    """Reload the module, as developers do."""
    session.panel.widget.onReload()
    wait(1.0)
    assert session.panel.ui.predictButton is not None
    return ""


def step_text_size(session: Session) -> str:
    """Show every section with text at 150 %."""
    import qt

    font = qt.QFont(qt.QApplication.font())
    large = qt.QFont(font)
    large.setPointSizeF(font.pointSizeF() * 1.5)
    with _application_font(large, font):
        for title, section in session.panel.sections().items():
            before = section.collapsed
            section.collapsed = False
            session.picture(f"large text {title}")
            section.collapsed = before
    return ""


#: Name in the report -> step.
STEPS: dict[str, Callable[[Session], str]] = {
    "Open the module": step_start,
    "Packages": step_packages,
    "Self-test": step_self_test,
    "Load the sample heart": step_sample,
    "Predict strain": step_predict,
    "Step through the cycle": step_scrub,
    "Display options": step_display,
    "Reading room": step_room,
    "Save and load the scene": step_save,
    "Leave and enter the module": step_leave,
    "Three series": step_series,
    "Close the scene during a prediction": step_close_scene,
    "Reload the module": step_reload,
    "Text at 150 %": step_text_size,
}


def _load_sample(name: str) -> None:
    """Load a sample as the Sample Data module does."""
    for sources in slicer.modules.sampleDataSources.values():
        for source in sources:
            if source.sampleName == name:
                source.customDownloader(source)
                wait(1.0)
                return
    raise AssertionError(f"Sample Data does not list {name}")


def _value(member: Any) -> Any:
    """A property of a Qt object, which is a method in other bindings than Slicer's."""
    return member() if callable(member) else member


def _folders() -> set[str]:
    """Temporary folders of workers."""
    return {path.name for path in Path(slicer.app.temporaryPath).glob("LaMoD-*")}


@contextmanager
def _application_font(font: Any, before: Any) -> Iterator[None]:
    import qt

    qt.QApplication.setFont(font)
    try:
        yield
    finally:
        qt.QApplication.setFont(before)
