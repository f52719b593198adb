"""A batch that does not fit in memory is refused before the run, with a size that fits."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from ring_dataset import TINY

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.loop import stages
from LaMoDCore.training.networks import resource_estimate
from LaMoDCore.training.networks.train import train


def test_a_batch_that_is_too_large_is_refused_with_a_size_that_fits(
    tmp_path: Path, cache: TrainingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource_estimate, "free_memory", lambda device: 400 * 2**20)
    with pytest.raises(LaMoDInputError, match=r"batch_size 512: it needs about .* GiB") as fault:
        train(cache, tmp_path / "run", replace(TINY, batch_size=512))
    found = re.search(r"set batch_size to (\d+) or less", str(fault.value))
    assert found is not None
    fits = int(found[1])
    assert 1 <= fits < 40
    config = replace(TINY, registration_epochs=1, motion_epochs=0, joint_epochs=0)
    train(cache, tmp_path / "run", replace(config, batch_size=min(fits, 4)))


def test_running_out_of_memory_is_reported_in_one_line(
    tmp_path: Path, cache: TrainingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def exhausted(*args: object, **kwargs: object) -> None:
        calls.append(args)
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(stages.RegistrationStage, "loss", exhausted)
    monkeypatch.setattr(
        "LaMoDCore.training.networks.train.estimate_run",
        lambda *a, **k: resource_estimate.Estimate(2**30, 2**31, 9, 1.0),
    )
    with pytest.raises(LaMoDInputError, match="set batch_size to 1 or less"):
        train(cache, tmp_path / "run", TINY)
    assert calls and not resource_estimate.is_out_of_memory(RuntimeError("shape mismatch"))
    assert resource_estimate.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
