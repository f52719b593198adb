"""Complete small trainings: their results, stopping and resuming, and what they refuse."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from ring_dataset import TINY as BATCHES_OF_TWO
from ring_dataset import write_rings

from LaMoDCore.cli import main
from LaMoDCore.models.folder import load_model, save_model
from LaMoDCore.networks.contour_motion import ContourMotionConfig
from LaMoDCore.networks.lamod import InferenceDefaults, LaMoDModel
from LaMoDCore.networks.motion_latent import MotionLatentConfig
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.data.cache import TrainingCache, open_cache
from LaMoDCore.training.loop import checkpoint
from LaMoDCore.training.loop.learning_rate import learning_rate_share
from LaMoDCore.training.networks.train import train
from LaMoDCore.training.run.folder import RunFolder
from LaMoDCore.training.run.lock import RunLock
from LaMoDCore.training.run.settings import PRESETS, TrainingConfig, read_config
from LaMoDCore.training.run.starting_weights import without_posterior
from LaMoDCore.training.run.stopping import StopRequest, TrainingStopped
from LaMoDCore.uncertainty.calibration import Calibration
from LaMoDCore.uncertainty.intervals import calibration_of

ROOT = Path(__file__).resolve().parents[3]
TINY = replace(BATCHES_OF_TWO, batch_size=1)


def log(run: Path) -> list[dict[str, object]]:
    """The log without times."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def status(run: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((run / "status.json").read_text(encoding="utf-8"))
    return content


