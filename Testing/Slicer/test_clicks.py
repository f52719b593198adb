"""The complete workflow by mouse clicks: sample heart, RV point, Predict Strain, colours, arrows, scrubbing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.models.default_model import DEFAULT_MODEL
from Testing.Slicer import panel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def worker(fake_worker):
    """The real prediction if the weights exist, else the analytic one."""
    if not (ROOT / "Resources" / "Models" / DEFAULT_MODEL / "weights.safetensors").exists():
        fake_worker("ok")


def _place_rv_point(app, ras):
    """Select "Create new" and click in the slice view."""
    app.mouse.choose(app.widget.ui.rvInsertionSelector._box, "Create new MarkupsFiducial")
    app.settle()
    assert app.widget.ui.rvPlaceWidget.placeModeEnabled
    from PySide6 import QtCore

    view = app.window.red
    there = view.position_of(ras)
    app.mouse.hover(view, there + QtCore.QPoint(-30, 0))
    app.mouse.hover(view, there)
    app.mouse.click(view, there)
    app.settle()


def _see_grid_and_tracks(app, pictures):
    """Show the grid and the tracks instead of the arrows, then the arrows again."""
    from PySide6 import QtCore

    ui, p = app.widget.ui, app.widget._parameters

    def toggle(check_box):
        app.mouse.click(check_box, QtCore.QPoint(8, check_box.height // 2))
        app.settle()

    toggle(ui.glyphsCheckBox)
    toggle(ui.gridCheckBox)
    assert (p.showGlyphs, p.showGrid, p.showTracks) == (False, True, False)
    app.mouse.screenshot(pictures / "slicer-grid.png")
    toggle(ui.gridCheckBox)
    toggle(ui.tracksCheckBox)
    assert (p.showGlyphs, p.showGrid, p.showTracks) == (False, False, True)
    toggle(ui.tracksCheckBox)
    toggle(ui.glyphsCheckBox)
    assert (p.showGlyphs, p.showGrid, p.showTracks) == (True, False, False)


def test_from_sample_heart_to_strain_by_clicks(slicer_app, worker, pictures):
    from PySide6 import QtCore

    app, mouse, window = slicer_app, slicer_app.mouse, slicer_app.window
    ui = app.widget.ui
    mouse.click(window.sample_button)
    app.settle()
    assert ui.cineSelector.currentNode() is not None
    assert "Myocardium: “LV myocardium”" in ui.structuresLabel.text
    assert ui.heartTable.item(0, 0).text() == "1 Phantom"

    from LaMoDCore.phantom import demo_case

    insertion = demo_case().rv_insertion_lps * [-1, -1, 1]
    plane = window.red.node.GetSliceToRAS()
    normal, origin = (np.array([plane.GetElement(i, j) for i in range(3)]) for j in (2, 3))
    insertion = insertion - normal * ((insertion - origin) @ normal)
    _place_rv_point(app, insertion)
    point = app.widget._parameters.rvInsertion
    assert point.GetNumberOfControlPoints() == 1
    assert np.allclose(point.GetNthControlPointPositionWorld(0), insertion, atol=1.5)
    mouse.screenshot(pictures / "slicer-inputs.png")

    panel.predict(app, seconds=600)
    assert ui.messageLabel.text == ""
    mouse.screenshot(pictures / "slicer-strain.png")
    picture = window.red.picture()
    assert panel.coloured(picture, 0.35).sum() > 5000

    browser = app.widget.displayPanel.result.browserNode
    frame = browser.GetSelectedItemNumber()
    slider = ui.seekWidget.slider()
    middle = slider.height() // 2
    at = round(slider.width() * (frame + 0.5) / browser.GetNumberOfItems())
    mouse.drag(slider, QtCore.QPoint(at, middle), QtCore.QPoint(round(slider.width() * 0.8), middle))
    app.settle()
    assert browser.GetSelectedItemNumber() > frame + 3
    assert (window.red.picture() != picture).any(axis=2).sum() > 5000

    browser.SetSelectedItemNumber(frame)
    _see_grid_and_tracks(app, pictures)
    mouse.choose(ui.quantitySelector, "Err, radial strain")
    app.settle()
    mouse.choose(ui.quantitySelector, "|u|, displacement")
    app.settle()
    mouse.screenshot(pictures / "slicer-displacement.png")
