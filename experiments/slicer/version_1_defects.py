"""Properties that version 1 of the Slicer module lacks: every test of this file fails there.

It shows that the tests of the present module, which check the same properties, would have failed on version 1. Run it
in a checkout of version 1 (commit 938a625), whose fixtures it uses:

    git worktree add ../version-1 938a625
    cp experiments/slicer/version_1_defects.py ../version-1/Testing/Slicer/test_version_1_defects.py
    cd ../version-1 && PYTHONPATH=. python -m pytest -q Testing/Slicer/test_version_1_defects.py

`experiments/results/slicer.md` lists the results with the tests of the present module.
"""

from __future__ import annotations

import csv
import inspect
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from Testing.Slicer import reading_heart
from Testing.Slicer.annotator import click, click_cell, faulty_heart, sit_down
from Testing.Slicer.conftest import fresh
from Testing.Slicer.ring_heart import grid, heart


@pytest.fixture(scope="module")
def folder(host, tmp_path_factory):
    """A result of a heart of three slices with the reader's own RV insertion."""
    path = tmp_path_factory.mktemp("results") / "first"
    drawn = reading_heart.slices(["base", "mid", "apex"], grid())
    motions = [reading_heart.motion_of(s, samples=6) for s in drawn]
    reading_heart.write_reading(path, drawn, motions, reading_heart.insertion_of(drawn[0], 130.0))
    return path


@pytest.fixture
def app(host):
    opened = fresh(host)
    opened.parameters = opened.widget._parameters
    yield opened
    opened.widget.readingPanel.ui.roomButton.checked = False
    opened.widget.predictPanel.cancel("")
    opened.settle()


def load(app, folder):
    from LaMoDSlicerLib.ResultImport import ResultImport

    node = ResultImport.load(folder)
    app.parameters.resultBrowser = node.browsers()[0]
    app.settle()
    return node


def add_ring(app, slice_=None):
    from LaMoDSlicerLib.SampleHeart import SampleHeart

    browser, masks = SampleHeart.addToScene(slice_ or heart(), "Ring")
    app.settle()
    return browser, masks


def mask_file(path):
    """A NIfTI stack of masks without orientation, with one slice per level."""
    import SimpleITK as sitk

    drawn = reading_heart.slices(["base", "mid", "apex"], grid())
    frames = np.stack([np.stack([s.myocardium[t] for s in drawn]) for t in range(drawn[0].frames)])
    volumes = [sitk.GetImageFromArray(frame.astype(np.uint8)) for frame in frames]
    sitk.WriteImage(sitk.JoinSeries(volumes), str(path))
    return path


# --- the list of defects ---------------------------------------------------------------------------------------------


def test_none_stays_none(app):
    add_ring(app)
    app.parameters.masks = None
    app.settle()
    assert app.parameters.masks is None


def test_display_options_reach_both_results_of_a_comparison(app, folder):
    from LaMoDSlicerLib.ResultScene import ResultScene

    first, second = load(app, folder), None
    from LaMoDSlicerLib.ResultImport import ResultImport

    second = ResultImport.load(folder)
    app.settle()
    first.node.SetNodeReferenceID("LaMoD.Second", second.node.GetID())
    app.widget.readingPanel.ui.roomButton.checked = True
    app.parameters.showContours = False
    app.settle()
    displays = [ResultScene(node.browsers()[0]).displayOf("contours") for node in (first, second)]
    assert [bool(display.GetVisibility()) for display in displays] == [False, False]


def test_base_and_apex_can_be_exchanged(app):
    assert hasattr(app.widget.ui, "swapButton")


def test_masks_from_a_file_are_visible(app, tmp_path):
    import slicer

    app.widget.inputsPanel.loadMasks(mask_file(tmp_path / "masks.nii.gz"))
    app.settle()
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    models = [n for n in slicer.util.getNodesByClass("vtkMRMLModelNode") if "Slice" not in n.GetName()]
    assert any(c.GetLabelVolumeID() for c in composites) or models


def test_a_prediction_of_several_series_is_shown_at_end_systole_without_the_fill(app, folder):
    from LaMoDSlicerLib import SeriesPanel

    source = inspect.getsource(SeriesPanel)
    assert "SetSelectedItemNumber" in source, "the frame of end-systole is selected"
    assert "SetVisibility(False)" in source, "the fill of the masks is hidden"


