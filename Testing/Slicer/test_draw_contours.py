"""Draw contours: the button, the confirmation, the worker, the masks in the scene, their review and their origin."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from LaMoDCore.heart.geometry import SliceGrid
from Testing.Slicer import panel, reading_heart
from Testing.Slicer.annotator import click, click_cell
from Testing.Slicer.fake_worker import UNSURE_FRAMES
from Testing.Slicer.ring_heart import FRAMES, grid, heart, ventricle_radii_mm

DATA = Path(__file__).resolve().parents[2] / "../shared/data/cine_biv_me"


def has_engine() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("onnxruntime", "myopari"))


@pytest.fixture
def cine(slicer_app):
    """The ring's cine without masks."""
    return add_cine(slicer_app, [heart()])


def add_cine(app, slices):
    """Add the cine of parallel slices to the scene; they lie one slice spacing apart."""
    import slicer
    from LaMoDSlicerLib.Scene import SliceViews
    from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
    from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

    first = slices[0]
    builder = SequenceBuilder(tuple(f"{t:.1f}" for t in first.frame_times_ms), "ms")
    geometry = VolumeGeometry((len(slices), *first.grid.shape), np.array(first.grid.ijk_to_lps))
    sequence = builder.volumes("Ring cine", "", np.stack([s.cine for s in slices], axis=1), geometry)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Ring")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    volume = browser.GetProxyNode(sequence)
    volume.CreateDefaultDisplayNodes()
    SliceViews.lookAt(volume)
    app.settle()
    return browser


@pytest.fixture
def asked(monkeypatch, host):
    """Record the questions and answer them with `reply`; the engine was not accepted before."""
    import slicer
    from LaMoDSlicerLib.Worker import ContourEngine

    found = SimpleNamespace(questions=[], reply=True)

    def ask(text, *_args, **_options):
        found.questions.append(text)
        return found.reply

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", ask)
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", ask)
    slicer.app.userSettings().setValue(ContourEngine.ACCEPTED, "")
    yield found
    slicer.app.userSettings().setValue(ContourEngine.ACCEPTED, "")


def draw(app):
    """Click Draw contours and wait until it has ended."""
    app.settle()
    button = app.widget.ui.drawContoursButton
    assert button.enabled, button.toolTip
    app.mouse.click(button)
    assert app.mouse.spin(180, lambda: app.widget.predictPanel.job is None)
    app.settle()


def test_without_a_cine_the_tooltip_says_why(slicer_app):
    button = slicer_app.widget.ui.drawContoursButton
    assert not button.enabled
    assert button.toolTip == "Select the cine on which the contours are drawn."


def test_contours_are_drawn_and_selected_by_a_click(slicer_app, cine, asked, fake_worker):
    from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    fake_worker("ok")
    draw(slicer_app)
    p, ui = slicer_app.widget._parameters, slicer_app.widget.ui
    assert len(asked.questions) == 1
    assert p.masks.GetName() == "Ring automatic contours"
    assert cine.GetSequenceNode(p.masks) is not None, "the masks follow the cine's browser"
    assert "fake-engine on 1 slice. 2 frames are unsure." in ui.stageLabel.text
    masks = RequestReader(p).read().masks
    assert np.array_equal(masks.labels[:, 0] == 2, heart().myocardium)
    (origin,) = ContourOriginRecord(p.masks).onGrid(masks.geometry, FRAMES)
    assert origin.engine == "fake-engine"
    assert [t for t, status in enumerate(origin.status) if status == "unsure"] == list(UNSURE_FRAMES)
    draw(slicer_app)
    assert len(asked.questions) == 1, "the licences are shown before the first use only"
    assert p.masks.GetName() != "Ring automatic contours", "the earlier contours are kept"


def test_the_licences_and_the_download_are_confirmed_first(slicer_app, cine, asked, fake_worker, monkeypatch):
    import slicer

    from LaMoDCore.contours.automatic.engine import EngineDescription
    from LaMoDCore.contours.automatic.registry import find_engine

    fake_worker("ok")
    installed = []
    install = lambda requirements, **options: installed.append((requirements, options))  # noqa: E731
    monkeypatch.setattr(slicer.packaging, "pip_install", install)
    found = importlib.util.find_spec
    hidden = lambda name, *rest: None if name == "onnxruntime" else found(name, *rest)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", hidden)
    monkeypatch.setattr(EngineDescription, "onnx_file", None)
    before = panel.node_names()
    asked.reply = False
    draw(slicer_app)
    question = asked.questions[0]
    assert find_engine().notice in question
    assert "weights MIT" in question
    assert "CC BY-NC-SA 4.0" in question
    assert "about 40 MB" in question
    assert "onnxruntime" in question
    assert "myopari==0.1.6 (without its dependencies)" in question
    assert installed == []
    assert panel.node_names() == before
    assert "Nothing was drawn or installed" in slicer_app.widget.ui.messageLabel.text
    asked.reply = True
    draw(slicer_app)
    named = {"requester": "LaMoD"}
    assert installed == [(["onnxruntime>=1.17"], named), (["--no-deps", "myopari==0.1.6"], named)]
    assert slicer_app.widget._parameters.masks is not None


