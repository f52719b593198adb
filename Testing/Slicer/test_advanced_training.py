"""The researcher's way by clicks: synthetic hearts → smoke → live curves → the new model → Predict Strain with it.

The pictures go to a temporary folder; with LAMOD_SCREENSHOTS=1 to Resources/Screenshots, for the docs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from Testing.Slicer import panel
from Testing.Slicer.conftest import add_ring

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pictures(tmp_path):
    return ROOT / "Resources" / "Screenshots" if os.environ.get("LAMOD_SCREENSHOTS") else tmp_path


@pytest.fixture
def researcher(slicer_app, tmp_path, monkeypatch):
    """The Advanced panel, open, with a model folder of its own and nothing remembered."""
    monkeypatch.setenv("LAMOD_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    advanced = slicer_app.widget.advancedPanel
    advanced.dataset.ui.datasetEdit.text = advanced.train.ui.runEdit.text = ""
    ui = slicer_app.widget.ui
    ui.advancedButton.collapsed = False
    slicer_app.settle()
    yield SimpleNamespace(app=slicer_app, mouse=slicer_app.mouse, panel=advanced, ui=ui)
    advanced.dataset.ui.datasetEdit.text = advanced.train.ui.runEdit.text = ""
    for section in (advanced.dataset.ui.datasetButton, advanced.train.ui.trainButton, advanced.models.ui.modelsButton):
        section.collapsed = True
    if advanced.train.ui.curvesButton.checked:
        advanced.train.ui.curvesButton.checked = False
    ui.advancedButton.collapsed = True


def click(researcher, widget):
    researcher.app.settle()
    assert widget.enabled, f"{widget.name}: {widget.toolTip}"
    researcher.mouse.click(widget)
    researcher.app.settle()


def open_section(researcher, button):
    from PySide6 import QtCore

    researcher.app.settle()
    researcher.mouse.click(button, QtCore.QPoint(40, 12))
    researcher.app.settle()
    assert not button.collapsed


def choose_folder(monkeypatch, folder, asker="getExistingDirectory"):
    """What the person will choose in the next file dialog."""
    import qt

    monkeypatch.setattr(qt.QFileDialog, asker, staticmethod(lambda *_: str(folder)))


def test_from_synthetic_hearts_to_a_prediction_with_the_new_model(researcher, tmp_path, monkeypatch, pictures):
    app, mouse = researcher.app, researcher.mouse
    dataset, train = researcher.panel.dataset, researcher.panel.train
    mouse.screenshot(pictures / "slicer-advanced.png")

    open_section(researcher, dataset.ui.datasetButton)
    choose_folder(monkeypatch, tmp_path / "hearts", "getSaveFileName")
    dataset.ui.countSpinBox.value = 3
    dataset.ui.syntheticSeedSpinBox.value = 5
    click(researcher, dataset.ui.makeSyntheticButton)
    assert mouse.spin(300, lambda: not dataset.isBusy)
    assert dataset.folder() == tmp_path / "hearts", dataset.ui.datasetMessage.text
    assert "12 cases of 3 subjects" in dataset.ui.datasetSummary.text
    mouse.show(dataset.ui.datasetMessage)
    mouse.screenshot(pictures / "slicer-dataset.png")
    dataset.ui.datasetButton.collapsed = True

    open_section(researcher, train.ui.trainButton)
    mouse.choose(train.ui.presetSelector, "smoke")
    assert train.ui.runEdit.text == str(tmp_path / "hearts-smoke")
    click(researcher, train.ui.startButton)
    assert mouse.spin(300, lambda: train.report is not None and train.report.is_running), train.ui.trainMessage.text
    assert not train.ui.startButton.enabled
    assert "under way" in train.ui.startButton.toolTip
    assert mouse.spin(300, lambda: bool(train.ui.curvesButton.enabled))
    click(researcher, train.ui.curvesButton)
    assert len(train.plot.points("train")) > 0
    was_running = train.report.is_running
    mouse.screenshot(pictures / "slicer-training.png")
    assert mouse.spin(300, lambda: train.report.state == "finished"), train.ui.trainLabel.text
    app.settle()
    assert was_running
    epochs = [json.loads(line) for line in (tmp_path / "hearts-smoke" / "log.jsonl").read_text().splitlines()]
    last = [line for line in epochs if line["kind"] == "epoch"][-1]
    assert train.plot.points("val")[-1] == pytest.approx([last["global_step"], last["val"]["loss"]])
    assert int(train.ui.trainProgress.value) == 100

    click(researcher, train.ui.keepModelButton)
    assert mouse.spin(300, lambda: researcher.app.widget._parameters.model == "hearts-smoke"), (
        train.ui.trainMessage.text
    )
    assert researcher.ui.modelSelector.currentText == "hearts-smoke"
    mouse.show(train.ui.trainMessage)
    mouse.screenshot(pictures / "slicer-trained.png")
    train.ui.curvesButton.checked = False
    add_ring(app)
    panel.predict(app, 600)
    assert app.widget.ui.messageLabel.text == ""
    assert "hearts-smoke" in app.widget.ui.stageLabel.text
    mouse.screenshot(pictures / "slicer-predicted-with-own.png")