def test_warnings_leave_three_quarters_of_the_height(app, folder):
    from PySide6 import QtWidgets

    load(app, folder)
    app.mouse.click(app.widget.readingPanel.ui.roomButton)
    app.settle()
    sheet = app.widget.readingPanel.sheet
    label = sheet.ui.trustLabel
    label.text = "<br>".join(["Slice 1: the contours are far from those of the training data; check them."] * 20)
    app.settle()
    app.mouse.spin(0.3)
    height = QtWidgets.QWidget.height
    assert height(label) <= 0.27 * height(sheet.widget)


def test_segments_have_one_number(app, folder):
    import slicer
    from LaMoDSlicerLib.SegmentLines import SegmentLines
    from LaMoDSlicerLib.SegmentTable import SegmentTable

    from LaMoDCore.strain.segments import label_segments

    node = load(app, folder)
    in_table = {row[1] for row in SegmentTable(node.reading()).rows() if row[0].startswith("2")}
    (drawn,) = reading_heart.slices(["mid"], grid())
    labels = label_segments(drawn.myocardium[0], drawn.grid, "mid", reading_heart.insertion_of(drawn, 130.0))
    SegmentLines().show([drawn], SimpleNamespace(segments=lambda *_: labels), 0)
    names = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")[-1]
    in_view = {names.GetNthControlPointLabel(i) for i in range(names.GetNumberOfControlPoints())}
    assert in_view <= in_table


def test_carried_frames_are_named_in_a_result():
    from LaMoDSlicerLib import PredictionRequest, ReadingNode, ResultKeeper, TrustWords

    sources = "".join(map(inspect.getsource, (PredictionRequest, ReadingNode, ResultKeeper, TrustWords)))
    assert "carried" in sources.lower()


def test_a_result_of_changed_contours_is_marked():
    library = Path(sys.modules["LaMoDSlicerLib"].__file__).parent
    assert any("out of date" in path.read_text(encoding="utf-8").lower() for path in library.glob("*.py"))


def test_cells_of_exported_tables_are_plain_numbers(app, folder, tmp_path):
    from LaMoDSlicerLib.ResultExport import ResultExport

    for path in ResultExport(load(app, folder)).tables(tmp_path):
        if path.name == "segments.csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                cells = [cell for row in list(csv.reader(file))[1:] for cell in row]
            assert not [cell for cell in cells if "\u2212" in cell or "%" in cell or " ms" in cell]


def test_messages_end_with_their_scene(app):
    import slicer

    labels = (app.widget.ui.messageLabel, app.widget.ui.stageLabel, app.widget.readingPanel.ui.readingMessage)
    for label in labels:
        label.text = "“Doe” …"
    slicer.mrmlScene.Clear(0)
    app.settle()
    add_ring(app)
    assert [label.text for label in labels] == ["", "", ""]


def test_the_tick_for_adding_results_shows_what_happens(app):
    import slicer

    app.widget.readingPanel.ui.addCheckBox.checked = True
    slicer.mrmlScene.Clear(0)
    app.settle()
    node = app.widget._parameters.parameterNode
    assert bool(app.widget.readingPanel.ui.addCheckBox.checked) == bool(node.GetAttribute("LaMoD.AddResults"))


def test_a_pair_of_filled_segments_becomes_a_ring(app):
    import slicer
    from LaMoDSlicerLib.RequestReader import RequestReader

    slice_ = heart()
    _browser, masks = add_ring(app, slice_)
    for frame in _frames_of(masks):
        segmentation = frame.GetSegmentation()
        ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
        wall = next(i for i in ids if "myo" in i.lower())
        inside = next(i for i in ids if "cavity" in i.lower())
        for segment, name in ((wall, "Epicardium"), (inside, "Endocardium")):
            segmentation.GetSegment(segment).SetName(name)
        array = slicer.util.arrayFromSegmentBinaryLabelmap(frame, wall)
        cavity = slicer.util.arrayFromSegmentBinaryLabelmap(frame, inside)
        if array.shape == cavity.shape:
            array[cavity > 0] = 1
    structures = RequestReader(app.parameters).structures()
    assert set(structures) >= {"myocardium", "cavity"}


def _frames_of(masks):
    from LaMoDSlicerLib.FrameSequence import FrameSequence

    return FrameSequence(masks).frames()


