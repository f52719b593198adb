"""A whole training in seconds: it learns, it resumes to the same bytes, and it refuses what does not belong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.models import load_model
from LaMoDCore.progress import Progress
from LaMoDCore.training.cache import TrainingCache, open_cache
from LaMoDCore.training.runner import train
from LaMoDCore.training.settings import PRESETS, TrainingConfig, read_config

SMOKE = replace(PRESETS["smoke"], bf16=False)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "hearts"
    arguments = ["phantom", "--out", str(folder), "--count", "3", "--seed", "3", "--split", "0.67,0.33,0"]
    assert main([*arguments, "--sites", "1", "--workers", "1", "--progress", "none"]) == 0
    return folder


@pytest.fixture(scope="module")
def cache(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingCache:
    return open_cache(dataset, tmp_path_factory.mktemp("cache") / "cache")


def test_the_cache_holds_what_the_dataset_says(cache: TrainingCache) -> None:
    assert len(cache.indices("train")) == 8 and len(cache.indices("val")) == 4
    for occupancy, clean, displacement, weight in zip(*cache.arrays.values(), strict=True):
        drawn, true = occupancy[0] > 127, clean[0] > 127
        assert 2 * (drawn & true).sum() / (drawn.sum() + true.sum()) > 0.75
        assert np.abs(displacement[0][:, weight[0] > 2]).max() < 0.05
        measured = weight[14] > 2
        assert true[::2, ::2][measured].mean() > 0.9
        assert 1.0 < np.linalg.norm(displacement[14].astype(float), axis=0)[measured].mean() < 12.0


def test_displacement_carries_the_clean_wall_of_end_diastole_onto_later_ones(cache: TrainingCache) -> None:
    """Signs, axes and order of the training target: moved block centres lie in the clean wall of that frame."""
    for clean, displacement, weight in zip(
        cache.arrays["clean"], cache.arrays["displacement"], cache.arrays["weight"], strict=True
    ):
        rows, columns = np.nonzero(weight[15] == 4)
        u = displacement[15][:, rows, columns].astype(float)
        at = np.rint(np.stack([2 * rows + 0.5 + u[1], 2 * columns + 0.5 + u[0]])).astype(int)
        assert (clean[15][tuple(at)] > 127).mean() > 0.95
        still = np.stack([2 * rows, 2 * columns])
        assert (clean[15][tuple(still)] > 127).mean() < (clean[15][tuple(at)] > 127).mean()


class Killed(BaseException):
    """Stands for kill −9 at a chosen moment."""


class StopsAt(Progress):
    def __init__(self, stage: str, calls: int) -> None:
        super().__init__("none")
        self.stage, self.left = stage, calls

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        self.left -= stage == self.stage
        if self.left == 0:
            raise Killed


def losses(run: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{key: line[key] for key in ("stage", "epoch", "train", "val")} for line in lines]


@pytest.mark.parametrize("stage", ["motion", "joint"])
def test_a_killed_run_resumes_to_the_unbroken_runs_bytes(tmp_path: Path, cache: TrainingCache, stage: str) -> None:
    config = replace(SMOKE, motion_epochs=2)
    train(cache, tmp_path / "unbroken", config)
    calls = 6 if stage == "motion" else 2
    with pytest.raises(Killed):
        train(cache, tmp_path / "broken", config, progress=StopsAt(stage, calls))
    assert not (tmp_path / "broken" / "model").exists()
    train(cache, tmp_path / "broken", config, resume=True)
    assert losses(tmp_path / "broken") == losses(tmp_path / "unbroken")
    weights = [tmp_path / name / "model" / "weights.safetensors" for name in ("broken", "unbroken")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert not list((tmp_path / "broken").glob(".*tmp*"))


def test_training_learns_more_than_rest(tmp_path: Path, cache: TrainingCache) -> None:
    config = replace(SMOKE, motion_epochs=12, joint_epochs=0, registration_epochs=1, ema_decay=0.8, learning_rate=3e-3)
    train(cache, tmp_path / "run", config)
    endpoint = [line["train"]["endpoint_mm"] for line in losses(tmp_path / "run") if line["stage"] == "motion"]  # type: ignore[index]
    assert endpoint[-1] < 0.75 * endpoint[0]


def test_the_command_trains_a_model_that_predict_can_load(tmp_path: Path, dataset: Path) -> None:
    run = tmp_path / "run"
    arguments = ["train", "--data", str(dataset), "--out", str(run), "--preset", "smoke", "--progress", "none"]
    assert main(arguments) == 0
    assert load_model(run / "model").description["training"]["data_fingerprint"]
    assert read_config(run / "config.json") == PRESETS["smoke"]
    assert main(arguments) == 1  # a second run into the same folder needs --resume


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, cache: TrainingCache) -> None:
    with pytest.raises(Killed):
        train(cache, tmp_path / "run", SMOKE, progress=StopsAt("motion", 1))
    with pytest.raises(LaMoDInputError, match="other settings"):
        train(cache, tmp_path / "run", replace(SMOKE, learning_rate=5e-4), resume=True)
    with pytest.raises(LaMoDInputError, match="other data"):
        train(replace(cache, fingerprint="0" * 64), tmp_path / "run", SMOKE, resume=True)


def test_settings_survive_json_and_unknown_ones_are_named(tmp_path: Path) -> None:
    for preset in PRESETS.values():
        assert TrainingConfig.from_dict(json.loads(json.dumps(preset.to_dict()))) == preset
    file = tmp_path / "wrong.json"
    file.write_text('{"batchsize": 4}')
    with pytest.raises(LaMoDInputError, match="batchsize"):
        read_config(file)
    file.write_text('{"model": {"latent_channels": "many"}}')
    with pytest.raises(LaMoDInputError, match="latent_channels"):
        read_config(file)
