"""The Contours panel by clicks: check, go to a frame, accept, repair, undo, carry; nothing without a click."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from Testing.Slicer import panel
from Testing.Slicer.annotator import click, click_cell, drawn_masks, faulty_heart, set_up
from Testing.Slicer.ring_heart import heart


@pytest.fixture
def annotator(slicer_app):
    return set_up(slicer_app, faulty_heart())


def shown_frames(annotator):
    return {t for t, state in enumerate(annotator.panel.strip.states[0]) if state != "good"}


def test_masks_are_checked_when_they_are_selected_and_nothing_is_changed(annotator):
    before, names = drawn_masks(annotator), panel.node_names()
    for frame in (3, 9, 14, 0):
        annotator.browser.SetSelectedItemNumber(frame)
        annotator.app.settle()
    assert shown_frames(annotator) == {5, 9, 14}
    assert annotator.ui.reviewLabel.text == "✕ 3 frames to review (1 to repair)"
    assert not annotator.ui.undoButton.enabled
    click(annotator, "checkButton")
    assert np.array_equal(drawn_masks(annotator), before)
    assert np.array_equal(before, annotator.slice.myocardium)
    new = {name for name in panel.node_names() if name not in names}
    assert {name.split()[0] for name in new} <= {"vtkMRMLModelNode", "vtkMRMLModelDisplayNode"}, "lines only"


def test_lights_navigation_and_acceptance(annotator, pictures):
    states = annotator.panel.strip.states[0]
    assert states[5] == "look"
    assert states[9] == "repair"
    assert states[14] == "look"
    click_cell(annotator, 0, 9)
    assert annotator.browser.GetSelectedItemNumber() == 9
    assert "not a closed ring" in annotator.ui.findingLabel.text
    annotator.mouse.show(annotator.ui.carryButton)
    annotator.mouse.screenshot(pictures / "slicer-contours.png")
    click_cell(annotator, 0, 5)
    click(annotator, "acceptButton")
    assert annotator.panel.strip.states[0][5] == "accepted"
    assert annotator.browser.GetSelectedItemNumber() == 9
    click_cell(annotator, 0, 14)
    annotator.mouse.key("a")
    annotator.app.settle()
    assert annotator.panel.strip.states[0][14] == "accepted"
    assert annotator.browser.GetSelectedItemNumber() == 9
    tip = annotator.ui.stripTable.item(0, 5).toolTip()
    assert "Accepted by" in tip
    assert "island" in tip
    assert annotator.ui.reviewLabel.text == "✕ 1 frame to review (1 to repair)"


def test_a_frame_to_repair_cannot_be_accepted(annotator):
    """Version 1 accepted it, and the prediction failed."""
    click_cell(annotator, 0, 9)
    assert not annotator.ui.acceptButton.enabled
    assert "cannot be accepted" in annotator.ui.acceptButton.toolTip
    annotator.mouse.key("a")
    annotator.app.settle()
    assert annotator.panel.strip.states[0][9] == "repair"
    assert "cannot be accepted" in annotator.ui.findingLabel.text


def test_an_acceptance_that_an_earlier_version_stored_for_a_frame_to_repair_does_not_count(annotator):
    from LaMoDSlicerLib.Inputs.AcceptanceRecord import AcceptanceRecord

    AcceptanceRecord(annotator.panel.contours.holder()).accept(0, 9, drawn_masks(annotator)[9])
    click(annotator, "checkButton")
    assert annotator.panel.strip.states[0][9] == "repair"


def test_previous_next_and_undo_of_an_acceptance_by_buttons_and_keys(annotator):
    click_cell(annotator, 0, 7)
    for press, frame in (("nextButton", 9), ("nextButton", 14), ("nextButton", 5), ("previousButton", 14)):
        click(annotator, press)
        assert annotator.browser.GetSelectedItemNumber() == frame
    for key, frame in (("p", 9), ("p", 5), ("n", 9), ("p", 5)):
        annotator.mouse.key(key)
        annotator.app.settle()
        assert annotator.browser.GetSelectedItemNumber() == frame
    click(annotator, "acceptButton")
    click_cell(annotator, 0, 5)
    assert annotator.panel.strip.states[0][5] == "accepted"
    click(annotator, "undoAcceptButton")
    assert annotator.panel.strip.states[0][5] == "look"
    assert not annotator.ui.undoAcceptButton.enabled
    annotator.mouse.key("a")
    annotator.app.settle()
    click_cell(annotator, 0, 5)
    annotator.mouse.key("u")
    annotator.app.settle()
    assert annotator.panel.strip.states[0][5] == "look"
    assert "3 frames to review" in annotator.ui.reviewLabel.text


def test_frames_have_one_number_in_the_strip_the_message_and_the_table(annotator):
    """Frame 9 of the array is frame 10 everywhere on screen."""
    click_cell(annotator, 0, 9)
    assert annotator.ui.stripTable.currentColumn() == 9
    assert "Slice 1, frame 10" in annotator.ui.findingLabel.text
    assert "frame 10:" in annotator.ui.stripTable.item(0, 9).toolTip()
    from LaMoDSlicerLib.Contours import ContourReview

    (review,) = ContourReview.known(annotator.segmentation, annotator.browser)
    assert (review.toReview, review.toRepair) == ((5, 9, 14), (9,))
    assert review.reviewText() == "✕ 3"
    assert review.reviewTip() == "Frames to review: 3, of which 1 must be repaired; see the Contours section"
    assert review.contoursText() == "drawn"


def test_the_accept_button_does_not_move_with_the_findings(annotator):
    from PySide6 import QtCore, QtWidgets

    def height():
        annotator.app.settle()
        origin = QtCore.QPoint(0, 0)
        return QtWidgets.QWidget.mapTo(annotator.ui.acceptButton, annotator.app.widget.parent, origin).y()

    before = height()
    for frame in (0, 5, 9, 14):
        click_cell(annotator, 0, frame)
        assert height() == before, annotator.ui.findingLabel.text


def test_the_strip_follows_the_slider(annotator):
    click(annotator, "checkButton")
    annotator.browser.SetSelectedItemNumber(14)
    annotator.app.settle()
    assert annotator.ui.stripTable.currentColumn() == 14
    assert "frame 15" in annotator.ui.findingLabel.text


def test_an_acceptance_expires_with_its_contour_and_is_saved_with_the_scene(annotator):
    from LaMoDSlicerLib.Inputs.AcceptanceRecord import AcceptanceRecord

    click(annotator, "checkButton")
    click_cell(annotator, 0, 5)
    click(annotator, "acceptButton")
    holder = annotator.panel.contours.holder()
    assert holder.GetAttribute(AcceptanceRecord.ATTRIBUTE)
    record = AcceptanceRecord(holder)
    mask = drawn_masks(annotator)[5]
    assert record.of(0, 5, mask)["who"]
    assert record.of(0, 5, ~mask) is None
    annotator.mouse.choose(annotator.ui.fixSelector, "Remove islands")
    click(annotator, "fixButton")
    assert annotator.panel.strip.states[0][5] == "good"


def test_repair_undo_and_the_copy_of_the_original(annotator):
    click(annotator, "checkButton")
    annotator.mouse.choose(annotator.ui.fixSelector, "Remove islands")
    click(annotator, "fixButton")
    repaired = drawn_masks(annotator)
    assert not repaired[5, 4:6, 4:6].any()
    assert np.array_equal(np.delete(repaired, 5, axis=0), np.delete(annotator.slice.myocardium, 5, axis=0))
    assert annotator.panel.strip.states[0][5] == "good"
    assert "changed frame 6" in annotator.ui.findingLabel.text
    original = annotator.panel.contours.holder().GetNodeReference("LaMoD.Original")
    import slicer

    kept = slicer.util.arrayFromVolume(original.GetNthDataNode(5))[0] == 2
    assert np.array_equal(kept, annotator.slice.myocardium[5])
    annotator.mouse.choose(annotator.ui.fixSelector, "Smooth in space and time")
    click(annotator, "fixButton")
    smoothed = drawn_masks(annotator)
    assert not np.array_equal(smoothed, repaired)
    assert np.array_equal(smoothed[0], repaired[0])
    click(annotator, "undoButton")
    assert np.array_equal(drawn_masks(annotator), repaired)
    click(annotator, "undoButton")
    assert np.array_equal(drawn_masks(annotator), annotator.slice.myocardium)
    assert annotator.panel.strip.states[0][5] == "look"
    assert not annotator.ui.undoButton.enabled


def test_carry_from_end_diastole_and_end_systole(slicer_app, pictures):
    from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
    from LaMoDSlicerLib.Scene import SampleHeart

    from LaMoDCore.evaluation.overlap import dice

    whole = heart()
    masks, cavity = np.zeros_like(whole.myocardium), np.zeros_like(whole.cavity)
    for t in (0, 9):
        masks[t], cavity[t] = whole.myocardium[t], whole.cavity[t]
    SampleHeart.addToScene(replace(whole, myocardium=masks, cavity=cavity), "Ring")
    slicer_app.settle()
    contours = slicer_app.widget.contoursPanel
    assert contours.ui.carryButton.enabled, contours.ui.carryButton.toolTip
    slicer_app.mouse.click(contours.ui.carryButton)
    slicer_app.settle()
    assert "changed frames 2–9, 11–25" in contours.ui.findingLabel.text
    carried = ContourSlices(slicer_app.widget._parameters).slices()[0].myocardium
    overlap = [dice(a, b) for a, b in zip(carried, whole.myocardium, strict=True)]
    assert overlap[0] == overlap[9] == 1.0
    assert min(overlap) > 0.9
    assert contours.strip.states[0][5] == "carried"
    assert contours.strip.states[0][9] != "carried"
    slicer_app.mouse.show(contours.ui.stripTable)
    slicer_app.mouse.screenshot(pictures / "slicer-contours-carried.png")


def test_edit_opens_the_segment_editor(annotator, monkeypatch):
    import slicer

    opened = {}

    class Editor:
        def setSegmentationNode(self, node):
            opened["segmentation"] = node

        def setSourceVolumeNode(self, node):
            opened["volume"] = node

        def setCurrentSegmentID(self, segment):
            opened["segment"] = segment

    representation = SimpleNamespace(self=lambda: SimpleNamespace(editor=Editor()))
    module = SimpleNamespace(widgetRepresentation=lambda: representation)
    monkeypatch.setattr(slicer.modules, "segmenteditor", module, raising=False)
    monkeypatch.setattr(slicer.util, "selectModule", lambda name: opened.setdefault("module", name), raising=False)
    click(annotator, "checkButton")
    click_cell(annotator, 0, 9)
    click(annotator, "editButton")
    assert opened["module"] == "SegmentEditor"
    assert opened["segmentation"] is annotator.segmentation
    assert opened["segment"] == "LV myocardium"
    assert opened["volume"].IsA("vtkMRMLScalarVolumeNode")
    assert annotator.browser.GetSelectedItemNumber() == 9
    annotator.app.application._select_module("LaMoDSlicer")


def test_missing_masks_disable_the_check(slicer_app):
    contours = slicer_app.widget.contoursPanel
    assert not contours.ui.checkButton.enabled
    assert "Select" in contours.ui.checkButton.toolTip


def test_an_unexpected_error_of_the_check_is_reported_once(slicer_app, monkeypatch):
    from LaMoDSlicerLib.Contours.ContourCheck import ContourCheck
    from LaMoDSlicerLib.Contours.ContoursPanel import ContoursPanel
    from LaMoDSlicerLib.Scene import SampleHeart

    calls = []

    def fails(self):
        calls.append(self)
        raise RuntimeError("planned")

    monkeypatch.setattr(ContourCheck, "step", fails)
    app, contours = slicer_app, slicer_app.widget.contoursPanel
    SampleHeart.addToScene(heart(), "Ring")
    assert app.mouse.spin(20, lambda: any(ContoursPanel.__name__ in fault for fault in app.faults.found))
    app.settle()
    before = len(calls)
    app.mouse.spin(0.3)
    assert len(calls) <= before + 1, "the background check of the table may follow, once"
    assert not contours.isBusy
    assert "could not be checked" in contours.ui.findingLabel.text
    assert all("planned" in fault for fault in app.faults.found)
    app.faults.found.clear()


def test_the_section_is_closed_where_nothing_must_be_repaired_and_its_title_counts_the_frames(slicer_app):
    import slicer
    from LaMoDSlicerLib.Contours.ContourWriter import ContourWriter
    from LaMoDSlicerLib.Scene import SampleHeart

    ui = slicer_app.widget.contoursPanel.ui
    assert ui.contoursButton.collapsed
    SampleHeart.addToScene(heart(), "Ring")
    slicer_app.settle()
    assert ui.contoursButton.collapsed
    assert ui.contoursButton.text == "Contours: ✓ No frame to review"
    contours = slicer_app.widget.contoursPanel
    ContourWriter().write("edit", contours.contours, [faulty_heart()])
    slicer_app.widget.update()
    slicer_app.settle()
    assert not ui.contoursButton.collapsed, "a fault that was drawn later also opens it"
    ui.contoursButton.collapsed = True
    slicer.mrmlScene.Clear(0)
    slicer_app.settle()
    assert ui.contoursButton.text == "Contours"
    SampleHeart.addToScene(faulty_heart(), "Ring")
    slicer_app.settle()
    assert not ui.contoursButton.collapsed, "a frame must be repaired before strain can be predicted"
    assert ui.contoursButton.text == "Contours"
    assert ui.reviewLabel.text == "✕ 3 frames to review (1 to repair)"
    ui.contoursButton.collapsed = True
    assert ui.contoursButton.text == "Contours: ✕ 3 frames to review (1 to repair)"
    slicer_app.widget.update()
    slicer_app.settle()
    assert ui.contoursButton.collapsed, "a person closed it"


#: Stands for `lamod check --fix missing`: frame 4 becomes a copy of frame 3.
_FILL = """
import sys
from pathlib import Path
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
(stack,) = read_images(Path(sys.argv[1]) / "contours.seq.nrrd")
stack.frames[4] = stack.frames[3]
(Path(sys.argv[1]) / "result").mkdir()
target = Path(sys.argv[1]) / "result" / "repaired_contours.seq.nrrd"
write_seq_nrrd(target, stack.frames.astype("uint8"), stack.ijk_to_lps, stack.frame_times_ms)
"""


def test_missing_frames_are_filled_by_a_process_that_can_be_cancelled(slicer_app, monkeypatch):
    import sys

    from LaMoDSlicerLib.Repairs.FillingJob import FillingJob
    from LaMoDSlicerLib.Worker import Dependencies

    whole = heart()
    masks = whole.myocardium.copy()
    masks[4] = False
    annotator = set_up(slicer_app, replace(whole, myocardium=masks))
    started = []
    monkeypatch.setattr(Dependencies, "ensure", lambda: started.append("ensured"))
    original = FillingJob.commandLine

    def command(self, folder):
        started.append(original(self, folder))
        return [sys.executable, "-c", _FILL, str(folder)]

    monkeypatch.setattr(FillingJob, "commandLine", command)
    annotator.mouse.choose(annotator.ui.fixSelector, "Fill missing frames")
    annotator.mouse.click(annotator.ui.fixButton)
    assert started[0] == "ensured"
    assert [started[1][i] for i in (2, 3)] == ["LaMoDCore", "check"]
    annotator.panel.repair.onCancelButton()
    annotator.app.settle()
    assert "unchanged" in annotator.ui.findingLabel.text
    assert not drawn_masks(annotator)[4].any()
    click(annotator, "fixButton")
    assert "changed frame 5" in annotator.ui.findingLabel.text
    assert np.array_equal(drawn_masks(annotator)[4], whole.myocardium[3])
    click(annotator, "fixButton")
    assert "nothing to change" in annotator.ui.findingLabel.text
    assert len(started) == 4, "no process where no frame is missing"