def test_wall_and_bullseye_have_one_colour_range(app):
    from LaMoDSlicerLib.BullseyeQuantity import BullseyeQuantity

    limits = BullseyeQuantity.PEAK_ECC.limits(np.array([-15.0, -10.0]))
    assert limits == (-app.parameters.strainRange, app.parameters.strainRange)


def test_the_values_of_a_legend_are_exact(app, folder):
    import slicer

    load(app, folder)
    app.parameters.quantity = type(app.parameters.quantity)("displacement")
    app.parameters.displacementRange = 5.0
    app.settle()
    legend = next(n for n in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode") if n.GetVisibility())
    exact = np.linspace(0.0, app.parameters.displacementRange, legend.GetNumberOfLabels())
    assert [float(legend.GetLabelFormat() % value) for value in exact] == exact.tolist()


def test_a_frame_to_repair_cannot_be_accepted(app):
    annotator = sit_down(app, faulty_heart())
    click(annotator, "checkButton")
    click_cell(annotator, 0, 9)
    annotator.mouse.click(annotator.ui.acceptButton)
    app.settle()
    assert annotator.panel.strip.states[0][9] == "repair"


def test_all_selected_cells_are_copied(app, folder):
    import qt

    load(app, folder)
    app.mouse.click(app.widget.readingPanel.ui.roomButton)
    app.settle()
    sheet = app.widget.readingPanel.sheet
    sheet.ui.tabs.setCurrentWidget(sheet.ui.segmentsTab)
    app.mouse.click(sheet.ui.segmentsTable.viewport())
    for key in ("ctrl+a", "ctrl+c"):
        app.mouse.key(key)
    assert "\t" in qt.QApplication.clipboard().text()


def test_enlarge_without_a_page_does_nothing(app):
    app.widget.contoursPanel.study.onLargerButton()


# --- what a genuine Slicer does differently --------------------------------------------------------------------------


def test_layouts_are_known_before_the_room_is_opened(app):
    import slicer

    source = inspect.getsource(sys.modules["LaMoDSlicer"])
    startup = source[source.index("def onStartupCompleted") : source.index("class LaMoDSlicerWidget")]
    assert "Layout" in startup, "descriptions are added when a layout is first opened"
    assert slicer.app.layoutManager().layoutLogic().GetLayoutNode().IsLayoutDescription(9101)


def test_leaving_the_module_stops_its_updates(app):
    import slicer

    browser, _masks = add_ring(app)
    app.application._select_module("")
    app.parameters.parameterNode.SetNodeReferenceID("cine", None)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "of another module")
    app.mouse.spin(0.5)
    filled = app.parameters.cine
    app.application._select_module("LaMoDSlicer")
    assert filled is not browser, "a node that was added in another module fills the fields"


def test_a_failed_installation_is_reported(app, monkeypatch):
    import slicer
    from LaMoDSlicerLib.Dependencies import Dependencies
    from LaMoDSlicerLib.InputError import InputError

    def fails(*_args, **_options):
        raise subprocess.CalledProcessError(1, "pip", "ERROR: no matching distribution")

    packaging = SimpleNamespace(pip_ensure=fails, pip_install=fails)
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setattr(slicer, "packaging", packaging, raising=False)
    with pytest.raises(InputError):
        Dependencies._installPackages(["safetensors>=0.4"])


def test_the_room_ensures_matplotlib(app):
    from LaMoDSlicerLib import ReadingPanel

    assert "Dependencies" in inspect.getsource(ReadingPanel)


def test_contours_changed_in_a_sequence_are_saved(app, tmp_path):
    from LaMoDSlicerLib.ContourSlices import ContourSlices
    from LaMoDSlicerLib.ContourWriter import ContourWriter

    add_ring(app)
    contours = ContourSlices(app.parameters)
    sequence = contours.source.sequence.sequenceNode
    sequence.AddDefaultStorageNode()
    storage = sequence.GetStorageNode()
    storage.SetFileName(str(tmp_path / "masks.seq.mrb"))
    assert storage.WriteData(sequence)
    assert not sequence.GetModifiedSinceRead()
    moved = [replace(s, myocardium=np.roll(s.myocardium, 2, axis=2)) for s in contours.slices()]
    assert ContourWriter().write("step", contours, moved)
    assert sequence.GetModifiedSinceRead()


