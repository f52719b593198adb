"""Several processes that share a batch give the results of one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from ring_dataset import TINY

from LaMoDCore.training.data.augmentation import augment
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.data.loading import load_batch
from LaMoDCore.training.networks.train import train
from LaMoDCore.training.run.settings import AugmentationConfig

ROOT = Path(__file__).resolve().parents[3]


def test_augmentation_of_a_slice_does_not_depend_on_its_batch(cache: TrainingCache) -> None:
    cpu, config = torch.device("cpu"), AugmentationConfig()

    def varied(chosen: list[int]) -> torch.Tensor:
        batch = load_batch(cache, chosen, cpu)  # type: ignore[arg-type]
        return augment(batch, config, Draws.of((0, "motion", 3), chosen)).masks

    torch.testing.assert_close(varied([0, 1, 2])[1:], varied([1, 2]))
    other = augment(load_batch(cache, [1], cpu), config, Draws.of((0, "motion", 4), [1])).masks  # type: ignore[arg-type]
    assert (other - varied([1])).abs().max() > 0.1


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one(tmp_path: Path, rings: Path, cache: TrainingCache) -> None:
    """Two epochs of every stage under torchrun with gloo, compared with one process at the same global batch."""
    config = replace(TINY, registration_epochs=2, motion_epochs=2, joint_epochs=2)
    train(cache, tmp_path / "one", config)
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    words = ["-m", "LaMoDCore", "train", "--data", str(rings), "--out", str(tmp_path / "two"), "--device", "cpu"]
    subprocess.run(
        [*launcher, *words, "--config", str(tmp_path / "config.json"), "--progress", "none"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=600,
    )
    logs = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    assert json.loads((tmp_path / "two" / "run.json").read_text())["processes"] == 2
    assert sum(line["kind"] == "step" for line in logs[0]) == 12
    for one, two in zip(*logs, strict=True):
        assert one["train"].keys() == two["train"].keys()
        for group in {"train", "val"} & one.keys():
            for name, value in one[group].items():
                assert abs(value - two[group][name]) < 1e-4, (one["stage"], one["global_step"], name)
