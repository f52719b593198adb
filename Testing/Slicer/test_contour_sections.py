"""More of the Contours panel by clicks: saving, the RV insertion, and the effect of contours on strain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from Testing.Slicer import panel
from Testing.Slicer.annotator import click, click_cell, drawn_masks, faulty_heart, set_up, tick, unfold
from Testing.Slicer.ring_heart import heart


@pytest.fixture
def annotator(slicer_app):
    return set_up(slicer_app, faulty_heart())


def write_labels(path, slice_):
    from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

    labels = slice_.myocardium * np.uint8(2) + (slice_.cavity & ~slice_.myocardium) * np.uint8(3)
    labels[:, 0, 0] = 7  # a foreign label, which must be kept
    write_seq_nrrd(path, labels[:, None], slice_.grid.ijk_to_lps, slice_.frame_times_ms, rr_ms=slice_.rr_ms)
    return labels


def test_repaired_contours_are_saved_in_the_format_of_their_file(annotator, tmp_path, monkeypatch):
    import qt

    from LaMoDCore.io.files.image_file import read_images

    path = tmp_path / "masks.seq.nrrd"
    labels = write_labels(path, annotator.slice)
    before = path.read_bytes()
    annotator.app.widget.heartPanel.addPaths([path])
    annotator.app.widget._parameters.myocardium = "2"
    click(annotator, "checkButton")
    annotator.mouse.choose(annotator.ui.fixSelector, "Remove islands")
    click(annotator, "fixButton")
    asked = []

    def answer(_parent, _title, proposal, filters):
        asked.append((proposal, filters))
        return proposal

    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", answer)
    click(annotator, "saveContoursButton")
    target = tmp_path / "masks_repaired.seq.nrrd"
    assert asked[0][0] == str(target)
    assert "in the format of the source file" in annotator.ui.findingLabel.text
    expected = labels.copy()
    expected[5, 4:6, 4:6] = 0
    saved = read_images(target)[0]
    assert np.array_equal(saved.frames[:, 0], expected)
    assert saved.metadata == read_images(path)[0].metadata
    assert path.read_bytes() == before
    annotator.panel.repair.save(target)
    assert "the original is kept" in annotator.ui.findingLabel.text
    click(annotator, "saveContoursButton")
    assert asked[1][0].endswith("masks_repaired2.seq.nrrd")


def test_a_segmentation_is_saved_as_a_sequence(annotator, tmp_path):
    from LaMoDCore.io.files.image_file import read_images

    click(annotator, "checkButton")
    annotator.panel.repair.save(tmp_path / "drawn.nii")
    assert ".seq.nrrd" in annotator.ui.findingLabel.text
    whole = heart()
    annotator.panel.repair.save(tmp_path / "drawn.seq.nrrd")

    saved = read_images(tmp_path / "drawn.seq.nrrd")[0].frames[:, 0]
    assert np.array_equal(saved == 2, annotator.slice.myocardium)
    assert np.array_equal((saved == 1)[0], whole.right_ventricle[0] & ~whole.myocardium[0])


def segment_names():
    import slicer
    from LaMoDSlicerLib.Display.SegmentLines import SegmentLines
    from LaMoDSlicerLib.Scene import RoleNodes

    node = RoleNodes.find("vtkMRMLMarkupsFiducialNode", SegmentLines.NAMES)
    if node is None:
        return {}
    points = slicer.util.arrayFromMarkupsControlPoints(node)
    return {node.GetNthControlPointLabel(i): points[i] for i in range(len(points))}


def test_the_segments_follow_the_found_and_dragged_insertion(annotator, pictures):
    import slicer
    from PySide6 import QtCore

    from LaMoDCore.heart.rv_insertion import insertion_from_label

    click(annotator, "checkButton")
    unfold(annotator, "segmentsButton")
    parameters = annotator.app.widget._parameters
    assert parameters.rvInsertion is None
    assert segment_names() == {}
    click(annotator, "findInsertionButton")
    node = parameters.rvInsertion
    expected = insertion_from_label([heart()], 0)[0] * [-1, -1, 1]
    assert np.allclose(slicer.util.arrayFromMarkupsControlPoints(node)[0], expected, atol=0.1)
    assert annotator.ui.segmentsCheckBox.checked
    names = segment_names()
    assert {n.split()[1] for n in names} == {
        "anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral", "anterior"
    }  # fmt: skip
    annotator.mouse.show(annotator.ui.ownInsertionCheckBox)
    annotator.mouse.screenshot(pictures / "slicer-segments.png")
    view = annotator.app.window.red
    to_view = np.linalg.inv(slicer.util.arrayFromVTKMatrix(view.node.GetXYToRAS()))
    height = view.node.GetDimensions()[1]
    x, y = (to_view @ [*expected, 1.0])[:2]
    start = QtCore.QPoint(round(x), round(height - 1 - y))
    annotator.mouse.hover(view, start)
    annotator.mouse.drag(view, start, QtCore.QPoint(start.x() - 10, start.y() - 90))
    annotator.app.settle()
    moved = slicer.util.arrayFromMarkupsControlPoints(node)[0]
    assert np.linalg.norm(moved - expected) > 5.0
    after = segment_names()
    assert all(np.linalg.norm(after[n] - names[n]) > 2.0 for n in names)
    tick(annotator, "segmentsCheckBox")
    assert segment_names() == {}


def test_a_curve_named_septum_defines_the_insertion(annotator):
    import slicer

    from LaMoDCore.heart.rv_insertion import insertion_points

    ends = insertion_points(heart(), 0) * [-1, -1, 1]
    curve = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode", "Septum")
    for share in (0.0, 0.5, 1.0):
        curve.AddControlPointWorld(*(float(v) for v in ends[0] + share * (ends[1] - ends[0])))
    click(annotator, "checkButton")
    unfold(annotator, "segmentsButton")
    click(annotator, "findInsertionButton")
    found = slicer.util.arrayFromMarkupsControlPoints(annotator.app.widget._parameters.rvInsertion)[0]
    assert np.allclose(found, ends[np.argmax(ends[:, 1])], atol=0.1)  # anterior: largest RAS y
    assert "septum" in annotator.ui.findingLabel.text


@pytest.fixture
def stack(slicer_app):
    """Three slices 8 mm apart, in one labelmap sequence without a cine."""
    from LaMoDSlicerLib.Inputs import MaskLoader

    from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

    whole = heart()
    labels = (whole.right_ventricle + 2 * whole.myocardium + 3 * whole.cavity).astype(np.uint8)
    path = Path(slicer_app.application.temporaryPath) / "stack.seq.nrrd"
    write_seq_nrrd(path, np.repeat(labels[:, None], 3, axis=1), whole.grid.ijk_to_lps, whole.frame_times_ms)
    slicer_app.widget._parameters.masks = MaskLoader.load(path)
    slicer_app.settle()
    return slicer_app


def test_a_slice_with_its_own_insertion(stack):
    from types import SimpleNamespace

    from LaMoDSlicerLib.Inputs.InsertionNode import InsertionNode
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
    from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest

    contours = stack.widget.contoursPanel
    annotator = SimpleNamespace(app=stack, mouse=stack.mouse, ui=contours.ui, panel=contours)
    click(annotator, "checkButton")
    unfold(annotator, "segmentsButton")
    click(annotator, "findInsertionButton")
    parameters = stack.widget._parameters
    click_cell(annotator, 2, 4)
    assert not contours.ui.ownInsertionCheckBox.checked
    tick(annotator, "ownInsertionCheckBox")
    node = InsertionNode(parameters.rvInsertion)
    grids = [s.grid for s in contours.contours.slices()]
    index = node.ownOf(grids, 2)
    assert [node.ownOf(grids, k) is None for k in range(3)] == [True, True, False]
    before = node.points(grids)
    own = before.own_lps[2]
    assert abs(grids[2].distance_mm(own)) < 0.01
    turned = (own + grids[2].vectors_to_lps([12.0, 5.0])) * [-1, -1, 1]
    node.node.SetNthControlPointPositionWorld(index, *(float(v) for v in turned))
    node.setShared(node.sharedLps() + 1.0)
    stack.settle()
    assert np.linalg.norm(node.points(grids).own_lps[2] - own) > 5
    request = RequestReader(parameters).read()
    command = HeartRequest.of(request).commandLine(Path("x"))
    assert len([word for word in command if word.startswith("--slice-insertion=")]) == 1
    assert len([word for word in command if word.startswith("--rv-insertion=")]) == 1
    click_cell(annotator, 0, 4)
    assert not contours.ui.ownInsertionCheckBox.checked
    click_cell(annotator, 2, 4)
    assert contours.ui.ownInsertionCheckBox.checked
    tick(annotator, "ownInsertionCheckBox")
    assert node.ownOf(grids, 2) is None


def add_second_reader(app, slice_):
    """Add a second reader's masks of the same ring, with an endocardium one pixel further inside."""
    import slicer
    from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
    from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

    from LaMoDCore.studies.fragility import shift_contours

    other = shift_contours(slice_, "endo", -1)
    geometry = VolumeGeometry((1, *slice_.grid.shape), np.array(slice_.grid.ijk_to_lps))
    builder = SequenceBuilder(tuple(f"{t:.1f}" for t in slice_.frame_times_ms), "ms")
    sequence = builder.segmentations("Second reader", {"LV myocardium": other.myocardium[:, None]}, geometry)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Second")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    app.settle()