def test_a_suffix_is_appended(app, monkeypatch, tmp_path, folder):
    import qt

    load(app, folder)
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", staticmethod(lambda *_: str(tmp_path / "report")))
    app.widget.readingPanel.onReportButton()
    assert [path.name for path in tmp_path.iterdir()] == ["report.pdf"]


def test_a_finished_worker_is_not_kept_alive(app):
    """PythonQt keeps the object of a connected bound method until it is disconnected."""
    from LaMoDSlicerLib.WorkerProcess import WorkerProcess

    assert "disconnect" in inspect.getsource(WorkerProcess)


def test_a_second_result_is_shown_with_its_own_data(app, folder):
    from LaMoDSlicerLib.ResultImport import ResultImport

    load(app, folder)
    second = ResultImport.load(folder)
    app.parameters.resultBrowser = second.browsers()[0]
    app.settle()
    assert app.widget.displayPanel._result.browserNode is second.browsers()[0]


def test_only_shown_roles_are_copied_at_a_step(app, folder):
    from LaMoDSlicerLib.ResultScene import ResultScene

    result = ResultScene(load(app, folder).browsers()[0])
    app.parameters.quantity = type(app.parameters.quantity)("ecc")
    app.settle()
    assert not result.browserNode.GetPlayback(result.sequence("err"))


def test_a_cine_below_a_transform_is_refused_or_followed(app):
    import slicer
    import vtk
    from LaMoDSlicerLib.InputError import InputError
    from LaMoDSlicerLib.RequestReader import RequestReader

    _browser, masks = add_ring(app)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 30.0)
    transform.SetMatrixTransformToParent(matrix)
    before = RequestReader(app.parameters).read().masks.geometry.ijkToLps
    masks.SetAndObserveTransformNodeID(transform.GetID())
    try:
        after = RequestReader(app.parameters).read().masks.geometry.ijkToLps
    except InputError:
        return
    assert not np.allclose(before, after)


def test_taskkill_has_no_console_and_is_not_waited_for():
    from LaMoDSlicerLib.WorkerProcess import WorkerProcess

    source = inspect.getsource(WorkerProcess._killGroup)
    assert "creationflags" in source
    assert "subprocess.run" not in source


def test_a_zombie_in_the_group_does_not_stop_the_cancellation(monkeypatch):
    import os

    from LaMoDSlicerLib.WorkerProcess import WorkerProcess

    def refuses(*_):
        raise PermissionError

    monkeypatch.setattr(os, "killpg", refuses)
    WorkerProcess._killGroup(SimpleNamespace(pid=1, kill=lambda: None))


def test_leaving_restores_the_sampling_of_slabs(app):
    browser, _masks = add_ring(app)
    node = app.window.red.node
    node.SetSlabReconstructionOversamplingFactor(2.0)
    from LaMoDSlicerLib.SliceViews import SliceViews

    volume = browser.GetProxyNode(browser.GetMasterSequenceNode())
    SliceViews.lookAt(volume)
    app.application._select_module("")
    factor = node.GetSlabReconstructionOversamplingFactor()
    app.application._select_module("LaMoDSlicer")
    assert factor == 2.0


def test_clean_up_continues_after_an_error(app):
    done = []

    def fails():
        raise RuntimeError("planned")

    panel = SimpleNamespace(
        predictPanel=SimpleNamespace(cancel=lambda _reason: fails()),
        setParameters=lambda _none: done.append("parameters"),
        advancedPanel=SimpleNamespace(cleanup=lambda: done.append("advanced")),
        removeObservers=lambda: done.append("observers"),
        _updateSoon=SimpleNamespace(stop=lambda: done.append("timer")),
    )
    type(app.widget).cleanup(panel)
    assert "observers" in done


def test_no_event_is_handled_inside_a_repair_step():
    from LaMoDSlicerLib import MendingSection

    assert "processEvents" not in inspect.getsource(MendingSection)


def test_the_modules_that_this_one_uses_are_loaded_first():
    assert "parent.dependencies = []" not in inspect.getsource(sys.modules["LaMoDSlicer"])


def test_the_key_of_the_review_acts_in_its_panel_only(app):
    import qt

    assert app.widget.contoursPanel._shortcut.context == qt.Qt.WidgetWithChildrenShortcut
