"""The cache agrees with the dataset, and unusable data are reported in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ring_dataset import ring_case, write_rings

from LaMoDCore.cli import main
from LaMoDCore.io.dataset.folder import write_dataset_case
from LaMoDCore.training.data.cache import TrainingCache, open_cache, open_finished_cache
from LaMoDCore.training.data.loading import epoch_batches, prepared_ahead


def test_displacement_moves_the_end_diastolic_wall_onto_later_frames(cache: TrainingCache) -> None:
    """Signs, axes and order of the training target: displaced block centres lie in the wall of that frame."""
    arrays = cache.arrays
    for clean, displacement, weight in zip(arrays["clean"], arrays["displacement"], arrays["weight"], strict=True):
        assert np.abs(displacement[0][:, weight[0] > 2]).max() < 0.05
        rows, columns = np.nonzero(weight[15] == 4)
        u = displacement[15][:, rows, columns].astype(float)
        assert np.hypot(*u).mean() > 1.0
        at = np.rint(np.stack([2 * rows + 0.5 + u[1], 2 * columns + 0.5 + u[0]])).astype(int)
        assert (clean[15][tuple(at)] > 127).mean() > 0.95
        still = np.stack([2 * rows, 2 * columns])
        assert (clean[15][tuple(still)] > 127).mean() < (clean[15][tuple(at)] > 127).mean()


def test_missing_frames_have_no_weight(cache: TrainingCache) -> None:
    assert cache.arrays["weight"][:, 15].any() and not cache.arrays["weight"][:, 36].any()


def test_a_finished_cache_needs_no_dataset_and_is_remade_after_any_change(tmp_path: Path) -> None:
    data, folder = write_rings(tmp_path / "data", 2, 1), tmp_path / "cache"
    first = open_cache(data, folder)
    again = open_finished_cache(folder)
    assert again.fingerprint == first.fingerprint and again.splits == ("train", "train", "val")
    changed = ring_case("s0", 0.3)  # the same sizes, other bytes
    write_dataset_case(data, changed)
    assert open_cache(data, folder).fingerprint != first.fingerprint


def refusal(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "run"), "--preset", "smoke"]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_unusable_data_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_rings(tmp_path / "data", 2, 1)
    case = ring_case("s1", 0.2)
    assert case.displacement_mm is not None
    spoiled = case.displacement_mm.copy()
    spoiled[3][np.isfinite(spoiled[3])] = np.inf
    write_dataset_case(data, replace(case, displacement_mm=spoiled))
    line = refusal(data, tmp_path, capsys)
    assert "s1-mid" in line and "not finite" in line
    (data / "cases" / "s1-mid" / "masks.seq.nrrd").unlink()
    assert "masks.seq.nrrd" in refusal(data, tmp_path, capsys)

    index = json.loads((data / "dataset.json").read_text())
    index["cases"][2]["subject"] = "s0"
    (data / "dataset.json").write_text(json.dumps(index))
    assert "s0 is in train and val" in refusal(data, tmp_path, capsys)


def test_every_slice_occurs_once_per_epoch_in_a_new_order() -> None:
    indices = np.arange(10, 22)
    first, second = epoch_batches(indices, 4, (0, "a", 0)), epoch_batches(indices, 4, (0, "a", 1))
    assert sorted(np.concatenate(first)) == list(indices) == sorted(np.concatenate(second))
    assert any(list(a) != list(b) for a, b in zip(first, second, strict=True))
    assert [list(b) for b in epoch_batches(indices, 4, (0, "a", 0))] == [list(b) for b in first]
    assert [len(b) for b in epoch_batches(indices, 100, (0,))] == [12]


def test_results_prepared_ahead_keep_their_order_and_their_errors() -> None:
    assert list(prepared_ahead(lambda n: n * n, range(7))) == [n * n for n in range(7)]
    with pytest.raises(ZeroDivisionError):
        list(prepared_ahead(lambda n: 1 // n, [1, 0]))