def test_slices_that_the_engine_leaves_out_are_empty(slicer_app, asked, fake_worker):
    """The remaining slices, written to single files, are found again on the cine's grid."""
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    fake_worker("ok")
    grids = [reading_heart.stack_grid(grid(), k) for k in range(3)]
    add_cine(slicer_app, [heart(each) for each in grids])
    draw(slicer_app)
    masks = RequestReader(slicer_app.widget._parameters).read().masks
    for z in (0, 2):
        assert np.array_equal(masks.labels[:, z] == 2, heart(grids[z]).myocardium)
    assert not masks.labels[:, 1].any()
    assert len(masks.origins) == 3


def test_cancel_changes_nothing(slicer_app, cine, asked, fake_worker):
    pids = fake_worker("slow")
    before = panel.node_names()
    ui = slicer_app.widget.ui
    slicer_app.mouse.click(ui.drawContoursButton)
    assert slicer_app.mouse.spin(300, lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 2)
    running = [int(pid) for pid in pids.read_text(encoding="utf-8").split()]
    assert ui.drawContoursButton.toolTip == "Contours are being drawn."
    assert ui.predictButton.toolTip == "Contours are being drawn."
    slicer_app.mouse.click(ui.cancelButton)
    assert slicer_app.mouse.spin(10, lambda: not any(map(panel.is_running, running)))
    assert "Cancelled" in ui.messageLabel.text
    assert panel.node_names() == before
    slicer_app.settle()
    assert ui.drawContoursButton.enabled


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("refuse", "the ring is open at frame 4"),  # the command counts from 0
        ("crash", "failed (exit code 70): MemoryError"),
        ("nothing", "No contours were drawn"),
    ],
)
def test_a_failure_is_a_sentence_in_the_panel(slicer_app, cine, asked, fake_worker, what, sentence):
    fake_worker(what)
    before = panel.node_names()
    draw(slicer_app)
    assert sentence in slicer_app.widget.ui.messageLabel.text
    assert panel.node_names() == before


def test_predict_without_masks_asks_once_then_draws_and_predicts(slicer_app, cine, asked, fake_worker):
    fake_worker("ok")
    ui = slicer_app.widget.ui
    assert ui.predictButton.enabled, ui.predictButton.toolTip
    asked.reply = False
    panel.predict(slicer_app)
    assert asked.questions == ["There are no contours. Draw them automatically first?"]
    assert slicer_app.widget._parameters.masks is None
    asked.reply = True
    panel.predict(slicer_app)
    assert asked.questions[1] == asked.questions[0]
    assert len(asked.questions) == 3, "the question and the licences"
    assert slicer_app.widget._parameters.masks.GetName() == "Ring automatic contours"
    assert slicer_app.widget.displayPanel.result.isShown
    assert slicer_app.widget.displayPanel.result.browserNode is cine


def _notes(app, path):
    """The notes of the case that the prediction would read."""
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    from LaMoDCore.io import load_case

    RequestReader(app.widget._parameters).read().masks.write(path)
    return [note.text for note in load_case(path, labels="myo=2,rv=1,lv=3").notes]