def wait(annotator, seconds=400):
    study = annotator.panel.study
    assert annotator.mouse.spin(seconds, lambda: study.study is None), "the measurement did not end"
    annotator.app.settle()


def test_pixel_cost_and_two_readers(slicer_app, pictures):
    annotator = set_up(slicer_app, heart())
    add_second_reader(slicer_app, annotator.slice)
    masks = drawn_masks(annotator)
    click(annotator, "checkButton")
    unfold(annotator, "studyButton")
    names = panel.node_names()
    click(annotator, "costButton")
    assert not annotator.ui.costButton.enabled
    wait(annotator)
    (page,) = annotator.panel.study.pages
    table = annotator.ui.studyTable
    assert table.rowCount == len(page.rows) == 6
    assert len(page.columns) == 10
    shifts = np.array([[float(c.replace("−", "-")) for c in row[2:8]] for row in page.rows])
    assert np.abs(shifts).max() > 0.1
    assert page.marked == {r for r in range(6) if page.rows[r][-1] == "fragile"}
    assert annotator.panel.study.picture.pixmap.width() > 200
    annotator.mouse.show(annotator.panel.study.picture)
    annotator.mouse.screenshot(pictures / "slicer-pixel-cost.png")
    window = annotator.app.window._panel
    assert window.minimumSizeHint().width() <= 1.1 * window.LEAST_WIDTH, "neither figure nor title widens the panel"
    click(annotator, "largerButton")
    assert annotator.panel.study.window.isShown
    annotator.panel.study.window.close()
    annotator.app.settle()
    assert annotator.ui.secondReaderSelector.currentText == "Second reader"
    click(annotator, "readersButton")
    wait(annotator)
    strain, contours = annotator.panel.study.pages
    assert [row[:2] for row in strain.rows] == [row[:2] for row in page.rows]  # the same segments
    assert any(abs(float(row[-1].replace("−", "-"))) > 0.1 for row in strain.rows)
    assert len(contours.rows) == annotator.slice.frames
    assert all(0.85 < float(row[1]) < 0.98 for row in contours.rows)
    assert 1.0 < float(contours.rows[0][2]) < 1.8  # the endocardium is one pixel (1.4 mm) further inside
    annotator.mouse.show(annotator.panel.study.picture)
    annotator.mouse.screenshot(pictures / "slicer-two-readers.png")
    annotator.mouse.choose(annotator.ui.studyPageSelector, contours.title)
    assert table.rowCount == annotator.slice.frames
    assert np.array_equal(drawn_masks(annotator), masks)
    assert panel.node_names() == names


