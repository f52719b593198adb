"""A researcher's workflow by clicks: synthetic hearts, training, live curves, and Predict Strain with the new model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from Testing.Slicer import panel
from Testing.Slicer.conftest import add_ring
from Testing.Slicer.researcher import click, open_section, opened, will_choose


@pytest.fixture
def researcher(slicer_app, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # screenshots do not show local folders
    with opened(slicer_app, tmp_path / "models", monkeypatch) as everything:
        yield everything


def make_hearts(researcher, folder, monkeypatch, tmp_path):
    """Generate three synthetic subjects by clicks."""
    dataset, mouse = researcher.panel.dataset, researcher.mouse
    open_section(researcher, dataset.ui.datasetButton)
    will_choose(monkeypatch, folder, "getSaveFileName")
    dataset.ui.countSpinBox.value = 3
    dataset.ui.syntheticSeedSpinBox.value = 5
    click(researcher, dataset.ui.makeSyntheticButton)
    assert mouse.spin(300, lambda: not dataset.isBusy)
    assert dataset.folder() == folder, dataset.ui.datasetMessage.text
    assert "12 cases of 3 subjects" in dataset.ui.datasetSummary.text
    mouse.show(dataset.ui.datasetMessage)
    mouse.screenshot(tmp_path / "slicer-dataset.png")
    dataset.ui.datasetButton.collapsed = True


def test_from_synthetic_hearts_to_a_prediction_with_the_new_model(researcher, tmp_path, monkeypatch, pictures):
    app, mouse, train = researcher.app, researcher.mouse, researcher.panel.train
    make_hearts(researcher, Path("hearts"), monkeypatch, tmp_path)
    open_section(researcher, train.ui.trainButton)
    mouse.choose(train.ui.presetSelector, "smoke")
    run = Path("hearts-smoke")
    assert train.ui.runEdit.text == str(run)
    click(researcher, train.ui.estimateButton)
    assert mouse.spin(300, lambda: "memory: about" in train.ui.estimateLabel.text), train.ui.trainMessage.text
    assert "time: about" in train.ui.estimateLabel.text
    click(researcher, train.ui.startButton)
    assert mouse.spin(300, lambda: train.report is not None and train.report.is_running), train.ui.trainMessage.text
    assert os.getsid(train.report.pid) != os.getsid(0), "it would end with Slicer's session"
    assert not train.ui.startButton.enabled
    assert "running" in train.ui.startButton.toolTip
    click(researcher, train.ui.curvesButton)
    mouse.show(train.ui.copyCommandButton)
    drawn = set()
    train._timer.setInterval(200)  # the whole training may take only seconds

    def live():
        if train.curves.plot is not None and train.report.is_running:
            drawn.add((train.report.stage, len(train.curves.plot.points("train"))))
        return len(drawn) > 2 or train.report.state == "finished"

    assert mouse.spin(300, live)
    assert len(drawn) > 1, f"the curves are not updated: {drawn}"
    mouse.screenshot(pictures / "slicer-training.png")
    train._timer.setInterval(train.POLL_MS)
    train.ui.curvesButton.checked = False

    assert mouse.spin(300, lambda: train.report.state == "finished"), train.ui.trainLabel.text
    click(researcher, train.ui.curvesButton)
    last = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()][-1]
    assert train.curves.plot.points("val")[-1] == pytest.approx([last["global_step"], last["val"]["loss"]])
    mouse.screenshot(tmp_path / "slicer-trained.png")
    click(researcher, train.ui.previewCheckBox)
    assert mouse.spin(300, lambda: bool(train.preview.case.results)), train.ui.previewLabel.text
    app.settle()
    assert "yellow view: truth" in train.ui.previewLabel.text
    mouse.screenshot(pictures / "slicer-training-preview.png")
    train.ui.previewCheckBox.checked = train.ui.curvesButton.checked = False
    train.preview.case.remove()

    click(researcher, train.ui.keepModelButton)
    parameters = app.widget._parameters
    assert mouse.spin(300, lambda: parameters.model == "hearts-smoke"), train.ui.trainMessage.text
    assert researcher.ui.modelSelector.currentText == "hearts-smoke"
    train.ui.trainButton.collapsed = True
    add_ring(app)
    panel.predict(app, 600)
    assert app.widget.ui.messageLabel.text == ""
    assert "hearts-smoke" in app.widget.ui.stageLabel.text
    mouse.screenshot(tmp_path / "slicer-predicted-with-own.png")
