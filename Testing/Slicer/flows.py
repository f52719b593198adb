"""A workflow by clicks: counts clicks and dialogs until GCS is on screen, and takes a picture of every step."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from LaMoDCore.models.default_model import DEFAULT_MODEL
from Testing.Slicer import panel
from Testing.SlicerHost import display

ROOT = Path(__file__).resolve().parents[2]
#: Functions of slicer.util that ask a question.
QUESTIONS = ("confirmOkCancelDisplay", "confirmYesNoDisplay")


def is_real() -> bool:
    """Whether the real worker runs: for pictures, if weights and contour engine are there."""
    weights = ROOT / "Resources" / "Models" / DEFAULT_MODEL / "weights.safetensors"
    engine = all(importlib.util.find_spec(name) is not None for name in ("onnxruntime", "myopari"))
    return bool(os.environ.get("LAMOD_SCREENSHOTS")) and weights.exists() and engine


def folder(tmp_path: Path) -> Path:
    """Folder of the pictures: temporary, or of this size and style for `make screenshots`."""
    if not os.environ.get("LAMOD_SCREENSHOTS"):
        return tmp_path
    name = f"{display.SIZE[0]}x{display.SIZE[1]}-{os.environ.get('LAMOD_STYLE', 'light')}"
    return ROOT / "flow-pictures" / name


class Flow:
    """One workflow.

    Args:
        app: the host.
        name: begins the names of the pictures.
        pictures: their folder.
        monkeypatch: answers questions with yes.
    """

    def __init__(self, app: SimpleNamespace, name: str, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import slicer

        from Testing.InSlicer.controls import Controls

        self.app, self.name, self._pictures = app, name, pictures
        self.clicks = 0
        self.dialogs: list[str] = []
        self.controls = Controls(app.widget, self.click)
        self._taken = 0
        app.mouse.show(app.widget.ui.heartTable)
        panel.without_pauses(monkeypatch)
        for question in QUESTIONS:
            monkeypatch.setattr(slicer.util, question, self._ask)

    def _ask(self, text: str, *_: Any, **__: Any) -> bool:
        self.dialogs.append(text)
        self.clicks += 1
        return True

    def click(self, widget: Any, *position: Any) -> None:
        """Click an enabled widget with the mouse."""
        self.app.settle()
        assert widget.enabled, f"{widget.name}: {widget.toolTip}"
        self.clicks += 1
        self.app.mouse.click(widget, *position)
        self.app.settle()

    def picture(self, title: str) -> Path:
        """Save a picture of the screen."""
        self.app.settle()
        self._taken += 1
        path = self._pictures / f"{self.name}-{self._taken}-{title}.png"
        self.app.mouse.screenshot(path)
        return path

    def predict(self) -> None:
        """Click Predict Strain, and check that the answer is on screen."""
        self.controls.predict()
        self.app.settle()
        assert self.controls.result is not None, self.controls.message
        assert "GCS" in self.controls.headline, self.controls.headline
        assert _is_in_view(self.app.widget.ui.headlineLabel), "the answer must be scrolled to"
        self.picture("strain")

    def look_around(self) -> None:
        """Take a picture of every tab of the reading room, if pictures are kept."""
        if not os.environ.get("LAMOD_SCREENSHOTS"):
            return
        tabs = self.controls.room_tabs()
        for index in range(1, tabs.count):
            tabs.setCurrentIndex(index)
            self.picture(f"room-{str(tabs.tabText(index)).lower()}")
        tabs.setCurrentIndex(0)


def _is_in_view(widget: Any) -> bool:
    """Whether a widget is visible as a whole, without scrolling."""
    from PySide6 import QtWidgets

    return bool(QtWidgets.QWidget.visibleRegion(widget).boundingRect() == QtWidgets.QWidget.rect(widget))


def loaded(app: SimpleNamespace, paths: list[Path]) -> None:
    """Add files or folders as the dialogs of *Add…* do."""
    app.widget.heartPanel.addPaths(paths)
    app.settle()
    assert app.widget.ui.messageLabel.text == ""
