"""The cache agrees with the dataset, and unusable data are reported in one line."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ring_dataset import TINY, ring_case, write_rings

from LaMoDCore.cli import main
from LaMoDCore.io.dataset.folder import write_dataset_case
from LaMoDCore.training.data.cache import TrainingCache, _ArrayFile, open_cache, open_finished_cache
from LaMoDCore.training.data.loading import epoch_batches, prepared_ahead
from LaMoDCore.training.run.watch import read_run


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


def left_out(data: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What a training states of the case that it leaves out."""
    config = out.with_suffix(".json")
    config.write_text(json.dumps(replace(TINY, registration_epochs=0, joint_epochs=0).to_dict()))
    words = ["train", "--data", str(data), "--out", str(out), "--config", str(config), "--device", "cpu"]
    assert main([*words, "--progress", "none"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("left out")]
    return line


def test_unusable_cases_are_left_out_and_mixed_splits_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_rings(tmp_path / "data", 2, 1)
    case = ring_case("s1", 0.2)
    assert case.displacement_mm is not None
    spoiled = case.displacement_mm.copy()
    spoiled[3][np.isfinite(spoiled[3])] = np.inf
    write_dataset_case(data, replace(case, displacement_mm=spoiled))
    line = left_out(data, tmp_path / "run-1", capsys)
    assert "s1-mid" in line and "not finite" in line
    (data / "cases" / "s1-mid" / "masks.seq.nrrd").unlink()
    assert "masks.seq.nrrd" in left_out(data, tmp_path / "run-2", capsys)

    index = json.loads((data / "dataset.json").read_text())
    index["cases"][2]["subject"] = "s0"
    (data / "dataset.json").write_text(json.dumps(index))
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "run-3"), "--preset", "smoke"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "s0 is in train and val" in line


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


def test_an_array_file_is_written_in_any_order(tmp_path: Path) -> None:
    rows = np.arange(24, dtype=np.float16).reshape(4, 2, 3)
    file = _ArrayFile(tmp_path / "a.npy", rows.shape, np.float16)
    for number in (2, 0, 1):
        file.write(number, rows[number])
    file.close()
    found = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert np.array_equal(found[:3], rows[:3]) and not found[3].any() and found.dtype == np.float16


@pytest.mark.parametrize("how", ["predicted", "real"])
def test_a_full_disk_during_the_preparation_is_one_line(
    how: str, tmp_path: Path, rings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real: a file system of 2 MB. Memory-mapped files, as in version 1, end the process by SIGBUS there."""
    disk, free = tmp_path / "disk", shutil.disk_usage
    disk.mkdir()
    if how == "real":
        command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("this user cannot mount a file system")
    used = 100_000 if how == "predicted" else 10**12
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free(path)._replace(free=used))
    try:
        words = ["train", "--data", str(rings), "--out", str(disk / "run"), "--preset", "smoke", "--device", "cpu"]
        assert main(words) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "free some space" in error
        assert read_run(disk / "run").state == "failed"
        assert not (disk / "run" / "cache").exists() and not list((disk / "run").glob(".*.tmp-*"))
    finally:
        if how == "real":
            subprocess.run(["umount", str(disk)], check=True)
