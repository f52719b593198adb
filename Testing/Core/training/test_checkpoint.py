"""A checkpoint is replaced atomically; a stop can be requested by a signal."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from LaMoDCore.models.run_folder import CHECKPOINT
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from LaMoDCore.training.loop.selection import BestWeights
from LaMoDCore.training.run.stopping import stop_on_signals

IDENTITY = {"config": {"seed": 0, "model": {"width": 4}}, "data": "a", "start": ""}


def state(epoch: int, kilobytes: int = 1) -> Checkpoint:
    weights = {"w": torch.full((kilobytes * 256,), float(epoch))}
    return Checkpoint({"epoch": epoch}, weights, {}, {}, None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk can be mounted by root on Linux only")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_small_disk_that_is_full_keeps_the_last_checkpoint(small_disk: Path) -> None:
    save_checkpoint(small_disk, IDENTITY, state(1, kilobytes=700))
    with pytest.raises(LaMoDInputError, match="disk is full; the checkpoint before this one is kept"):
        save_checkpoint(small_disk, IDENTITY, state(2, kilobytes=700))
    assert [file.name for file in small_disk.iterdir()] == [CHECKPOINT]
    kept = load_checkpoint(small_disk, IDENTITY)
    assert kept is not None and kept.position == {"epoch": 1} and kept.model["w"][0] == 1


def test_a_truncated_checkpoint_is_refused_in_one_line(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, IDENTITY, state(1))
    whole = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LaMoDInputError, match="cannot be read") as fault:
        load_checkpoint(tmp_path, IDENTITY)
    assert "\n" not in str(fault.value)


def test_sigterm_requests_a_stop_and_its_handler_is_restored(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as request:
        assert not request
        os.kill(os.getpid(), signal.SIGTERM)
        assert request
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_weights_of_the_lowest_score_are_kept() -> None:
    model, best = torch.nn.Linear(1, 1), BestWeights(patience=2)
    for epoch, score in enumerate((3.0, 1.0, 2.0, 1.0), 1):
        torch.nn.init.constant_(model.weight, float(epoch))
        best.offer(score, epoch, model)
    assert best.epoch == 2 and best.weights is not None and best.weights["weight"].item() == 2.0
    assert best.exhausted
    again = BestWeights(patience=2)
    again.restore(best.position(), best.weights)
    assert (again.score, again.waited, again.exhausted) == (1.0, 2, True)