def test_the_origin_is_handed_to_the_prediction_and_follows_the_review(slicer_app, cine, asked, fake_worker, tmp_path):
    fake_worker("ok")
    draw(slicer_app)
    contours = slicer_app.widget.contoursPanel
    annotator = SimpleNamespace(app=slicer_app, mouse=slicer_app.mouse, ui=contours.ui, panel=contours)
    text = "The contours were drawn automatically by fake-engine and not reviewed."
    assert text in _notes(slicer_app, tmp_path / "automatic.seq.nrrd")
    click(annotator, "checkButton")
    states = contours.strip.states[0]
    assert {t for t, state in enumerate(states) if state == "unsure"} == set(UNSURE_FRAMES)
    assert set(states) == {"automatic", "unsure"}
    assert "U automatic, unsure" in contours.ui.stripLegend.text.replace("\u00a0", " ")
    click_cell(annotator, 0, UNSURE_FRAMES[0])
    assert "unsure (confidence 0.20)" in contours.ui.stripTable.item(0, UNSURE_FRAMES[0]).toolTip()
    click(annotator, "acceptButton")
    assert contours.strip.states[0][UNSURE_FRAMES[0]] == "accepted"
    assert slicer_app.widget._parameters.cine.GetSelectedItemNumber() == UNSURE_FRAMES[1]
    click(annotator, "acceptAllButton")
    assert set(contours.strip.states[0]) == {"reviewed", "accepted"}
    assert contours.ui.acceptAllButton.text == "Undo accept all"
    click(annotator, "acceptAllButton")
    assert contours.ui.findingLabel.text == "The acceptance of all frames is withdrawn."
    assert set(contours.strip.states[0]) == {"automatic", "unsure"}, "also of the frame that was accepted singly"
    click(annotator, "acceptAllButton")
    reviewed = "The contours were drawn automatically by fake-engine and reviewed."
    assert reviewed in _notes(slicer_app, tmp_path / "reviewed.seq.nrrd")
    annotator.mouse.choose(contours.ui.fixSelector, "Smooth in space and time")
    click(annotator, "fixButton")
    assert text in _notes(slicer_app, tmp_path / "changed.seq.nrrd"), "a repair after the review is not reviewed"


def _stack_of_rings(app, slices=6):
    """Add the cine of a ventricle of rings, 10 mm apart from apex to base."""
    affine = np.array(grid().ijk_to_lps)
    affine[:3, 2] *= 10 / np.linalg.norm(affine[:3, 2])
    plane = SliceGrid((128, 128), affine)
    grids = [reading_heart.stack_grid(plane, k) for k in range(slices)]
    radii = ventricle_radii_mm(slices)
    return add_cine(app, [heart(grids[k], inner_mm=radii[k]) for k in range(slices)])


def test_from_a_cine_to_ejection_fraction_by_clicks(slicer_app, asked, fake_worker):
    """Draw contours, look at the strip, accept, predict: GCS and EF are on screen."""
    fake_worker("ok")
    _stack_of_rings(slicer_app)
    mouse, ui = slicer_app.mouse, slicer_app.widget.ui
    draw(slicer_app)
    contours = slicer_app.widget.contoursPanel
    annotator = SimpleNamespace(app=slicer_app, mouse=mouse, ui=contours.ui, panel=contours)
    click(annotator, "checkButton")
    assert len(contours.strip.states) == 6
    panel.predict(slicer_app)
    headline = re.sub("<[^>]*>", " ", ui.headlineLabel.text).replace("\u00a0", " ")
    assert re.search(r"GCS −\d+\.\d %", headline)
    assert re.search(r"EF \d\d %", headline)
    assert re.search(r"EDV \d+ ml, ESV \d+ ml, stroke volume \d+ ml, mass \d+ g", headline)
    assert "not reviewed" in headline
    assert ui.headlineLabel.visible
    assert ui.headlineLabel.height >= ui.headlineLabel.heightForWidth(ui.headlineLabel.width), "it is cut off"
    mouse.show(ui.headlineLabel)
    click(annotator, "acceptAllButton")
    assert "fake-engine, reviewed" in ui.headlineLabel.text


def _paint(app, frame):
    """Leave the module, change the myocardium of a frame as the Segment Editor does, and come back."""
    import slicer
    from LaMoDSlicerLib.Scene.CineSource import CineSource

    p = app.widget._parameters
    browser, masks = p.cine, p.masks
    volume = CineSource(browser).volumeNode()
    app.application._select_module("")
    browser.SetSaveChanges(browser.GetSequenceNode(masks), True)
    browser.SetSelectedItemNumber(frame)
    app.settle()
    segment = masks.GetSegmentation().GetSegmentIdBySegmentName("LV myocardium")
    image = slicer.util.arrayFromSegmentBinaryLabelmap(masks, segment, volume)
    rows, columns = np.nonzero(image[0])
    image[0, rows.min(), columns[rows == rows.min()].max()] = 0  # one pixel of the outer edge
    slicer.util.updateSegmentBinaryLabelmapFromArray(image, masks, segment, volume)
    app.application._select_module("LaMoDSlicer")
    app.settle()