def weights(run: Path) -> bytes:
    return (run / "model" / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two slices for training, one per step, and one for validation."""
    return write_rings(tmp_path_factory.mktemp("data") / "rings", train=2, val=1)


@pytest.fixture(scope="module")
def cache(rings: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingCache:
    return open_cache(rings, tmp_path_factory.mktemp("cache") / "cache")


@pytest.fixture(scope="module")
def unbroken(cache: TrainingCache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    train(cache, run, TINY)
    return run


#: The program itself chooses the moment, so that the test does not depend on the speed of the machine.
DIES_AT_ITS_SECOND_CHECKPOINT = """
import os, signal, sys
from LaMoDCore.cli import main
from LaMoDCore.training.loop import checkpoint

write, written = checkpoint.write_through, []

def write_once(file, data):
    if written:
        os.kill(os.getpid(), signal.SIGKILL)
    written.append(file)
    write(file, data)

checkpoint.write_through = write_once
main(sys.argv[1:])
"""


class Killed(BaseException):
    """Takes the place of kill −9 at a chosen moment."""


class DoesAt(Progress):
    """Calls an action at the n-th step of a stage."""

    def __init__(self, stage: str, step: int, action: object) -> None:
        super().__init__("none")
        self.stage, self.left, self.action = stage, step, action

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        self.left -= stage == self.stage
        if self.left == 0:
            self.left = -1
            self.action()  # type: ignore[operator]


def kill() -> None:
    raise Killed


def test_a_finished_run_has_a_status_and_a_model(unbroken: Path) -> None:
    assert status(unbroken)["state"] == "finished" and status(unbroken)["pid"] == os.getpid()
    assert load_model(unbroken / "model").description["training"]["data_fingerprint"]
    assert read_config(unbroken / "config.json") == TINY
    about = json.loads((unbroken / "run.json").read_text())
    assert about["versions"]["torch"] and about["slices"] == {"train": 2, "val": 1}
    epochs = [line for line in log(unbroken) if line["kind"] == "epoch"]
    assert [line["stage"] for line in epochs] == ["registration", "motion", "joint"]
    assert [line["global_step"] for line in log(unbroken) if line["kind"] == "step"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("stage", "minutes"), [("motion", 0.0), ("joint", 5.0)])
def test_a_killed_run_resumes_to_the_same_bytes(
    tmp_path: Path, cache: TrainingCache, unbroken: Path, stage: str, minutes: float
) -> None:
    """From a checkpoint within an epoch (0 minutes between them) and from that at the end of a stage."""
    config, run = replace(TINY, checkpoint_minutes=minutes), tmp_path / "run"
    with pytest.raises(Killed):
        train(cache, run, config, progress=DoesAt(stage, 2, kill))
    assert not (run / "model").exists()
    train(cache, run, config, resume=True)
    assert log(run) == log(unbroken)
    assert weights(run) == weights(unbroken)
    assert not list(run.glob(".*tmp*"))


@pytest.mark.slow
def test_kill_9_and_resume_from_the_command_line(tmp_path: Path, rings: Path, unbroken: Path) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(replace(TINY, checkpoint_minutes=0.0).to_dict()))
    run = tmp_path / "run"
    arguments = ["train", "--data", str(rings), "--out", str(run), "--config", str(tmp_path / "tiny.json")]
    words = [sys.executable, "-c", DIES_AT_ITS_SECOND_CHECKPOINT, *arguments, "--device", "cpu", "--progress", "none"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}  # sums depend on it
    done = subprocess.run(words, cwd=ROOT, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL and (run / "checkpoint.safetensors").exists()
    assert status(run)["state"] == "running" and not (run / "model").exists()
    del arguments[-2:]  # a resumed run has its own settings
    assert main([*arguments, "--device", "cpu", "--progress", "none", "--resume"]) == 0
    assert log(run) == log(unbroken)
    assert weights(run) == weights(unbroken)


def test_a_run_that_is_asked_to_stop_writes_a_checkpoint(tmp_path: Path, cache: TrainingCache, unbroken: Path) -> None:
    run, stop = tmp_path / "run", StopRequest()
    with pytest.raises(TrainingStopped, match="stopped in stage motion, epoch"):
        train(cache, run, TINY, stop=stop, progress=DoesAt("motion", 1, stop.ask))
    assert status(run)["state"] == "stopped"
    seen = load_model(run)
    assert seen.description["training"]["unfinished"] and bool((seen.network.latent_std != 1).any())
    with pytest.raises(TrainingStopped):  # the stop file requests it too
        train(cache, run, TINY, resume=True, progress=DoesAt("motion", 1, (run / "stop").touch))
    train(cache, run, TINY, resume=True)
    assert log(run) == log(unbroken) and weights(run) == weights(unbroken)


def test_a_full_disk_keeps_the_last_checkpoint(
    tmp_path: Path, cache: TrainingCache, unbroken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, written = tmp_path / "run", []

    def half_written(file: Path, data: bytes) -> None:
        written.append(file)
        if len(written) < 2:
            file.write_bytes(data)
        else:
            file.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "write_through", half_written)
        with pytest.raises(LaMoDInputError, match="disk is full") as fault:
            train(cache, run, TINY)
    assert "\n" not in str(fault.value)
    assert status(run)["state"] == "failed" and "disk is full" in str(status(run)["message"])
    assert not list(run.glob(".*tmp*"))
    train(cache, run, TINY, resume=True)
    assert weights(run) == weights(unbroken)


def test_training_reduces_the_error(tmp_path: Path) -> None:
    cache = open_cache(write_rings(tmp_path / "rings"), tmp_path / "cache")
    config = replace(BATCHES_OF_TWO, registration_epochs=0, motion_epochs=5, joint_epochs=0, learning_rate=1e-2)
    train(cache, tmp_path / "run", config)
    endpoint = [line["train"]["endpoint_mm"] for line in log(tmp_path / "run") if line["kind"] == "epoch"]  # type: ignore[index]
    assert endpoint[-1] < 0.75 * endpoint[0]


def test_early_stopping_keeps_the_best_weights(tmp_path: Path, cache: TrainingCache) -> None:
    """At learning rate 0 no epoch is better than the first, so with patience 2 the third is the last."""
    config = replace(TINY, motion_epochs=9, registration_epochs=0, joint_epochs=0, patience=2)
    config = replace(config, learning_rate=0.0, adapt_encoder=False)
    with pytest.raises(Killed):  # the patience is part of the checkpoint
        train(cache, tmp_path / "run", config, progress=DoesAt("motion", 5, kill))
    train(cache, tmp_path / "run", config, resume=True)
    epochs = [line for line in log(tmp_path / "run") if line["kind"] == "epoch"]
    assert [line["best"] for line in epochs] == [True, False, False]


def test_weight_decay_is_decoupled(tmp_path: Path, cache: TrainingCache) -> None:
    """Two steps at rates r₁, r₂ with decay d multiply a weight without gradient by (1 − r₁d)(1 − r₂d)."""
    config = replace(TINY, motion_epochs=0, joint_epochs=1, registration_epochs=0, alpha=0.0, learning_rate=0.01)
    decayed = train(cache, tmp_path / "decay", replace(config, weight_decay=0.9, ema_decay=0.0))
    start = train(cache, tmp_path / "none", replace(config, weight_decay=0.0, ema_decay=0.0))
    left = 1.0
    for step in range(2):
        left *= 1 - 0.01 * learning_rate_share(step, 2) * 0.9
    before, after = start.motion_decoder.enter.weight, decayed.motion_decoder.enter.weight
    torch.testing.assert_close(after, before * left, rtol=1e-5, atol=1e-7)
    assert left < 0.99


def test_fine_tuning_starts_from_a_model_and_keeps_frozen_parts(tmp_path: Path, rings: Path, unbroken: Path) -> None:
    arguments = ["train", "--data", str(rings), "--device", "cpu", "--progress", "none", "--out", str(tmp_path / "run")]
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**TINY.to_dict(), "registration_epochs": 0, "joint_epochs": 0}))
    tuned = [*arguments, "--config", str(config), "--init", str(unbroken / "model"), "--freeze", "encoder,registration"]
    assert main(tuned) == 0
    before, after = (load_model(run / "model").network for run in (unbroken, tmp_path / "run"))
    for name, value in after.state_dict().items():
        same = torch.equal(value, before.state_dict()[name])
        assert same == (not name.startswith("motion_decoder")), name


def test_training_drops_the_uncertainty_of_the_initial_model(
    tmp_path: Path, rings: Path, unbroken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Samples, flag and calibration were fitted to other weights of E_R and D_η."""
    sampling = InferenceDefaults(space="motion", start=0, steps=2, samples=4)
    latent = MotionLatentConfig(modes=3, condition=4, width=4, blocks=1)
    bare = load_model(unbroken / "model").network
    contours = ContourMotionConfig(components=2, modes=3, width=4, blocks=1)
    uncertain = replace(TINY.model, motion_latent=latent, contour_motion=contours, descriptors=5, inference=sampling)
    knowing = LaMoDModel(uncertain)
    knowing.load_state_dict(bare.state_dict(), strict=False)
    save_model(knowing, tmp_path / "knowing", "knowing", uncertainty=Calibration(samples=4).to_dict())

    arguments = ["train", "--data", str(rings), "--device", "cpu", "--progress", "none", "--out", str(tmp_path / "run")]
    config = tmp_path / "config.json"  # with all settings of the networks, as in the config.json of a run
    config.write_text(json.dumps({**TINY.to_dict(), "registration_epochs": 0, "joint_epochs": 0}))
    tuned = [*arguments, "--config", str(config), "--init", str(tmp_path / "knowing"), "--freeze", "registration"]
    assert main(tuned) == 0
    message = capsys.readouterr().err
    assert "knowing" in message and "lamod train-posterior" in message

    model = load_model(tmp_path / "run" / "model")
    assert model.network.motion_latent is None and model.network.familiarity is None
    assert model.network.slice_spread is None and model.network.contour_motion is None
    assert (
        calibration_of(model.description, model.name) is None
        and model.network.state_dict().keys() == bare.state_dict().keys()
    )
    assert resolve_options(model).diffusion is False
    with pytest.raises(LaMoDInputError, match="train-posterior"):
        resolve_options(model, samples=4)
    assert "train-posterior" in (tmp_path / "run" / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    for name, value in bare.registration_decoder.state_dict().items():
        assert torch.equal(model.network.registration_decoder.state_dict()[name], value)

    through_python = train(
        open_cache(rings, tmp_path / "run" / "cache"), tmp_path / "again", read_config(config), initial=knowing
    )
    assert through_python.motion_latent is None and through_python.config == model.network.config


def test_settings_that_do_not_match_the_initial_weights_are_refused(
    tmp_path: Path, rings: Path, unbroken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "wide.json"
    wider = replace(TINY, model=replace(TINY.model, motion_width=12))
    config.write_text(json.dumps(wider.to_dict()))
    words = ["train", "--data", str(rings), "--out", str(tmp_path / "run"), "--device", "cpu", "--progress", "none"]
    assert main([*words, "--config", str(config), "--init", str(unbroken / "model")]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "wide.json" in line and "its networks do not match those of" in line
    assert not (tmp_path / "run").exists()


def test_a_model_without_uncertainty_is_used_unchanged(unbroken: Path) -> None:
    network = load_model(unbroken / "model").network
    assert without_posterior(network) is network


def test_freezing_an_unknown_part_is_refused(tmp_path: Path, cache: TrainingCache) -> None:
    with pytest.raises(LaMoDInputError, match="did you mean 'encoder'"):
        train(cache, tmp_path / "run", replace(TINY, freeze=("encodr",)))


def test_the_command_refuses_to_overwrite_a_run(
    unbroken: Path, rings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--data", str(rings), "--out", str(unbroken), "--preset", "smoke"]) == 1
    assert "--resume" in capsys.readouterr().err


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, cache: TrainingCache, unbroken: Path) -> None:
    with pytest.raises(LaMoDInputError, match=r"learning_rate was 0.001, is 0.0005"):
        train(cache, unbroken, replace(TINY, learning_rate=5e-4), resume=True)
    with pytest.raises(LaMoDInputError, match="other data"):
        train(replace(cache, fingerprint="0" * 64), unbroken, TINY, resume=True)
    with pytest.raises(LaMoDInputError, match="another model"):
        train(cache, unbroken, TINY, resume=True, initial=load_model(unbroken / "model").network)


def test_two_trainings_in_one_folder_and_folders_of_newer_versions_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.opened():
        pass
    with RunLock(tmp_path), pytest.raises(LaMoDInputError, match="another process"), folder.opened():
        pass
    (tmp_path / "run.json").write_text('{"format": 99, "versions": {"LaMoD": "9.1"}}')
    with pytest.raises(LaMoDInputError, match=r"written by LaMoD 9\.1"), folder.opened():
        pass


def test_settings_survive_json_and_wrong_settings_are_named(tmp_path: Path) -> None:
    for preset in PRESETS.values():
        assert TrainingConfig.from_dict(json.loads(json.dumps(preset.to_dict()))) == preset
    file = tmp_path / "wrong.json"
    for text, words in (
        ('{"batchsize": 4}', "did you mean 'batch_size'"),
        ('{"model": {"latent_channels": "many"}}', "latent_channels"),
        ('{"augmentation": {"jiter_mm": 1}}', "did you mean 'jitter_mm'"),
        ('{"batch_size": 0}', "batch_size is 0, it must be 1 to 4096"),
    ):
        file.write_text(text)
        with pytest.raises(LaMoDInputError, match=words):
            read_config(file)
