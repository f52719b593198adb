"""Helpers for tests of the Advanced panel: the open panel, its sections, and answers to its file dialogs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any


@contextmanager
def opened(app: SimpleNamespace, models: Path, monkeypatch: Any) -> Iterator[SimpleNamespace]:
    """The open Advanced panel with its own model folder and without remembered settings; closed at the end."""
    monkeypatch.setenv("LAMOD_MODELS", str(models))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    advanced = app.widget.advancedPanel
    forget(advanced)
    app.widget.ui.advancedButton.collapsed = False
    app.settle()
    yield SimpleNamespace(app=app, mouse=app.mouse, panel=advanced, ui=app.widget.ui)
    forget(advanced)
    for section in sections(advanced):
        section.collapsed = True
    advanced.train.ui.curvesButton.checked = advanced.train.ui.previewCheckBox.checked = False
    advanced.train.ui.settingsButton.checked = False
    app.widget.ui.advancedButton.collapsed = True


def forget(advanced: Any) -> None:
    """Clear the selected dataset and run, and show the first tab."""
    advanced.dataset.ui.makeTabs.currentIndex = 0
    advanced.dataset.ui.datasetEdit.text = advanced.train.ui.runEdit.text = ""
    for section in (advanced.dataset, advanced.train, advanced.evaluate, advanced.models):
        section.showMessage("")


def sections(advanced: Any) -> list[Any]:
    return [
        advanced.dataset.ui.datasetButton,
        advanced.train.ui.trainButton,
        advanced.evaluate.ui.evaluateSectionButton,
        advanced.models.ui.modelsButton,
    ]


def click(researcher: SimpleNamespace, widget: Any) -> None:
    """Click an enabled widget."""
    researcher.app.settle()
    assert widget.enabled, f"{widget.name}: {widget.toolTip}"
    researcher.mouse.click(widget)
    researcher.app.settle()


def click_row(researcher: SimpleNamespace, table: Any, row: int) -> None:
    """Click the first cell of a table's row."""
    researcher.app.settle()
    researcher.mouse.show(table)
    rect = table.visualItemRect(table.item(row, 0))
    researcher.mouse.click(table.viewport(), rect.center())
    researcher.app.settle()


def open_section(researcher: SimpleNamespace, button: Any) -> None:
    """Click a section's heading."""
    from PySide6 import QtCore

    researcher.app.settle()
    researcher.mouse.click(button, QtCore.QPoint(40, 12))
    researcher.app.settle()
    assert not button.collapsed


def will_choose(monkeypatch: Any, path: Path, asker: str = "getExistingDirectory") -> None:
    """Set the answer to all later file dialogs."""
    import qt

    monkeypatch.setattr(qt.QFileDialog, asker, staticmethod(lambda *_: str(path)))
