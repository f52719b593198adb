"""The Heart table: which series it lists, their order, levels and use, and what a person decides about them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from Testing.Slicer import panel, reading_heart
from Testing.Slicer.annotator import open_contours
from Testing.Slicer.conftest import add_ring
from Testing.Slicer.ring_heart import FRAMES, RR_MS, grid, heart

USE, NAME, LEVEL, FRAMES_AND_RR, CONTOURS, REVIEW = range(6)  # as `table` returns them; the table shows two as one
COMBO = 1
SMALL = 64


def table(app: SimpleNamespace) -> list[list[str]]:
    """The texts of the table: number, name, level, and the other columns."""
    app.settle()
    widget = app.widget.ui.heartTable
    rows = []
    for r in range(widget.rowCount):
        number, name = widget.item(r, 0).text().split(" ", 1)
        others = [widget.item(r, c).text() for c in range(2, widget.columnCount)]
        rows.append([number, name, widget.cellWidget(r, COMBO).currentText, *others])
    return rows


def used(app: SimpleNamespace) -> list[bool]:
    from PySide6 import QtCore

    widget = app.widget.ui.heartTable
    checked = QtCore.Qt.CheckState.Checked
    return [widget.item(r, 0).checkState() == checked for r in range(widget.rowCount)]


def click_use(app: SimpleNamespace, row: int) -> None:
    """Click the check box of a row."""
    from PySide6 import QtCore

    widget = app.widget.ui.heartTable
    rect = widget.visualItemRect(widget.item(row, 0))
    app.mouse.click(widget.viewport(), QtCore.QPoint(rect.left() + 10, rect.center().y()))
    app.settle()


def click_row(app: SimpleNamespace, row: int) -> None:
    widget = app.widget.ui.heartTable
    app.mouse.click(widget.viewport(), widget.visualItemRect(widget.item(row, 2)).center())
    app.settle()


def ring_at(index: int, **options) -> object:
    """A ring `index` slice spacings along the normal of a small grid; positive is towards the base."""
    return heart(reading_heart.stack_grid(grid(SMALL, 2.8), index), **options)


def write_masks(path: Path, slices: list, times: bool = True, directions: bool = True) -> Path:
    """Masks of parallel slices with their labels as ACDC."""
    labels = np.stack([np.where(s.myocardium, 2, np.where(s.cavity, 3, 0)) for s in slices], axis=1).astype(np.uint8)
    affine = np.array(slices[0].grid.ijk_to_lps)
    if len(slices) > 1:
        affine[:3, 2] = slices[1].grid.ijk_to_lps[:3, 3] - affine[:3, 3]
    if not directions:
        affine[:3, :3] = np.diag(np.linalg.norm(affine[:3, :3], axis=0))
    write_seq_nrrd(path, labels, affine, slices[0].frame_times_ms if times else None)
    return path


def add(app: SimpleNamespace, *paths: Path) -> str:
    """Add files to the heart; returns the message."""
    app.settle()
    app.widget.heartPanel.addPaths(list(paths))
    app.settle()
    return app.widget.ui.messageLabel.text


def test_a_single_series_is_a_table_of_one_row(slicer_app, ring):
    assert slicer_app.mouse.spin(60, lambda: table(slicer_app)[0][CONTOURS] != "not checked yet")
    assert table(slicer_app) == [["1", "Ring", "auto: mid", str(FRAMES), "drawn", table(slicer_app)[0][REVIEW]]]
    assert used(slicer_app) == [True]
    assert slicer_app.widget.ui.heartTable.currentRow() == 0
    assert f"R–R {RR_MS:.0f} ms" in slicer_app.widget.sections.heart._ui.structuresLabel.text


def test_series_are_listed_from_base_to_apex_with_proposed_levels(slicer_app):
    from LaMoDSlicerLib.Scene import SampleHeart

    for name, index in (("apical", -3), ("basal", 3), ("middle", 0)):
        SampleHeart.addToScene(ring_at(index), name)
    rows = table(slicer_app)
    assert [row[USE] for row in rows] == ["1", "2", "3"]
    assert [row[NAME] for row in rows] == ["basal", "middle", "apical"]
    assert [row[LEVEL] for row in rows] == ["auto: base", "auto: mid", "auto: apex"]
    assert _room_for_text(slicer_app.widget.ui.heartTable.cellWidget(0, COMBO)) >= 0, "“auto: base” is cut off"


def _room_for_text(combo: object) -> int:
    """Pixels that are left in a combo box next to its text."""
    from PySide6 import QtWidgets

    option, control = QtWidgets.QStyleOptionComboBox(), QtWidgets.QStyle.ComplexControl.CC_ComboBox
    QtWidgets.QComboBox.initStyleOption(combo, option)
    part = QtWidgets.QStyle.SubControl.SC_ComboBoxEditField
    field = QtWidgets.QWidget.style(combo).subControlRect(control, option, part, combo)
    return field.width() - QtWidgets.QWidget.fontMetrics(combo).horizontalAdvance(option.currentText)


def test_use_and_levels_reach_the_request(slicer_app, tmp_path):
    from LaMoDSlicerLib.Heart import HeartReader

    add(slicer_app, write_masks(tmp_path / "stack.seq.nrrd", [ring_at(k) for k in (3, 2, 1, 0)]))
    app, model = slicer_app, slicer_app.widget.sections.model
    assert [row[USE] for row in table(app)] == ["1", "2", "3", "4"]
    click_use(app, 1)
    assert [row[USE] for row in table(app)] == ["1", "–", "2", "3"]
    request = HeartReader.read(model, app.widget._parameters)
    drawn = (request.parts[0].masks.labels == 2).any(axis=(0, 2, 3))
    assert drawn.tolist() == [True, False, True, True]
    assert "--levels" not in request.commandLine(tmp_path)
    app.mouse.choose(app.widget.ui.heartTable.cellWidget(3, COMBO), "apex")
    app.settle()
    words = HeartReader.read(model, app.widget._parameters).commandLine(tmp_path)
    assert words[words.index("--levels") + 1] == "auto,auto,apex", "the others are still proposals"
    click_use(app, 1)
    app.mouse.choose(app.widget.ui.heartTable.cellWidget(3, COMBO), "auto: apex")
    app.mouse.choose(app.widget.ui.heartTable.cellWidget(2, COMBO), "apex")
    assert [row[LEVEL] for row in table(app)] == ["auto: base", "auto: mid", "apex", "auto: apex"]
    assert HeartReader.problem(model, app.widget._parameters) == "", "proposals fit the chosen level"


def test_a_row_switches_the_series_of_the_contours_section(slicer_app):
    from LaMoDSlicerLib.Scene import SampleHeart

    nodes = {index: SampleHeart.addToScene(ring_at(index), f"at {index}") for index in (3, 0)}
    slicer_app.settle()
    p = slicer_app.widget._parameters
    click_row(slicer_app, 1)
    assert (p.cine, p.masks) == nodes[0]
    click_row(slicer_app, 0)
    assert (p.cine, p.masks) == nodes[3]


def test_none_and_removed_series_are_not_filled_in_again(slicer_app, ring):
    """A series is added when its nodes arrive, not again after a person removed it or chose None."""
    import slicer

    app, p, ui = slicer_app, slicer_app.widget._parameters, slicer_app.widget.ui
    app.settle()
    p.cine = None
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "unrelated")
    assert table(app)[0][NAME] == ring.segmentation.GetName()
    assert p.cine is None
    app.mouse.click(ui.removeButton)
    app.settle()
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "unrelated again")
    assert table(app) == []
    assert p.masks is None
    assert ring.segmentation.GetScene() is not None, "its data stay in the scene"
    p.masks = ring.segmentation
    assert [row[NAME] for row in table(app)] == [ring.segmentation.GetName()], "a person can choose it again"


def test_base_and_apex_of_a_stack_without_orientation_can_be_swapped(slicer_app, tmp_path):
    """Version 1 took one end as the base and offered no correction."""
    from LaMoDSlicerLib.Heart import HeartReader

    app, ui = slicer_app, slicer_app.widget.ui
    radii = (12.0, 16.0, 19.0, 21.0, 22.0)
    rings = [ring_at(k, inner_mm=radius) for k, radius in enumerate(radii)]
    add(app, write_masks(tmp_path / "stack.seq.nrrd", rings, directions=False))
    model = app.widget.sections.model
    table(app)
    assert [row.depth for row in model.rows] == [4, 3, 2, 1, 0], "the taper shows that the last slice is the base"
    assert "do not state which end is the apex" in ui.swapButton.toolTip
    app.mouse.click(ui.swapButton)
    assert [row[LEVEL] for row in table(app)][::4] == ["auto: base", "auto: apex"]
    assert [row.depth for row in model.rows] == [0, 1, 2, 3, 4]
    request = HeartReader.read(model, app.widget._parameters)
    request.writeInputs(tmp_path)
    words = request.commandLine(tmp_path)
    assert "--swap-base-apex" in words
    from LaMoDCore.io import load_case

    case = load_case(tmp_path / "masks.seq.nrrd", labels="myo=2,lv=3", swap_base_and_apex=True)
    areas = [int(s.cavity[0].sum()) for s in case.slices]
    assert areas == sorted(areas), "slice 1 is the one that the person called the base"


def test_a_fiducial_far_from_every_wall_is_not_the_insertion(slicer_app, ring):
    import slicer

    p = slicer_app.widget._parameters
    slicer_app.settle()
    wall = ring.slice.grid.pixel_to_lps(np.argwhere(ring.slice.myocardium[0])[0][::-1])
    far = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "apex of the lung")
    far.AddControlPoint(*(wall * [-1, -1, 1] + [0, 0, 60.0]))
    slicer_app.settle()
    assert p.rvInsertion is None
    near = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "insertion")
    near.AddControlPoint(*(wall * [-1, -1, 1] + [0, 0, 4.0]))
    slicer_app.settle()
    assert p.rvInsertion is near
    p.rvInsertion = None
    slicer_app.settle()
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "unrelated")
    slicer_app.settle()
    assert p.rvInsertion is None, "a person emptied the field"


def test_the_same_file_is_refused_a_second_time(slicer_app, ring, tmp_path):
    path = write_masks(tmp_path / "masks.seq.nrrd", [ring.slice])
    assert add(slicer_app, path) == ""
    before = panel.node_names()
    assert add(slicer_app, path) == "“masks.seq.nrrd” is in the scene already: it was not added again."
    assert panel.node_names() == before


def test_masks_without_times_offer_the_fields_that_had_to_be_assumed(slicer_app, tmp_path):
    from LaMoDSlicerLib.Heart import HeartReader

    app, ui = slicer_app, slicer_app.widget.ui
    add(app, write_masks(tmp_path / "masks.seq.nrrd", [ring_at(0)], times=False))
    assert table(app)[0][FRAMES_AND_RR] == f"{FRAMES} · no times"
    assert ui.rrSpinBox.visible and ui.referenceSpinBox.visible
    p = app.widget._parameters
    p.rrMs, p.referenceFrame = 850.0, 4
    app.settle()
    words = HeartReader.read(app.widget.sections.model, p).commandLine(tmp_path)
    assert words[words.index("--rr") + 1] == "850"
    assert words[words.index("--reference-frame") + 1] == "3", "frames count from 0 in files"
    p.rrMs = 100.0
    app.settle()
    assert "between 300 and 2200 ms" in ui.predictButton.toolTip


def test_the_fields_are_hidden_where_the_data_have_times(slicer_app, ring):
    slicer_app.settle()
    assert not slicer_app.widget.ui.rrSpinBox.visible


def test_the_heart_is_saved_with_the_scene_and_ends_with_it(slicer_app, tmp_path):
    import slicer
    from LaMoDSlicerLib.Scene import SampleHeart

    app = slicer_app
    for name, index in (("basal", 3), ("middle", 0)):
        SampleHeart.addToScene(ring_at(index, frames=8), name)
    table(app)
    click_use(app, 0)
    app.mouse.choose(app.widget.ui.heartTable.cellWidget(1, COMBO), "apex")
    before = table(app)
    scene = tmp_path / "scene.mrb"
    assert slicer.app.coreIOManager().saveScene(str(scene))
    slicer.mrmlScene.Clear(0)
    assert table(app) == []
    slicer.util.loadScene(str(scene))
    app.settle()
    assert [row[:4] for row in table(app)] == [row[:4] for row in before]
    assert used(app) == [False, True]
    # MRML reports this for every scene with a freely oriented slice view
    app.faults.found[:] = [f for f in app.faults.found if "orientation preset name: Reformat" not in f]


def test_messages_end_with_the_series_that_they_belong_to(slicer_app, ring, fake_worker):
    import slicer

    fake_worker("crash")
    app, ui = slicer_app, slicer_app.widget.ui
    panel.predict(app)
    assert "failed (exit code 70)" in ui.messageLabel.text
    slicer.mrmlScene.RemoveNode(ring.segmentation)
    slicer.mrmlScene.RemoveNode(ring.browser)
    add_ring(app)
    assert ui.messageLabel.text == ""


def test_a_cine_in_the_plane_of_another_is_listed_but_not_used(slicer_app, ring):
    from LaMoDSlicerLib.Scene import SampleHeart

    SampleHeart.addToScene(heart(), "Second")
    assert len(table(slicer_app)) == 2
    assert sorted(used(slicer_app)) == [False, True]
    widget = slicer_app.widget.ui.heartTable
    tips = [widget.item(r, 0).toolTip() for r in range(2)]
    assert any("in the plane of another slice" in tip for tip in tips)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("pieces", "in several pieces at frame 6"),
        ("open", "is not a closed ring at frame 6"),
    ],
)
def test_faults_are_reported_before_a_worker_starts(slicer_app, tmp_path, monkeypatch, change, words):
    slice_ = ring_at(0)
    masks = slice_.myocardium.copy()
    if change == "pieces":
        masks[5, 2:8, 2:8] = True
    else:
        masks[5, :, int(np.nonzero(masks[5])[1].mean()) :] = False
    add(slicer_app, write_masks(tmp_path / "masks.seq.nrrd", [replace(slice_, myocardium=masks)]))
    ui = slicer_app.widget.ui
    assert slicer_app.mouse.spin(60, lambda: words in ui.headlineLabel.text), "the next step is the repair"
    assert "Predict Strain" not in ui.headlineLabel.text
    started = []
    monkeypatch.setattr(slicer_app.widget.logic, "startPrediction", lambda *rest: started.append(rest))
    slicer_app.mouse.click(ui.predictButton)
    slicer_app.settle()
    assert words in ui.messageLabel.text
    assert started == []


def test_the_next_step_names_the_slices_that_the_prediction_leaves_out(slicer_app, tmp_path):
    slices = [ring_at(k) for k in (3, 0, -3)]
    masks = slices[1].myocardium.copy()
    masks[5, :, int(np.nonzero(masks[5])[1].mean()) :] = False
    slices[1] = replace(slices[1], myocardium=masks)
    add(slicer_app, write_masks(tmp_path / "masks.seq.nrrd", slices))
    label = slicer_app.widget.ui.headlineLabel
    expected = "Next: press “Predict Strain”. Left out unless repaired: slice 2 (frame 6)."
    assert slicer_app.mouse.spin(60, lambda: label.text == expected), label.text


def test_masks_are_read_once(slicer_app, monkeypatch):
    """For the table, the checks with and without the cine, and the prediction."""
    from LaMoDSlicerLib.Heart import HeartReader
    from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
    from LaMoDSlicerLib.Scene import SampleHeart

    read = Counter()
    original = MaskSource._labelled

    def counted(source, *rest):
        read[source.node.GetName()] += 1
        return original(source, *rest)

    monkeypatch.setattr(MaskSource, "_labelled", counted)
    masks = [SampleHeart.addToScene(ring_at(k), name)[1] for name, k in (("basal", 3), ("apical", -3))]
    column = {"drawn"}
    assert slicer_app.mouse.spin(60, lambda: {row[CONTOURS] for row in table(slicer_app)} == column)
    widget = slicer_app.widget
    assert widget.contoursPanel.ui.contoursButton.text.endswith("(slice 1)"), "which of the two"
    HeartReader.read(widget.sections.model, widget._parameters)
    assert set(read.values()) == {1}, read
    assert len(read) == 2

    segmentation = MaskSource(masks[0]).sequence.frames()[0].GetSegmentation()
    segmentation.GetNthSegment(0).GetRepresentation("Binary labelmap").Modified()
    slicer_app.settle()
    HeartReader.read(widget.sections.model, widget._parameters)
    assert sorted(read.values()) == [1, 2], "changed masks are read again"


def test_a_result_of_masks_alone_is_replaced(slicer_app, tmp_path, fake_worker):
    """Version 1 added a second result next to the first one."""
    from LaMoDSlicerLib.Results.ResultNode import ResultNode

    fake_worker("ok")
    add(slicer_app, write_masks(tmp_path / "masks.seq.nrrd", [ring_at(0)]))
    panel.predict(slicer_app)
    assert slicer_app.widget.ui.messageLabel.text == ""
    classes = Counter(name.split()[0] for name in panel.node_names())
    panel.predict(slicer_app)
    assert len(ResultNode.all()) == 1
    assert Counter(name.split()[0] for name in panel.node_names()) - classes == {}


def test_several_series_are_predicted_by_the_same_button_and_shown_alike(slicer_app, fake_worker):
    from LaMoDSlicerLib.Results.ResultNode import ResultNode
    from LaMoDSlicerLib.Scene import SampleHeart

    fake_worker("ok")
    app = slicer_app
    nodes = [SampleHeart.addToScene(ring_at(k), name) for name, k in (("basal", 3), ("middle", 0), ("apical", -3))]
    panel.predict(app)
    assert app.widget.ui.messageLabel.text == ""
    (result,) = ResultNode.all()
    assert [b.GetName() for b in result.browsers()] == ["basal", "middle", "apical"]
    for browser, masks in nodes:
        assert not masks.GetDisplayNode().GetVisibility(), "the fill would tint the colours"
        assert browser.GetSelectedItemNumber() == result.numbers().endSystole
    assert panel.coloured(app.window.red.picture(), 0.35).sum() > 3000
    headline = app.widget.ui.headlineLabel.text
    assert "GCS −" in headline
    assert "Strongest" in headline and "weakest" in headline
    basal, middle, _apical = result.browsers()
    controls = (app.window.seek, app.widget.ui.seekWidget)
    assert {widget._browser for widget in controls} == {middle}, "the toolbar and the panel play what is shown"
    app.widget.readingPanel.ui.roomButton.checked = True
    app.settle()
    assert {widget._browser for widget in controls} == {basal}
    app.widget.readingPanel.ui.roomButton.checked = False
    app.settle()
    assert {widget._browser for widget in controls} == {middle}


def small_result(app: SimpleNamespace, folder: Path) -> tuple:
    """A result of rings in the planes of the series in the scene, and the request."""
    from LaMoDSlicerLib.Heart import HeartReader
    from LaMoDSlicerLib.Results import ResultImport

    app.settle()
    request = HeartReader.read(app.widget.sections.model, app.widget._parameters)
    drawn = [ring_at(k) for k in (3, 0, -3)][: len(request.parts)]
    reading_heart.write_reading(folder, drawn, [reading_heart.motion_of(s) for s in drawn])
    return ResultImport.read(folder), request


def test_a_result_that_arrives_in_another_module_keeps_its_views_and_work_on_contours(
    slicer_app, tmp_path, monkeypatch
):
    """Also with a series of other phases, whose part of the result is made before the scene is changed."""
    import slicer
    from LaMoDSlicerLib.Contours.ContourWriter import ContourWriter
    from LaMoDSlicerLib.Results.ResultNode import ResultNode
    from LaMoDSlicerLib.Scene import SampleHeart

    app, predict = slicer_app, slicer_app.widget.predictPanel
    rings = ring_at(3), ring_at(0), ring_at(-3, frames=8)
    nodes = [SampleHeart.addToScene(slice_, name) for slice_, name in zip(rings, "abc", strict=True)]
    result, request = small_result(app, tmp_path / "r")
    click_row(app, 0)
    monkeypatch.setattr(ContourWriter, "lastStep", property(lambda _self: "Smooth"))
    app.application._select_module("")
    (view,) = slicer.util.getNodesByClass("vtkMRMLViewNode")
    view.SetBoxVisible(True)
    before = panel.node_names()
    predict.startJob(lambda: SimpleNamespace(cancel=lambda: None), "", "busy")
    predict.onResult(result, request)
    while not predict.isCommitting:
        assert panel.node_names() == before
        assert app.widget.ui.cancelButton.enabled
        app.mouse.spin(0.01)
    assert not app.widget.ui.cancelButton.enabled
    assert app.widget.ui.cancelButton.toolTip == "The result is being shown."
    assert app.mouse.spin(60, lambda: predict.job is None)
    (node,) = ResultNode.all()
    assert node.browsers()[:2] == [browser for browser, _masks in nodes[:2]]
    assert node.browsers()[2] not in [None, nodes[2][0]], "its phases differ from those of its cine"
    assert view.GetBoxVisible(), "the views are those of the other module"
    assert app.widget._parameters.masks is nodes[0][1], "another series would discard the step to undo"
    app.application._select_module("LaMoDSlicer")
    assert not view.GetBoxVisible()


def test_a_result_is_refused_before_the_scene_changes_if_the_times_of_its_cine_changed(slicer_app, tmp_path):
    from LaMoDSlicerLib.Results import ResultKeeper
    from LaMoDSlicerLib.Scene import SampleHeart

    browser, _masks = SampleHeart.addToScene(ring_at(3), "Ring")
    result, request = small_result(slicer_app, tmp_path / "r")
    before, committed = panel.node_names(), []
    parameterNode = slicer_app.widget._parameters.parameterNode
    steps = ResultKeeper.steps(result, request, parameterNode, lambda: committed.append(True))
    value = None
    with pytest.raises(ValueError, match="frame times of the cine changed"):
        for number in range(10_000):
            compute = steps.send(value)
            value = compute() if compute is not None else None
            if number == 4:
                sequence = browser.GetMasterSequenceNode()
                sequence.UpdateIndexValue(sequence.GetNthIndexValue(FRAMES - 1), "5000.0")
    assert committed == []
    assert panel.node_names() == before


def test_the_step_of_a_slider_does_not_rebuild_the_table(slicer_app, ring, monkeypatch):
    from LaMoDSlicerLib.Heart import HeartRows

    slicer_app.settle()
    calls = []
    original = HeartRows.rowsOf
    monkeypatch.setattr(HeartRows, "rowsOf", lambda *rest: calls.append(1) or original(*rest))
    slicer_app.widget._parameters.opacity = 40.0
    slicer_app.settle()
    ring.browser.SetSelectedItemNumber(7)
    slicer_app.settle()
    assert calls == []


def test_a_stack_is_one_series_with_one_row_per_slice(slicer_app, tmp_path):
    """Empty slices at the ends are not listed."""
    rings = [ring_at(k) for k in (2, 1, 0)]
    empty = [ring_at(k) for k in (3, -1)]
    from dataclasses import replace

    blank = [replace(s, myocardium=s.myocardium & False, cavity=s.cavity & False) for s in empty]
    add(slicer_app, write_masks(tmp_path / "stack.seq.nrrd", [blank[0], *rings, blank[1]]))
    assert [row[NAME] for row in table(slicer_app)] == ["stack"] * 3


def test_files_are_listed_with_the_cine_that_they_fit(slicer_app, ring, tmp_path):
    """Three files at once: one on the grid of the cine in the scene, two without a cine."""
    from LaMoDSlicerLib.Heart import HeartReader

    drawn = [ring.slice, *reading_heart.slices(["base", "apex"], reading_heart.stack_grid(grid(96), 4), 2)]
    paths = [write_masks(tmp_path / f"series{number}.seq.nrrd", [slice_]) for number, slice_ in enumerate(drawn)]
    assert add(slicer_app, *paths) == ""
    assert slicer_app.mouse.spin(60, lambda: all(row[REVIEW] != "…" for row in table(slicer_app))), "not checked"
    model = slicer_app.widget.sections.model
    found = {row.series.name: row.series.masks.GetName() for row in model.rows}
    assert found == {"Ring": "series0", "series1": "series1", "series2": "series2"}
    request = HeartReader.read(model, slicer_app.widget._parameters)
    words = request.commandLine(tmp_path)
    assert [Path(w).name for w in words if w.endswith(".seq.nrrd")] == [f"series{n}.seq.nrrd" for n in (1, 2, 3)]
    cines = {part.name: part.cineNodeId for part in request.parts}
    assert cines == {"Ring": ring.browser.GetID(), "series1": None, "series2": None}


def test_keeping_earlier_results_ends_with_the_scene(slicer_app, ring):
    """Version 1 showed the tick after Close scene, and replaced the earlier result nevertheless."""
    import slicer
    from LaMoDSlicerLib.Results import ResultKeeper

    box = slicer_app.widget.readingPanel.ui.addCheckBox
    slicer_app.settle()
    box.checked = True
    assert slicer_app.widget._parameters.parameterNode.GetAttribute(ResultKeeper.ADD)
    slicer.mrmlScene.Clear(0)
    slicer_app.settle()
    keeps = bool(slicer_app.widget._parameters.parameterNode.GetAttribute(ResultKeeper.ADD))
    assert box.checked == keeps


def test_checking_the_contours_of_a_series_keeps_the_review_of_the_others(slicer_app):
    from LaMoDSlicerLib.Scene import SampleHeart

    for name, k in (("basal", 3), ("apical", -3)):
        SampleHeart.addToScene(ring_at(k), name)
    checked = lambda: all(row[REVIEW] != "…" for row in table(slicer_app))  # noqa: E731
    assert slicer_app.mouse.spin(60, checked)
    before = table(slicer_app)
    open_contours(slicer_app)
    slicer_app.mouse.click(slicer_app.widget.contoursPanel.ui.checkButton)
    assert table(slicer_app) == before


def test_the_oldest_check_makes_room_for_a_new_one(slicer_app, monkeypatch):
    from LaMoDSlicerLib.Contours import ContourReview
    from LaMoDSlicerLib.Scene import SampleHeart

    monkeypatch.setattr(ContourReview, "_MAX_CHECKS", 2)
    ContourReview.forget()
    masks = [SampleHeart.addToScene(ring_at(k), str(k))[1] for k in (3, 0, -3)]
    known = lambda: [ContourReview.known(each) is not None for each in masks]  # noqa: E731
    for each in masks[:2]:
        ContourReview.checkOf(each).finish()
    assert known() == [True, True, False]
    ContourReview.checkOf(masks[2]).finish()
    assert known() == [False, True, True]
    ContourReview.forget(masks[1])
    assert known() == [False, False, True]


def test_a_row_before_its_check_does_not_state_how_it_was_drawn(slicer_app, monkeypatch):
    from LaMoDSlicerLib.Heart import Reviews
    from LaMoDSlicerLib.Scene import SampleHeart

    monkeypatch.setattr(Reviews, "known", lambda _series: None)
    SampleHeart.addToScene(ring_at(0), "Ring")
    assert table(slicer_app)[0][CONTOURS] == "not checked yet"
