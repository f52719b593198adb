"""Helpers for tests of the Contours panel: a heart with faulty contours, clicks, and the masks in the scene."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from Testing.Slicer.ring_heart import heart


def faulty_heart() -> Any:
    """The ring with an island in frame 5, a gap in frame 9, and a mask shifted by 7 mm in frame 14."""
    slice_ = heart()
    masks = slice_.myocardium.copy()
    masks[5, 4:6, 4:6] = True
    rows, columns = np.nonzero(masks[9])
    middle = int(rows.mean())
    masks[9, middle - 1 : middle + 2, int(columns.mean()) :] = False
    masks[14] = np.roll(masks[14], 5, axis=1)
    return replace(slice_, myocardium=masks)


def set_up(app: SimpleNamespace, slice_: Any) -> SimpleNamespace:
    """Add a heart to the scene and open the Contours section; returns the scene's nodes and the panel."""
    from LaMoDSlicerLib.Scene import SampleHeart

    app.widget.contoursPanel.ui.contoursButton.collapsed = False
    browser, segmentation = SampleHeart.addToScene(slice_, "Ring")
    app.settle()
    contours = app.widget.contoursPanel
    return SimpleNamespace(
        app=app,
        mouse=app.mouse,
        browser=browser,
        segmentation=segmentation,
        slice=slice_,
        panel=contours,
        ui=contours.ui,
    )


def open_contours(app: SimpleNamespace) -> None:
    """Open the Contours section by a click on its title, if it is closed."""
    from PySide6 import QtCore

    button = app.widget.contoursPanel.ui.contoursButton
    if button.collapsed:
        app.mouse.click(button, QtCore.QPoint(20, 10))
        app.settle()
    assert not button.collapsed


def click(annotator: SimpleNamespace, name: str) -> None:
    """Click an enabled widget of the panel."""
    annotator.app.settle()
    open_contours(annotator.app)
    widget = getattr(annotator.ui, name)
    assert widget.enabled, f"{name}: {widget.toolTip}"
    annotator.mouse.click(widget)
    annotator.app.settle()


def tick(annotator: SimpleNamespace, name: str) -> None:
    """Click the box of a check box; a click next to its text has no effect."""
    from PySide6 import QtCore

    annotator.app.settle()
    open_contours(annotator.app)
    box = getattr(annotator.ui, name)
    assert box.enabled, name
    annotator.mouse.click(box, QtCore.QPoint(9, 10))
    annotator.app.settle()


def click_cell(annotator: SimpleNamespace, row: int, column: int) -> None:
    """Click a cell of the strip."""
    open_contours(annotator.app)
    table = annotator.ui.stripTable
    rect = table.visualItemRect(table.item(row, column))
    annotator.mouse.click(table.viewport(), rect.center())
    annotator.app.settle()


def unfold(annotator: SimpleNamespace, name: str) -> None:
    """Open a collapsed section by a click on its title."""
    from PySide6 import QtCore

    open_contours(annotator.app)
    button = getattr(annotator.ui, name)
    if button.collapsed:
        annotator.mouse.click(button, QtCore.QPoint(20, 10))
        annotator.app.settle()
    assert not button.collapsed


def drawn_masks(annotator: SimpleNamespace) -> np.ndarray:
    """The myocardium of all frames in the scene, bool [T, H, W]."""
    from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices

    return ContourSlices(annotator.app.widget._parameters).slices()[0].myocardium
