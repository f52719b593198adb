"""The prediction process: cancelled, killed, refused, deleted inputs, closed scenes; never a partly changed scene."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import numpy as np
import pytest

from Testing.Slicer import panel


def test_cancel_ends_the_worker_and_its_children_and_changes_nothing(slicer_app, ring, fake_worker):
    pids = fake_worker("slow")
    before = panel.node_names()
    running = panel.start(slicer_app, pids)
    folder = slicer_app.widget.predictPanel.job.folder
    stage = slicer_app.widget.ui.stageLabel
    assert slicer_app.mouse.spin(60, lambda: "predicting motion" in stage.text)
    assert "CPU: no CUDA device" in stage.text
    assert not slicer_app.widget.ui.predictButton.enabled
    pressed = time.monotonic()
    slicer_app.mouse.click(slicer_app.widget.ui.cancelButton)
    assert slicer_app.mouse.spin(10, lambda: not any(map(panel.is_running, running)))
    assert time.monotonic() - pressed < 2.0
    assert "Cancelled" in slicer_app.widget.ui.messageLabel.text
    assert panel.node_names() == before
    assert not folder.exists()
    slicer_app.settle()
    assert slicer_app.widget.ui.predictButton.enabled


def test_the_worker_has_low_priority(slicer_app, ring, fake_worker):
    pid, _ = panel.start(slicer_app, fake_worker("slow"))
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10


def test_a_killed_worker_is_reported(slicer_app, ring, fake_worker):
    pids = fake_worker("slow")
    before = panel.node_names()
    running = panel.start(slicer_app, pids)
    os.kill(running[0], signal.SIGKILL)
    assert slicer_app.mouse.spin(10, lambda: slicer_app.widget.predictPanel.job is None)
    assert "ended from outside (signal 9)" in slicer_app.widget.ui.messageLabel.text
    assert slicer_app.mouse.spin(5, lambda: not any(map(panel.is_running, running)))
    assert panel.node_names() == before


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        # the command counts frames from 0
        ("refuse", "The masks: the ring is open at frame 4; close it in the Segment Editor."),
        ("crash", "failed (exit code 70): MemoryError"),
        ("nothing", "ended without a readable result"),
    ],
)
def test_a_failure_is_a_sentence_in_the_panel(slicer_app, ring, fake_worker, what, sentence):
    fake_worker(what)
    before = panel.node_names()
    panel.predict(slicer_app)
    assert sentence in slicer_app.widget.ui.messageLabel.text
    assert "Traceback" not in slicer_app.widget.ui.messageLabel.text
    assert panel.node_names() == before
    assert slicer_app.widget.ui.predictButton.enabled


def test_scene_closed_during_a_run(slicer_app, ring, fake_worker):
    import slicer

    running = panel.start(slicer_app, fake_worker("slow"))
    slicer.mrmlScene.Clear(0)
    slicer_app.settle()
    assert not any(map(panel.is_running, running))
    assert "scene was closed" in slicer_app.widget.ui.messageLabel.text
    assert slicer_app.widget._parameters.cine is None
    assert not slicer_app.widget.ui.predictButton.enabled


def test_cine_deleted_during_a_run(slicer_app, ring, fake_worker):
    """The result is shown with its own browser."""
    import slicer

    fake_worker("ok")
    slicer_app.mouse.click(slicer_app.widget.ui.predictButton)
    slicer.mrmlScene.RemoveNode(ring.browser)
    assert slicer_app.mouse.spin(300, lambda: slicer_app.widget.predictPanel.job is None)
    result = slicer_app.widget.displayPanel.result
    assert result.isShown
    assert result.browserNode is not ring.browser
    assert "cine was removed" in slicer_app.widget.ui.messageLabel.text


def test_masks_deleted_during_a_run(slicer_app, ring, fake_worker):
    import slicer

    fake_worker("ok")
    slicer_app.mouse.click(slicer_app.widget.ui.predictButton)
    slicer.mrmlScene.RemoveNode(ring.segmentation)
    assert slicer_app.mouse.spin(300, lambda: slicer_app.widget.predictPanel.job is None)
    assert slicer_app.widget.displayPanel.result.browserNode is ring.browser
    assert slicer_app.widget.displayPanel.result.isShown


def test_module_switched_during_a_run(slicer_app, ring, fake_worker):
    fake_worker("ok")
    slicer_app.mouse.click(slicer_app.widget.ui.predictButton)
    slicer_app.application._select_module("")
    assert slicer_app.mouse.spin(300, lambda: slicer_app.widget.predictPanel.job is None)
    slicer_app.application._select_module("LaMoDSlicer")
    slicer_app.settle()
    assert slicer_app.widget.displayPanel.result.isShown


def _classes():
    return Counter(name.partition(" ")[0] for name in panel.node_names())


def test_a_second_prediction_replaces_the_result(slicer_app, ring, fake_worker):
    fake_worker("ok")
    panel.predict(slicer_app)
    once = _classes()
    panel.predict(slicer_app)
    assert _classes() == once


def test_module_reloaded(slicer_app, ring, fake_worker):
    """Reload cancels the prediction; the new panel works and the old one is disconnected."""
    import slicer

    running = panel.start(slicer_app, fake_worker("slow"))
    old = slicer_app.widget
    old.onReload()
    slicer_app.widget = slicer.modules.LaMoDSlicerWidget
    assert slicer_app.widget is not old
    assert not any(map(panel.is_running, running))
    fake_worker("ok")
    panel.predict(slicer_app)
    assert slicer_app.widget.displayPanel.result.isShown
    assert old._parameters is None


def test_a_saved_scene_is_restored(slicer_app, ring, fake_worker, tmp_path):
    """After saving and loading, the views are equal and the display options still work."""
    import slicer

    fake_worker("ok")
    panel.predict(slicer_app)
    before = {frame: _picture(slicer_app, frame) for frame in (9, 3)}
    path = str(tmp_path / "scene.mrb")
    assert slicer_app.application.coreIOManager().saveScene(path)
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    slicer_app.settle()
    result = slicer_app.widget.displayPanel.result
    assert result is not None
    assert result.isShown
    for frame, picture in before.items():
        differs = np.abs(_picture(slicer_app, frame).astype(int) - picture).max(axis=2) > 30
        assert differs.mean() < 0.001, f"the view differs at frame {frame}"
    p = slicer_app.widget._parameters
    arrows = result.proxy("arrows").GetPolyData().GetNumberOfCells()
    p.glyphSpacing = 2 * p.glyphSpacing
    slicer_app.settle()
    assert 0 < result.proxy("arrows").GetPolyData().GetNumberOfCells() < arrows / 2
    p.showGrid = True
    slicer_app.settle()
    assert result.proxy("grid").GetPolyData().GetNumberOfCells() > 100
    p.showContours = p.showGlyphs = p.showGrid = False
    slicer_app.settle()
    assert (np.abs(_picture(slicer_app, 3).astype(int) - before[3]).max(axis=2) > 30).sum() > 300
    # MRML reports this for every scene with a freely oriented slice view
    slicer_app.faults.found[:] = [f for f in slicer_app.faults.found if "orientation preset name: Reformat" not in f]


def _picture(app, frame):
    app.widget._parameters.resultBrowser.SetSelectedItemNumber(frame)
    app.settle()
    return app.window.red.picture()


def test_masks_without_a_cine(slicer_app, ring, fake_worker):
    fake_worker("ok")
    slicer_app.settle()
    slicer_app.widget._parameters.cine = None
    panel.predict(slicer_app)
    result = slicer_app.widget.displayPanel.result
    assert result.isShown
    assert result.background().GetAttribute("LaMoD.Role") == "masks"


def test_prediction_from_python(slicer_app, ring, fake_worker):
    fake_worker("ok")
    result = slicer_app.widget.logic.predictStrain(ring.browser, ring.segmentation, level="mid")
    assert result.isShown
    assert result.browserNode is ring.browser
    with pytest.raises(TypeError, match="no option"):
        slicer_app.widget.logic.predictStrain(ring.browser, ring.segmentation, levl="mid")
