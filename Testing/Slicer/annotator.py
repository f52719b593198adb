"""An annotator at the Contours panel: a heart with faults in the scene, clicks, and what the scene holds."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from Testing.Slicer.ring_heart import heart


def faulty_heart() -> Any:
    """The ring with an island in frame 5, a gap in frame 9, and its mask 6 mm off in frame 14."""
    slice_ = heart()
    masks = slice_.myocardium.copy()
    masks[5, 4:6, 4:6] = True
    rows, columns = np.nonzero(masks[9])
    middle = int(rows.mean())
    masks[9, middle - 1 : middle + 2, int(columns.mean()) :] = False
    masks[14] = np.roll(masks[14], 5, axis=1)
    return replace(slice_, myocardium=masks)


def sit_down(app: SimpleNamespace, slice_: Any) -> SimpleNamespace:
    """Put a heart into the scene; the annotator with everything at hand."""
    from LaMoDSlicerLib.Scene import SampleHeart

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


def click(annotator: SimpleNamespace, name: str) -> None:
    """Click a widget of the panel that can be clicked."""
    annotator.app.settle()
    widget = getattr(annotator.ui, name)
    assert widget.enabled, f"{name}: {widget.toolTip}"
    annotator.mouse.click(widget)
    annotator.app.settle()


def tick(annotator: SimpleNamespace, name: str) -> None:
    """Click a check box on its box: beside its words nothing is hit."""
    from PySide6 import QtCore

    annotator.app.settle()
    box = getattr(annotator.ui, name)
    assert box.enabled, name
    annotator.mouse.click(box, QtCore.QPoint(9, 10))
    annotator.app.settle()


def click_cell(annotator: SimpleNamespace, row: int, column: int) -> None:
    """Click a light of the strip."""
    table = annotator.ui.stripTable
    rect = table.visualItemRect(table.item(row, column))
    annotator.mouse.click(table.viewport(), rect.center())
    annotator.app.settle()


def unfold(annotator: SimpleNamespace, name: str) -> None:
    """Open a folded part of the panel by a click on its title."""
    from PySide6 import QtCore

    button = getattr(annotator.ui, name)
    if button.collapsed:
        annotator.mouse.click(button, QtCore.QPoint(20, 10))
        annotator.app.settle()
    assert not button.collapsed


def drawn_masks(annotator: SimpleNamespace) -> np.ndarray:
    """What the scene holds now: the myocardium of every frame, bool [T, H, W]."""
    from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices

    return ContourSlices(annotator.app.widget._parameters).slices()[0].myocardium
