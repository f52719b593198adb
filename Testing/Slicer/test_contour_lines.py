"""Contours are drawn as lines at the shown frame: masks of every kind, before and after a step, and findings."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from Testing.Slicer import panel
from Testing.Slicer.annotator import click, click_cell, set_up
from Testing.Slicer.ring_heart import grid, heart
from Testing.Slicer.test_contour_segments import add_segmentations, outer_of

FRAMES = 9


@pytest.fixture(scope="module")
def ring_slice():
    return heart(grid(size=64, spacing_mm=2.8), frames=FRAMES)


def faulty(slice_):
    """An island in frame 3 and a gap in frame 5."""
    masks = slice_.myocardium.copy()
    masks[3, 3:5, 3:5] = True
    rows, columns = np.nonzero(masks[5])
    masks[5, int(rows.mean()) - 1 : int(rows.mean()) + 1, int(columns.mean()) :] = False
    return replace(slice_, myocardium=masks)


def model_of(role):
    from LaMoDSlicerLib.Scene import RoleNodes

    return RoleNodes.find("vtkMRMLModelNode", role)


def points_of(role):
    """[N, 2] pixel coordinates (x, y) of the lines of a role in the scene; empty if they are not shown."""
    import slicer

    model = model_of(role)
    if model is None or not model.GetDisplayNode().GetVisibility() or not model.GetPolyData().GetNumberOfPoints():
        return np.empty((0, 2))
    return slicer.util.arrayFromModelPoints(model) * [-1, -1, 1]


def lies_on(points_lps, slice_, mask):
    """Whether points lie on the edge of a mask, half a pixel outside its outer pixels, and go around it."""
    from scipy import ndimage

    if not len(points_lps):
        return False
    xy = slice_.grid.lps_to_pixel(points_lps)
    columns, rows = np.rint(xy).astype(int).T
    soft = ndimage.map_coordinates(mask.astype(float), xy.T[::-1], order=1)
    edge = mask & ~ndimage.binary_erosion(mask)
    covered = np.zeros_like(mask)
    covered[rows, columns] = True
    reached = ndimage.distance_transform_edt(~covered)[edge]
    return np.abs(soft - 0.5).mean() < 0.2 and reached.max() <= 3


def write_labels(path, slice_):
    from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

    labels = (slice_.myocardium * 2 + slice_.cavity * 3).astype(np.uint8)[:, None]
    write_seq_nrrd(path, labels, slice_.grid.ijk_to_lps, slice_.frame_times_ms)
    return path


def load_file(app, slice_, tmp_path, with_cine):
    from LaMoDSlicerLib.Inputs import MaskLoader

    from Testing.Slicer.test_draw_contours import add_cine

    browser = add_cine(app, [slice_]) if with_cine else None
    masks = MaskLoader.load(write_labels(tmp_path / "drawn.seq.nrrd", slice_), browser)
    app.widget._parameters.masks = masks
    app.settle()
    import slicer

    return browser or slicer.modules.sequences.logic().GetFirstBrowserNodeForProxyNode(masks)


@pytest.mark.parametrize("with_cine", [True, False])
def test_masks_from_a_file_are_drawn_at_the_shown_frame(slicer_app, ring_slice, tmp_path, with_cine):
    """Version 1 never drew them."""
    browser = load_file(slicer_app, ring_slice, tmp_path, with_cine)
    for frame in (0, 4):
        browser.SetSelectedItemNumber(frame)
        slicer_app.settle()
        assert lies_on(points_of("contourNow"), ring_slice, ring_slice.myocardium[frame])
        assert not lies_on(points_of("contourNow"), ring_slice, ring_slice.myocardium[4 - frame])
    picture = slicer_app.window.red.picture()
    red, green, blue = (picture[..., i].astype(int) for i in range(3))
    lines = (red > 180) & (green > 100) & (blue < 120)
    assert lines.sum() > 150, "the lines are visible in the red view, also without a cine"
    inside = panel.wall_in_view(slicer_app.window.red, ring_slice.myocardium[4], ring_slice.grid)
    assert (lines & inside).sum() < 0.5 * inside.sum(), "lines, not a fill"


def test_a_segmentation_is_drawn_as_lines_instead_of_its_fill_until_the_module_is_left(slicer_app, ring_slice):
    node = add_segmentations(ring_slice, {"LV epi": outer_of(ring_slice), "LV endo": ring_slice.cavity})
    node.CreateDefaultDisplayNodes()
    slicer_app.settle()
    assert lies_on(points_of("contourNow"), ring_slice, ring_slice.myocardium[0])
    assert not node.GetDisplayNode().GetVisibility()
    slicer_app.application._select_module("")
    slicer_app.settle()
    assert model_of("contourNow") is None
    assert node.GetDisplayNode().GetVisibility(), "other modules show it again"
    slicer_app.application._select_module("LaMoDSlicer")
    slicer_app.settle()
    assert len(points_of("contourNow"))
    assert not model_of("contourNow").GetSaveWithScene()


def test_one_node_per_frame_is_drawn_at_the_frame_of_the_strip(slicer_app, ring_slice):
    import slicer
    from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
    from vtk.util.numpy_support import vtk_to_numpy

    geometry = VolumeGeometry((1, *ring_slice.grid.shape), np.array(ring_slice.grid.ijk_to_lps))
    for t in range(FRAMES):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"frame {t}")
        image = geometry.asOrientedImage()
        vtk_to_numpy(image.GetPointData().GetScalars())[:] = ring_slice.myocardium[t].ravel()
        node.AddSegmentFromBinaryLabelmapRepresentation(image, "Myo", (1, 0, 0))
    slicer_app.settle()
    contours = slicer_app.widget.contoursPanel
    contours.ui.contoursButton.collapsed = False
    slicer_app.settle()
    assert contours.masks is not None
    annotator = SimpleNamespace(app=slicer_app, mouse=slicer_app.mouse, ui=contours.ui, panel=contours)
    click_cell(annotator, 0, 4)
    assert lies_on(points_of("contourNow"), ring_slice, ring_slice.myocardium[4])


@pytest.fixture
def annotator(slicer_app, ring_slice):
    return set_up(slicer_app, faulty(ring_slice))


def test_findings_are_marked_at_their_place(annotator):
    for frame, around in ((3, (3.5, 3.5)), (0, None)):
        click_cell(annotator, 0, frame)
        circle = points_of("contourMarks")
        assert bool(len(circle)) == (around is not None)
        if around is not None:
            center = annotator.slice.grid.lps_to_pixel(circle).mean(axis=0)
            assert np.allclose(center, around, atol=0.6)
    click_cell(annotator, 0, 5)
    assert len(points_of("contourMarks")), "the gap"
    assert "finding" in annotator.ui.linesLegend.text
    click_cell(annotator, 0, 3)
    click(annotator, "acceptButton")
    click_cell(annotator, 0, 3)
    assert not len(points_of("contourMarks")), "an accepted frame is not marked"


def test_the_contour_before_a_repair_is_drawn_until_the_person_goes_on(annotator):
    click_cell(annotator, 0, 3)
    assert not len(points_of("contourBefore"))
    annotator.mouse.choose(annotator.ui.fixSelector, "Remove islands")
    click(annotator, "fixButton")
    old = annotator.slice.grid.lps_to_pixel(points_of("contourBefore"))
    assert len(old)
    assert np.abs(old.mean(axis=0) - 3.5).max() < 1, "only the island, which is gone, is dashed"
    assert "before “Remove islands”" in annotator.ui.linesLegend.text
    assert annotator.panel.lines.viewLegend.lines == ["— contour", "- - before “Remove islands”"]
    annotator.browser.SetSelectedItemNumber(0)
    annotator.app.settle()
    assert not len(points_of("contourBefore")), "nothing changed in this frame"
    annotator.browser.SetSelectedItemNumber(3)
    annotator.app.settle()
    assert len(points_of("contourBefore"))
    click(annotator, "nextButton")
    click_cell(annotator, 0, 3)
    assert not len(points_of("contourBefore"))
    assert "before" not in annotator.ui.linesLegend.text


def test_a_repair_shows_a_frame_that_it_changed(annotator):
    click_cell(annotator, 0, 8)
    annotator.mouse.choose(annotator.ui.fixSelector, "Remove islands")
    click(annotator, "fixButton")
    assert annotator.browser.GetSelectedItemNumber() == 3
    assert annotator.ui.stripTable.currentColumn() == 3


def _slow_job(annotator, monkeypatch):
    """Start a repair whose slices are done by the timer only."""
    from LaMoDSlicerLib.Repairs.RepairJob import RepairJob

    monkeypatch.setattr(RepairJob, "AT_ONCE_S", -1.0)
    annotator.mouse.choose(annotator.ui.fixSelector, "Remove islands")
    annotator.app.settle()
    annotator.panel.repair.onFixButton()
    assert annotator.panel.repair.job is not None


def test_closing_the_scene_during_a_repair_leaves_nothing_behind(annotator, monkeypatch):
    import slicer

    _slow_job(annotator, monkeypatch)
    slicer.mrmlScene.Clear(0)
    annotator.app.settle()
    assert annotator.panel.repair.job is None
    assert model_of("contourNow") is None
    assert not [name for name in panel.node_names() if "original" in name]
    assert annotator.panel.strip.states == []


def test_a_repair_can_be_cancelled_and_a_second_one_is_refused_meanwhile(annotator, monkeypatch):
    _slow_job(annotator, monkeypatch)
    job = annotator.panel.repair.job
    annotator.panel.repair.onFixButton()
    assert annotator.panel.repair.job is job
    assert not annotator.ui.fixButton.enabled
    assert not annotator.ui.acceptButton.enabled
    annotator.panel.repair.onCancelButton()
    annotator.app.settle()
    assert "unchanged" in annotator.ui.findingLabel.text
    assert annotator.ui.fixButton.enabled
    assert annotator.panel.strip.states[0][3] == "look"


def test_contours_that_change_during_a_repair_are_not_overwritten(annotator, monkeypatch):
    from LaMoDSlicerLib.Contours.ContourWriter import ContourWriter

    _slow_job(annotator, monkeypatch)
    contours = annotator.panel.readContours()
    other = [replace(s, myocardium=np.roll(s.myocardium, 1, axis=2)) for s in contours.slices()]
    ContourWriter().write("by another", contours, other)
    annotator.app.settle()
    assert "changed meanwhile" in annotator.ui.findingLabel.text
    now = annotator.panel.readContours().slices()[0].myocardium
    assert np.array_equal(now, other[0].myocardium)


def test_no_event_is_handled_inside_a_repair_step(annotator, monkeypatch):
    """A click or a timer in a repair step could close the scene of the contours that are being repaired."""
    import slicer

    monkeypatch.setattr(slicer.app, "processEvents", lambda *_a: pytest.fail("events are handled"), raising=False)
    annotator.mouse.choose(annotator.ui.fixSelector, "Smooth in space and time")
    annotator.panel.repair.onFixButton()
    monkeypatch.undo()
    annotator.app.settle()
    assert annotator.panel.repair.job is None


def test_carried_frames_are_named_in_the_result_which_a_later_change_marks_out_of_date(
    slicer_app, ring_slice, fake_worker
):
    """Version 1 named them nowhere, and a changed result looked like a new one."""
    from LaMoDSlicerLib.Results import ResultContours
    from LaMoDSlicerLib.Results.ResultNode import ResultNode

    masks, cavity = np.zeros_like(ring_slice.myocardium), np.zeros_like(ring_slice.cavity)
    for t in (0, 4):
        masks[t], cavity[t] = ring_slice.myocardium[t], ring_slice.cavity[t]
    annotator = set_up(slicer_app, replace(ring_slice, myocardium=masks, cavity=cavity))
    assert "Frames without contours: 7." in annotator.ui.findingLabel.text
    click(annotator, "carryButton")
    assert "frames 2–4, 6–9" in annotator.ui.findingLabel.text
    fake_worker("ok")
    panel.predict(slicer_app)
    (result,) = ResultNode.all()
    carried = [(n.slice, n.frame) for n in result.numbers().notes if n.code == "contours_carried"]
    assert carried == [(1, t) for t in (1, 2, 3, 5, 6, 7, 8)]
    assert ResultContours.framesText(result) == ["Frames 2–4, 6–9 carried, not drawn."]
    assert not annotator.ui.linesCheckBox.checked, "the result draws the contours"
    assert not ResultContours.isOutOfDate(result)
    assert ResultContours.outOfDateText(result) == ""
    annotator.mouse.choose(annotator.ui.fixSelector, "Smooth in space and time")
    click(annotator, "fixButton")
    assert ResultContours.isOutOfDate(result)
    assert "out of date" in ResultContours.outOfDateText(result)
    legend = annotator.panel.lines.viewLegend
    assert legend.lines[0] == "Out of date: contours changed"
    assert annotator.ui.linesCheckBox.checked
    click(annotator, "undoButton")
    assert "Out of date: contours changed" not in legend.lines
    assert not ResultContours.isOutOfDate(result), "the contours are those of the prediction again"
    assert annotator.panel.strip.states[0][5] == "carried"


def test_the_structures_can_be_chosen_in_the_panel(slicer_app, ring_slice):
    segments = {"Myo": ring_slice.myocardium, "LV": ring_slice.cavity, "RV": ring_slice.right_ventricle}
    add_segmentations(ring_slice, segments)
    slicer_app.settle()
    contours = slicer_app.widget.contoursPanel
    assert "right ventricle: “RV”" in contours.ui.structuresLabel.text
    selector = contours.ui.rightVentricleStructureSelector
    selector.currentIndex = selector.findText("Not used")
    contours.structuresSection.onActivated("rightVentricle", selector.currentIndex)
    slicer_app.settle()
    assert "right ventricle" not in contours.ui.structuresLabel.text
    assert selector.currentText == "Not used"
    selector.currentIndex = 0
    contours.structuresSection.onActivated("rightVentricle", 0)
    slicer_app.settle()
    assert "right ventricle: “RV”" in contours.ui.structuresLabel.text


def test_slices_have_the_numbers_of_the_table_and_the_check_is_not_repeated(annotator):
    contours = annotator.panel
    contours.sliceNumbers = lambda _masks: {0: 4}
    try:
        contours.update()
        annotator.app.settle()
        check = contours.check
        click_cell(annotator, 0, 3)
        assert "Slice 4, frame 4" in annotator.ui.findingLabel.text
        assert annotator.ui.stripTable.verticalHeaderItem(0).text() == "4"
        contours.update()
        assert contours.check is check
    finally:
        contours.sliceNumbers = lambda _masks: {}


@pytest.mark.parametrize("at_once", [-1.0, 0.3])
def test_an_unexpected_error_of_a_repair_is_reported_and_leaves_the_panel_usable(annotator, monkeypatch, at_once):
    from LaMoDSlicerLib.Repairs.RepairJob import RepairJob
    from LaMoDSlicerLib.Repairs.RepairSection import ContourFix

    def fails(*_arguments):
        raise RuntimeError("planned")

    monkeypatch.setattr(RepairJob, "AT_ONCE_S", at_once)
    monkeypatch.setattr(ContourFix, "apply", fails)
    click(annotator, "fixButton")
    assert annotator.panel.repair.job is None
    assert "could not be repaired: planned" in annotator.ui.findingLabel.text
    assert annotator.ui.fixButton.enabled
    assert all("planned" in fault for fault in annotator.app.faults.found)
    annotator.app.faults.found.clear()
