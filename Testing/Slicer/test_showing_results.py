"""A result is shown in small steps: Slicer handles its events, and the scene changes at the end or not at all."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from Testing.Slicer import panel, reading_heart


def sliced(steps, found):
    from LaMoDSlicerLib.Worker.SlicedWork import SlicedWork

    work = SlicedWork(steps, lambda value: found.append(("done", value)), lambda error: found.append(("error", error)))
    work.start()
    return work


def test_functions_run_in_a_thread_and_their_values_are_sent_back(slicer_app):
    from LaMoDSlicerLib.Worker.SlicedWork import completed

    main, found = threading.get_ident(), []

    def steps():
        other = yield threading.get_ident
        yield
        return other, threading.get_ident()

    sliced(steps(), found)
    assert slicer_app.mouse.spin(30, lambda: bool(found))
    ((end, (other, own)),) = found
    assert end == "done" and own == main != other
    assert completed(steps()) == (main, main), "without a thread if all steps are done at once"


def test_an_error_in_the_thread_is_raised_at_its_step(slicer_app):
    found, closed = [], []

    def steps():
        try:
            yield lambda: 1 / 0
        finally:
            closed.append(True)

    work = sliced(steps(), found)
    assert slicer_app.mouse.spin(30, lambda: bool(found))
    assert isinstance(found[0][1], ZeroDivisionError) and closed and not work.isRunning


def test_cancelled_steps_are_closed_and_report_nothing(slicer_app):
    found, closed, computed = [], [], []
    begun, mayEnd = threading.Event(), threading.Event()

    def compute():
        begun.set()
        mayEnd.wait(30)
        computed.append(True)

    def steps():
        try:
            yield compute
        finally:
            closed.append(bool(computed))

    work = sliced(steps(), found)
    assert slicer_app.mouse.spin(30, begun.is_set)
    threading.Timer(0.01, mayEnd.set).start()
    work.cancel()
    assert closed == [True], "the thread, which may read files, has ended before"
    slicer_app.settle()
    assert found == [] and not work.isRunning


@pytest.fixture
def result(slicer_app, ring, tmp_path):
    """A result of the ring that the panel has just received."""
    from LaMoDSlicerLib.Heart import HeartReader
    from LaMoDSlicerLib.Results import ResultImport

    predict = slicer_app.widget.predictPanel
    request = HeartReader.read(slicer_app.widget.sections.model, slicer_app.widget._parameters)
    masks = request.parts[0].masks
    reading_heart.write_for_masks(
        tmp_path / "r", masks.labels == masks.MYOCARDIUM, masks.geometry.ijkToLps, masks.timesMs
    )
    before = panel.node_names()
    predict.startJob(lambda: SimpleNamespace(cancel=lambda: None), "", "busy")
    predict.onResult(ResultImport.read(tmp_path / "r"), request)
    return SimpleNamespace(**vars(slicer_app), predict=predict, before=before)


def commit(result):
    assert result.mouse.spin(60, lambda: result.predict.isCommitting), "the scene was not changed"


def finish(result):
    assert result.mouse.spin(60, lambda: result.predict.job is None), "the result was not shown"
    result.settle()


def test_the_scene_does_not_change_before_everything_is_computed(result):
    while not result.predict.isCommitting:
        assert panel.node_names() == result.before
        assert result.predict.job is not None
        result.mouse.spin(0.01)
    finish(result)
    assert result.widget.displayPanel.result.isShown
    assert not result.predict.isCommitting


def test_a_result_that_is_cancelled_in_time_leaves_the_scene_as_it_was(result):
    import slicer

    slicer.app.processEvents()
    result.widget.ui.cancelButton.click()
    assert result.predict.job is None
    result.settle()
    assert panel.node_names() == result.before
    assert result.widget.ui.messageLabel.text == "Cancelled. The scene is unchanged."
    assert result.widget.ui.predictButton.enabled


def test_a_result_that_is_being_added_is_completed(result):
    commit(result)
    result.widget.ui.cancelButton.click()
    finish(result)
    assert result.widget.displayPanel.result.isShown
    assert result.widget.ui.messageLabel.text == ""


@pytest.mark.parametrize("isAdded", [False, True])
def test_closing_the_scene_ends_what_is_being_shown(result, isAdded):
    import slicer

    if isAdded:
        commit(result)
    slicer.mrmlScene.Clear(0)
    result.settle()
    assert result.predict.job is None and not result.predict.isCommitting
    nodes = panel.node_names()
    assert not [name for name in nodes if "Sequence" in name or "TextNode" in name]
    assert "scene was closed" in result.widget.ui.messageLabel.text


def test_other_events_are_handled_between_the_steps(result, monkeypatch):
    import qt
    from LaMoDSlicerLib.Worker.SlicedWork import SlicedWork

    monkeypatch.setattr(SlicedWork, "SLICE_S", 0.0)  # one step at a time
    beats = []
    timer = qt.QTimer()
    timer.setInterval(1)
    timer.connect("timeout()", lambda: beats.append(result.predict.isCommitting))
    timer.start()
    assert result.mouse.spin(60, lambda: result.predict.job is None)
    timer.stop()
    assert beats.count(False) > 5 and beats.count(True) > 2


def test_the_cine_is_given_to_the_prediction(slicer_app, ring, tmp_path):
    """Slices, grids and times remain those of the masks; the RV insertion is sought on the images."""
    from dataclasses import replace

    from LaMoDSlicerLib.Heart import HeartReader

    from LaMoDCore.io import load_case

    request = HeartReader.read(slicer_app.widget.sections.model, slicer_app.widget._parameters)
    request.writeInputs(tmp_path)
    words = request.commandLine(tmp_path)
    cine = words[words.index("--cine") + 1]
    assert "--paired-cine" in words
    alone = load_case(tmp_path / "masks.seq.nrrd")
    case = load_case(tmp_path / "masks.seq.nrrd", cine=cine, paired_cine=True)
    np.testing.assert_array_equal(case.slices[0].cine, request.parts[0].cine[:, 0])
    np.testing.assert_array_equal(case.slices[0].myocardium, alone.slices[0].myocardium)
    np.testing.assert_allclose(case.frame_times_ms, alone.frame_times_ms)
    np.testing.assert_allclose(case.slices[0].grid.ijk_to_lps, alone.slices[0].grid.ijk_to_lps)
    assert request.files() == {"masks.seq.nrrd": "The masks", "cine.seq.nrrd": "The cine"}
    without = replace(request.parts[0], cine=None)
    damaged = request.parts[0].cine.copy()
    damaged[0, 0, 0, 0] = np.nan
    for unusable in (without, replace(without, cine=damaged)):
        for parts in ((unusable,), (request.parts[0], unusable)):
            words = replace(request, parts=parts).commandLine(tmp_path)
            assert "--cine" not in words and "--paired-cine" not in words