def test_an_edit_after_the_review_is_recorded_and_marks_the_result_out_of_date(
    slicer_app, cine, asked, fake_worker, tmp_path
):
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    fake_worker("ok")
    ui, p = slicer_app.widget.ui, slicer_app.widget._parameters
    draw(slicer_app)
    panel.predict(slicer_app)
    assert "Contours drawn automatically by fake-engine, not reviewed." in ui.headlineLabel.text
    contours = slicer_app.widget.contoursPanel
    annotator = SimpleNamespace(app=slicer_app, mouse=slicer_app.mouse, ui=contours.ui, panel=contours)
    click(annotator, "checkButton")
    click(annotator, "acceptAllButton")
    assert "Contours drawn automatically by fake-engine, reviewed." in ui.headlineLabel.text
    result = slicer_app.widget.readingPanel.current()
    codes = {note.code for note in result.numbers().notes}
    assert "contours_reviewed" in codes
    assert not {"contours_automatic", "contours_unsure"} & codes
    assert "Out of date" not in ui.headlineLabel.text

    _paint(slicer_app, 7)
    (origin,) = RequestReader(p).read().masks.origins
    assert [t for t, status in enumerate(origin.status) if status == "edited"] == [7]
    assert set(origin.status) == {"reviewed", "edited"}
    assert "reviewed; 1 frame was edited." in " ".join(_notes(slicer_app, tmp_path / "edited.seq.nrrd"))
    assert contours.strip.states[0][7] == "edited", "the check is repeated when the contours change"
    assert "then changed by a person" in contours.ui.stripTable.item(0, 7).toolTip()
    sentence = "Out of date: the contours changed after this prediction. Predict again."
    assert sentence in ui.headlineLabel.text
    assert contours.lines.viewLegend.lines[0] == "Out of date: contours changed"

    panel.predict(slicer_app)
    assert "Out of date" not in ui.headlineLabel.text
    assert "by fake-engine, reviewed." in ui.headlineLabel.text


def test_an_edit_before_the_review_counts_for_its_frame_only(slicer_app, cine, asked, fake_worker):
    from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    fake_worker("ok")
    draw(slicer_app)
    _paint(slicer_app, 5)
    p = slicer_app.widget._parameters
    (origin,) = RequestReader(p).read().masks.origins
    assert (origin.status[5], origin.status[6]) == ("edited", "automatic")
    assert not origin.is_reviewed
    record = ContourOriginRecord(p.masks)
    record.acceptAll()
    (origin,) = RequestReader(p).read().masks.origins
    assert (origin.status[5], origin.status[6]) == ("edited", "reviewed"), "accepting does not hide the edit"


def test_masks_drawn_by_a_person_have_no_origin(slicer_app, ring, tmp_path):
    button = slicer_app.widget.contoursPanel.ui.acceptAllButton
    assert not button.enabled
    assert button.toolTip == "These contours were not drawn automatically."
    assert not any("automatically" in text for text in _notes(slicer_app, tmp_path / "masks.seq.nrrd"))


def test_the_origin_in_a_file_is_kept_when_it_is_loaded(slicer_app, cine, asked, fake_worker, tmp_path):
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    fake_worker("ok")
    draw(slicer_app)
    path = tmp_path / "contours.seq.nrrd"
    drawn = RequestReader(slicer_app.widget._parameters).read().masks
    drawn.write(path)
    slicer_app.widget.heartPanel.addPaths([path])
    slicer_app.settle()
    assert slicer_app.widget._parameters.masks.GetName() == "contours"
    assert RequestReader(slicer_app.widget._parameters).read().masks.origins == drawn.origins


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the real cine is missing (../shared/data)")
@pytest.mark.skipif(not has_engine(), reason="the contour engine is not installed (onnxruntime, myopari)")
def test_the_real_engine_draws_on_a_real_cine(slicer_app, asked):
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    from LaMoDCore.evaluation.overlap import dice
    from LaMoDCore.io.files.image_file import read_images

    stack = read_images(DATA / "dicom" / "Se3")[0]  # every third frame keeps the test short
    add_cine(
        slicer_app,
        [
            SimpleNamespace(
                cine=stack.frames[::3, 0], grid=stack.slice_grid(0), frame_times_ms=stack.frame_times_ms[::3]
            )
        ],
    )
    draw(slicer_app)
    assert slicer_app.widget.ui.messageLabel.text == ""
    drawn = RequestReader(slicer_app.widget._parameters).read().masks
    person = read_images(DATA / "Se3_labels.nii.gz")[0].frames[::3, 0] == 2
    overlap = [dice(a, b) for a, b in zip(drawn.labels[:, 0] == 2, person, strict=True)]
    assert min(overlap) > 0.6, overlap
    assert drawn.origins[0].engine == "myopari-acdc"
