"""Results that were written without some of their files."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from LaMoDCore.prediction.writer import write_result
from Testing.Slicer import panel, reading_heart
from Testing.Slicer.ring_heart import grid

SMALL = 64


@pytest.fixture
def result(tmp_path):
    """A result of one ring, and the folder of all its files."""
    (drawn,) = reading_heart.slices(["mid"], grid(SMALL, 2.8))
    folder = tmp_path / "complete"
    return reading_heart.write_reading(folder, [drawn], [reading_heart.motion_of(drawn, samples=3)])


@pytest.mark.parametrize("outputs", [("motion",), ("motion", "segments")])
def test_a_result_without_displacement_and_tables_is_shown_like_the_complete_one(slicer_app, result, tmp_path, outputs):
    import slicer
    from LaMoDSlicerLib.Results import ResultImport
    from vtk.util.numpy_support import vtk_to_numpy

    app, display = slicer_app, slicer_app.widget.displayPanel
    write_result(result, tmp_path / "part", outputs=outputs)
    assert not (tmp_path / "part" / "displacement").exists()
    shown = []
    for name in ("complete", "part"):
        display.views.present(ResultImport.load(tmp_path / name), app.widget._parameters)
        app.settle()
        assert panel.coloured(app.window.red.picture(), 0.35).sum() > 2000
        assert app.widget.ui.glyphsCheckBox.enabled
        arrays = [slicer.util.arrayFromVolume(display.result.proxy(role)) for role in ("ecc", "err", "displacement")]
        arrows = display.result.proxy("arrows").GetPolyData().GetPoints().GetData()
        shown.append([*arrays, vtk_to_numpy(arrows)])
    for complete, part in zip(*shown, strict=True):
        np.testing.assert_allclose(part, complete, atol=1e-3)


def test_a_result_without_motion_is_refused_in_one_sentence(slicer_app, result, tmp_path):
    from LaMoDSlicerLib.Inputs.InputError import InputError
    from LaMoDSlicerLib.Results import ResultImport

    before = slicer_app.widget.displayPanel.result
    write_result(result, tmp_path / "part", outputs=("segments",))
    with pytest.raises(InputError, match=r"motion\.npz") as caught:
        ResultImport.load(tmp_path / "part")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert slicer_app.widget.displayPanel.result is before


def test_a_scene_whose_motion_was_removed_disables_what_is_drawn_from_it(slicer_app, tmp_path):
    import slicer
    from LaMoDSlicerLib.Results import MotionStore, ResultImport

    (drawn,) = reading_heart.slices(["mid"], grid(SMALL, 2.8))
    reading_heart.write_reading(tmp_path / "r", [drawn], [reading_heart.motion_of(drawn)])
    node = ResultImport.load(tmp_path / "r")
    slicer_app.widget._parameters.resultBrowser = node.browsers()[0]
    slicer.mrmlScene.RemoveNode(MotionStore.nodeOf(node.browsers()[0]))
    slicer_app.settle()
    ui = slicer_app.widget.ui
    for widget in (ui.glyphsCheckBox, ui.gridCheckBox, ui.tracksCheckBox, ui.glyphSpacingSlider):
        assert not widget.enabled
        assert "predict again" in widget.toolTip
    assert ui.contoursCheckBox.enabled
    shutil.rmtree(tmp_path / "r")
