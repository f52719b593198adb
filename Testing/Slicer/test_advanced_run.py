"""Runs in the Train section: resumed, killed, full disk, another process, newer version; and the settings form."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.training.run.folder import CONTENTS, FORMAT, RunFolder
from Testing.Slicer.researcher import click, open_section, opened

WAIT = 300


@pytest.fixture
def researcher(slicer_app, tmp_path, monkeypatch):
    with opened(slicer_app, tmp_path / "models", monkeypatch) as everything:
        open_section(everything, everything.panel.train.ui.trainButton)
        yield everything


@pytest.fixture
def data(tmp_path):
    """The part of a dataset that the panel reads before a training."""
    folder = tmp_path / "hearts"
    folder.mkdir()
    line = {"id": "a", "subject": "a", "site": "", "split": "val", "cohort": "cine", "disease": "", "level": "mid"}
    (folder / "dataset.json").write_text(json.dumps({"version": 1, "cases": [line]}))
    return folder


def write_run(folder, data, state="running", message="motion, epoch 2 of 5, loss 0.3", version=FORMAT, age_s=60):
    """A run folder that an earlier process left."""
    output = GrowingFolder(folder, CONTENTS, "train")
    output.open()
    output.claim("run.json", "status.json", "checkpoint.safetensors", "log.jsonl")
    about = {"format": version, "data": str(data), "versions": {"LaMoD": "9.9"}}
    (folder / "run.json").write_text(json.dumps(about))
    status = {"format": 2, "pid": 1, "host": "here", "state": state, "message": message, "stage": "motion"}
    (folder / "status.json").write_text(json.dumps({**status, "epoch": 2, "epochs": 5, "fraction": 0.4}))
    then = time.time() - age_s
    os.utime(folder / "status.json", (then, then))
    (folder / "checkpoint.safetensors").write_bytes(b"kept")
    steps = [{"kind": "step", "stage": "motion", "global_step": s, "train": {"loss": 3.0 / s}} for s in (1, 2, 3)]
    (folder / "log.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
    return folder


def show(researcher, folder):
    """Select a run folder."""
    researcher.panel.train.ui.runEdit.text = str(folder)
    researcher.app.settle()
    return researcher.panel.train


def test_a_run_of_another_process_is_monitored_and_stopped(researcher, tmp_path, data):
    researcher.panel.dataset.setFolder(data)
    folder = RunFolder(write_run(tmp_path / "run", data))
    with folder.opened():
        folder.status("running", "motion, epoch 3 of 5, loss 0.2", stage="motion", epoch=3, epochs=5, fraction=0.5)
        train = show(researcher, folder.folder)
        assert train.report.is_running
        assert "epoch 3 of 5" in train.ui.trainLabel.text
        assert int(train.ui.trainProgress.value) == 50
        assert not train.ui.startButton.enabled
        assert not train.ui.resumeButton.enabled
        researcher.app.application._select_module("")
        import slicer

        slicer.mrmlScene.Clear(0)
        researcher.app.application._select_module("LaMoDSlicer")
        folder.status("running", "joint, epoch 1 of 5, loss 0.1", fraction=0.9)
        assert researcher.mouse.spin(WAIT, lambda: "joint" in train.ui.trainLabel.text)
        click(researcher, train.ui.stopButton)
        assert folder.stop_file.exists()
        assert "asked to stop" in train.ui.trainLabel.text
        folder.status("stopped", "stopped in stage joint, epoch 1; resume it with --resume")
    assert researcher.mouse.spin(WAIT, lambda: bool(train.ui.resumeButton.enabled))
    assert "--resume" in train.ui.commandEdit.plainText
    assert "--" not in train.ui.trainLabel.text


@pytest.mark.parametrize(
    ("state", "message", "expected"),
    [
        ("running", "motion", "stopped unexpectedly"),
        ("failed", "run: the disk is full; the checkpoint before this one is kept; free some space", "disk is full"),
    ],
)
def test_a_run_that_failed_shows_the_reason_and_can_be_resumed(researcher, tmp_path, data, state, message, expected):
    train = show(researcher, write_run(tmp_path / "run", data, state, message))
    assert expected in train.ui.trainLabel.text
    assert train.ui.resumeButton.enabled
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == b"kept"


def test_a_run_of_a_newer_version_is_not_changed(researcher, tmp_path, data):
    researcher.panel.dataset.setFolder(data)
    before = write_run(tmp_path / "run", data, version=FORMAT + 1)
    files = {file: file.read_bytes() for file in before.iterdir()}
    train = show(researcher, before)
    assert "written by LaMoD 9.9" in train.ui.trainLabel.text
    assert not train.ui.resumeButton.enabled
    assert not train.ui.startButton.enabled
    assert "9.9" in train.ui.startButton.toolTip
    assert {file: file.read_bytes() for file in before.iterdir()} == files


def test_a_missing_dataset_is_reported(researcher, tmp_path, data):
    train = show(researcher, write_run(tmp_path / "run", tmp_path / "gone"))
    assert "moved or deleted" in train.ui.trainLabel.text


def test_a_refused_training_shows_the_reason(researcher, tmp_path, data, monkeypatch):
    """A second training in the same folder fails; the panel shows its output."""
    from LaMoDSlicerLib.Worker import CoreLibrary

    refusal = "lamod: run: another process is training in this folder; wait for it."
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint({refusal!r})\nsys.exit(1)\n")
    program.chmod(0o755)
    monkeypatch.setattr(CoreLibrary, "python", lambda: str(program))
    researcher.panel.dataset.setFolder(data)
    train = show(researcher, tmp_path / "run")
    click(researcher, train.ui.startButton)
    assert researcher.mouse.spin(WAIT, lambda: "another process" in train.ui.trainMessage.text)
    assert "lamod:" not in train.ui.trainMessage.text


def test_the_settings_form_writes_the_configuration_of_the_run(researcher, tmp_path, data):
    train = researcher.panel.train
    researcher.panel.dataset.setFolder(data)
    researcher.mouse.choose(train.ui.presetSelector, "smoke")
    show(researcher, tmp_path / "run")
    click(researcher, train.ui.settingsButton)
    assert researcher.mouse.spin(WAIT, lambda: train.recipe.form is not None), train.ui.trainMessage.text
    researcher.app.settle()
    field = train.recipe.form.field("learning_rate")
    assert field.text == "0.001"
    assert "Maximum of the schedule" in field.toolTip
    assert "From 0 to 1" in field.toolTip
    train.ui.settingsFilter.text = "epochs"
    assert train.recipe.form.field("motion_epochs").isVisible()
    assert not field.isVisible()
    train.ui.settingsFilter.text = ""
    researcher.mouse.show(train.ui.settingsArea)
    researcher.mouse.screenshot(tmp_path / "slicer-settings.png")
    field.text = "7"
    click(researcher, train.ui.startButton)
    assert "learning_rate is 7" in train.ui.trainMessage.text
    assert not (tmp_path / "run" / "config.json").exists()
    field.text = "0.002"
    train.recipe.form.field("freeze").text = "encoder, registration"
    click(researcher, train.ui.copyCommandButton)
    from LaMoDCore.training.run.settings import PRESETS, read_config

    config = read_config(tmp_path / "run" / "config.json")
    assert config.learning_rate == 0.002
    assert config.freeze == ("encoder", "registration")
    assert config.model == PRESETS["smoke"].model
    assert "--config" in train.ui.commandEdit.plainText
    researcher.mouse.choose(train.ui.commandSelector, "SLURM")
    assert "#SBATCH --nodes=1" in train.ui.commandEdit.plainText


def test_the_panel_lists_the_presets_of_the_library(researcher):
    from LaMoDCore.training.run.settings import PRESETS

    assert tuple(PRESETS) == researcher.panel.train.recipe.PRESETS


def test_an_unexpected_error_ends_the_monitoring_of_a_run_with_one_message(researcher, tmp_path, data, monkeypatch):
    train = show(researcher, write_run(tmp_path / "run", data))
    assert train._timer.active

    def fails():
        raise RuntimeError("planned")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="planned"):
        patch.setattr(train, "poll", fails)
        train.onTimeout()
    assert not train._timer.active, "the timer would repeat it every second"
    assert "planned" in train.ui.trainMessage.text
