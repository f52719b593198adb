"""Trainings that are killed, lose their dataset, fill the disk or share a folder with another training."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ring_dataset import TINY, write_rings

from experiments.robustness import killed_runs
from LaMoDCore.cli import main
from LaMoDCore.models.folder import load_model
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.data.cache import TrainingCache, open_cache
from LaMoDCore.training.networks.train import train
from LaMoDCore.training.run.folder import CONTENTS, RunFolder
from LaMoDCore.training.run.stopping import TrainingStopped
from LaMoDCore.training.run.watch import read_run


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="this system does not report the CPU time of a process"
)
def test_a_run_killed_at_random_moments_gives_the_same_result(tmp_path: Path, rings: Path) -> None:
    """`python -m experiments.robustness.killed_runs` does this ten times, with larger networks."""
    config = tmp_path / "tiny.json"
    config.write_text(json.dumps(replace(TINY, checkpoint_minutes=0.0).to_dict()))
    seconds = killed_runs.train(rings, tmp_path / "unbroken", config)
    found = killed_runs.kill_repeatedly(
        rings, tmp_path / "unbroken", tmp_path, config, kills=2, seconds=seconds, seed=1
    )
    assert found.kills == 2 and not found.faults, found.faults


def test_broken_files_are_detected(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text("{}")
    (tmp_path / ".status.json.tmp-1").write_text("{")
    assert not list(killed_runs.incomplete_files(tmp_path))
    (tmp_path / "log.jsonl").write_text('{"a": 1}\n{"a":')
    (tmp_path / "weights.safetensors").write_bytes(b"half")
    assert len(list(killed_runs.incomplete_files(tmp_path))) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_reported_and_the_run_can_be_resumed(tmp_path: Path, cache: TrainingCache) -> None:
    run = tmp_path / "run"
    config = replace(TINY, registration_epochs=0, joint_epochs=0)
    output = GrowingFolder(run, CONTENTS, "train")
    output.open()
    output.claim("log.jsonl")
    (run / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(LaMoDInputError, match="No space left"):
        train(cache, run, config)
    seen = read_run(run)
    assert seen.state == "failed" and "No space left" in seen.sentence
    (run / "log.jsonl").unlink()
    train(cache, run, config, resume=True)
    assert read_run(run).state == "finished" and read_run(run).has_model


def test_a_run_is_resumed_without_its_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_rings(tmp_path / "rings", train=2, val=1)
    words = ["train", "--data", str(data), "--out", str(tmp_path / "run"), "--progress", "none", "--device", "cpu"]
    cache = open_cache(data, tmp_path / "run" / "cache")
    about = {"data": str(data)}

    class DeletesTheDataset(Progress):
        def update(self, stage: str, fraction: float, message: str = "") -> None:
            shutil.rmtree(data, ignore_errors=True)
            RunFolder(tmp_path / "run").stop_file.touch()

    with pytest.raises(TrainingStopped):
        settings = replace(TINY, registration_epochs=0, joint_epochs=0)
        train(cache, tmp_path / "run", settings, about=about, progress=DeletesTheDataset("none"))
    seen = read_run(tmp_path / "run")
    assert seen.state == "stopped" and "has prepared" in " ".join(seen.remarks) and not data.exists()
    unfinished = load_model(tmp_path / "run")
    assert unfinished.description["training"]["unfinished"] and unfinished.name == "run"
    assert main([*words, "--resume"]) == 0
    assert "is missing" in capsys.readouterr().err
    assert load_model(tmp_path / "run").name == "run"


def test_a_second_training_is_refused_and_does_not_change_the_status(tmp_path: Path, rings: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.opened():
        folder.status("running", "status of the first")
        before = (tmp_path / "run" / "status.json").read_bytes()
        words = ["train", "--data", str(rings), "--out", str(tmp_path / "run"), "--preset", "smoke"]
        done = subprocess.run(
            [sys.executable, "-m", "LaMoDCore", *words, "--progress", "none"],
            cwd=Path(__file__).resolve().parents[3],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 1 and "another process is training in this folder" in done.stderr
        assert (tmp_path / "run" / "status.json").read_bytes() == before
    assert not (tmp_path / "run" / "cache").exists()


def test_an_unreadable_dataset_is_reported_in_the_status(tmp_path: Path) -> None:
    data = write_rings(tmp_path / "rings", train=2, val=1)
    for case in ("s0-mid", "s1-mid"):
        (data / "cases" / case / "masks.seq.nrrd").write_bytes(b"NRRD")
    words = ["train", "--data", str(data), "--out", str(tmp_path / "run"), "--preset", "smoke", "--progress", "none"]
    assert main([*words, "--device", "cpu"]) == 1
    seen = read_run(tmp_path / "run")
    assert seen.state == "failed" and "no training slice" in seen.sentence


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_preparation_stops_the_run(
    tmp_path: Path, rings: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setattr(
        "LaMoDCore.training.data.cache._read_arrays", lambda *_: signal.raise_signal(number) or time.sleep(10)
    )
    run = tmp_path / "run"
    words = ["train", "--data", str(rings), "--out", str(run), "--preset", "smoke", "--device", "cpu"]
    assert main(words) == code
    assert read_run(run).state == "stopped"
    assert not (run / "cache").exists() and not list(run.glob(".*.tmp-*"))


def test_refused_settings_do_not_change_a_run(tmp_path: Path, cache: TrainingCache) -> None:
    run, config = tmp_path / "run", replace(TINY, registration_epochs=0, joint_epochs=0)
    train(cache, run, config)
    before = (run / "config.json").read_bytes(), (run / "run.json").read_bytes()
    with pytest.raises(LaMoDInputError, match="other settings"):
        train(cache, run, replace(config, learning_rate=0.5), resume=True)
    assert ((run / "config.json").read_bytes(), (run / "run.json").read_bytes()) == before
    (run / "model" / "MODEL_CARD.md").write_text("corrected by hand")
    with pytest.raises(LaMoDInputError, match="MODEL_CARD"):
        train(cache, run, config, resume=True)
    assert (run / "model" / "MODEL_CARD.md").read_text() == "corrected by hand"


def test_a_full_disk_does_not_leave_the_state_of_a_running_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path / "run")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(LaMoDInputError, match="full"), folder.opened():
        monkeypatch.setattr("LaMoDCore.training.run.folder.write_json", full)
        raise LaMoDInputError("the cache", "the disk is full " * 50, "free some space")
    status = json.loads((tmp_path / "run" / "status.json").read_text(encoding="utf-8"))
    assert status["state"] == "failed" and "the cache: the disk".startswith(status["message"][:19])
    assert status["message"]