@pytest.mark.parametrize("study", ["pixel cost", "two readers"])
def test_the_command_of_a_measurement_has_every_option_of_the_panel(annotator, study, tmp_path):
    import argparse

    from LaMoDSlicerLib.Contours.ContourStudy import ContourStudy
    from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionOptions

    from LaMoDCore.cli import check

    parameters = annotator.app.widget._parameters
    parameters.contourConvention, parameters.samples, parameters.useDiffusion = "tissue", 3, False
    contours = annotator.panel.readContours()
    second = contours if study == "two readers" else None
    words = ContourStudy(contours, second, PredictionOptions.ofParameters(parameters)).commandLine(tmp_path)
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    options = parser.parse_args(words[words.index("check") + 1 :])
    assert options.contour_convention == ("tissue",)
    assert (options.samples, options.fragility) == (3, second is None)


def test_a_measurement_is_cancelled_and_reports_errors(annotator):
    click(annotator, "checkButton")
    unfold(annotator, "studyButton")
    click(annotator, "costButton")
    pid = annotator.panel.study.study.processId
    folder = annotator.panel.study.study.folder
    click(annotator, "studyCancelButton")
    assert not panel.is_running(pid)
    assert not folder.exists()
    assert "Cancelled" in annotator.ui.findingLabel.text
    click(annotator, "costButton")  # the masks have a gap in frame 9
    wait(annotator)
    assert annotator.panel.study.pages == []
    assert "frame" in annotator.ui.findingLabel.text
    assert annotator.ui.costButton.enabled


def test_carried_frames_are_saved_like_drawn_frames(slicer_app, tmp_path):
    whole = heart()
    masks, cavity = np.zeros_like(whole.myocardium), np.zeros_like(whole.cavity)
    for t in (0, 9):
        masks[t], cavity[t] = whole.myocardium[t], whole.cavity[t]
    annotator = set_up(slicer_app, replace(whole, myocardium=masks, cavity=cavity))
    click(annotator, "checkButton")
    click(annotator, "carryButton")
    annotator.panel.repair.save(tmp_path / "all.seq.nrrd")
    from LaMoDCore.io.files.image_file import read_images

    saved = read_images(tmp_path / "all.seq.nrrd")[0].frames[:, 0]
    assert (saved == 2).any(axis=(1, 2)).all()
    assert np.array_equal(saved[9] == 2, whole.myocardium[9])


def test_larger_without_a_page_does_nothing(slicer_app, ring):
    slicer_app.widget.contoursPanel.study.onLargerButton()
    slicer_app.widget.contoursPanel.study.onPageChosen(0)
    assert not slicer_app.widget.contoursPanel.study.window.isShown
