"""The Heart table with data that do not fit: levels against the order, other patients, emptied and removed series."""

from __future__ import annotations

import pytest

from Testing.Slicer import panel
from Testing.Slicer.test_heart_table import COMBO, NAME, add, click_row, ring_at, table, write_masks

UPSIDE_DOWN = "The levels do not run from base to apex"


def choose_levels(app, *levels: str) -> None:
    for row, level in enumerate(levels):
        app.mouse.choose(app.widget.ui.heartTable.cellWidget(row, COMBO), level)
        app.settle()


def test_levels_against_the_order_of_the_heart_are_refused(slicer_app, tmp_path):
    """In the order of the file these levels ascend: the prediction would take them for the reversed ones."""
    from LaMoDSlicerLib.Heart import HeartReader
    from LaMoDSlicerLib.Inputs.InputError import InputError

    app = slicer_app
    add(app, write_masks(tmp_path / "stack.seq.nrrd", [ring_at(k) for k in (0, 1, 2)]))  # from apex to base
    table(app)
    choose_levels(app, "apex", "mid", "base")
    assert not app.widget.ui.predictButton.enabled
    assert UPSIDE_DOWN in app.widget.ui.messageLabel.text
    with pytest.raises(InputError, match=UPSIDE_DOWN):
        HeartReader.read(app.widget.sections.model, app.widget._parameters)
    app.mouse.click(app.widget.ui.swapButton)
    app.settle()
    request = HeartReader.read(app.widget.sections.model, app.widget._parameters)
    assert request.levels == ("base", "mid", "apex"), "the first image of the file is now the base"


def test_a_level_against_the_proposed_ones_is_refused(slicer_app, tmp_path):
    app = slicer_app
    add(app, write_masks(tmp_path / "stack.seq.nrrd", [ring_at(k) for k in (3, 0, -3)]))
    table(app)
    choose_levels(app, "apex")
    assert UPSIDE_DOWN in app.widget.ui.messageLabel.text
    choose_levels(app, "base")
    assert app.widget.ui.messageLabel.text == ""
    assert app.widget.ui.predictButton.enabled


def test_the_panel_goes_on_when_the_selected_cine_loses_its_images(slicer_app, ring):
    import slicer
    from LaMoDSlicerLib.Scene import SampleHeart

    app = slicer_app
    table(app)
    sequence = ring.browser.GetMasterSequenceNode()
    slicer.mrmlScene.RemoveNode(ring.browser.GetProxyNode(sequence))
    slicer.mrmlScene.RemoveNode(sequence)
    SampleHeart.addToScene(ring_at(3), "basal")
    assert "basal" in [row[NAME] for row in table(app)]
    assert app.widget.ui.predictButton.enabled, "the other slice can be predicted"


def test_a_clicked_row_is_shown_with_its_strain(slicer_app, fake_worker):
    from LaMoDSlicerLib.Scene import SampleHeart

    fake_worker("ok")
    app = slicer_app
    for name, k in (("basal", 3), ("middle", 0), ("apical", -3)):
        SampleHeart.addToScene(ring_at(k), name)
    panel.predict(app)
    for row in (0, 2, 1):
        click_row(app, row)
        assert panel.coloured(app.window.red.picture(), 0.35).sum() > 3000, row
