"""Real DENSE data: a Bloch-simulated annulus with its truth, and an in-vivo swine heart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.dense import analyse_dense, read_dense
from LaMoDCore.dense.segmentation import guess_ring
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.strain import compute_strain

DATA = Path(__file__).resolve().parents[3] / "../shared/data"
SIMULATED = DATA / "dense_sim/phantom_subject_1"
SWINE = DATA / "dense_swine/template.dns"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not there")


@needs_data
def test_bloch_simulated_annulus_against_its_stored_truth(tmp_path: Path) -> None:
    names = {name: str(SIMULATED / f"{name}.npy") for name in ("magnitude", "phase_x", "phase_y")}
    settings = {
        **names,
        "mask": str(SIMULATED / "LV_mask_time_lowres.npy"),
        "ke_cycles_per_mm": 0.1,
        "spacing_mm": [1.75, 1.75],
        "frame_times_ms": (22.5 + 15 * np.arange(40)).tolist(),
        "rr_ms": 1000,
    }
    (tmp_path / "dense.json").write_text(json.dumps(settings), encoding="utf-8")
    motion = analyse_dense(read_dense(tmp_path)[0])
    truth = np.load(SIMULATED / "GT_Ecc.npy")
    end_systole = int(np.argmin(np.nanmean(truth, axis=(1, 2))))
    moved = motion.displacement_mm[1:][[end_systole]]
    strain = compute_strain(moved, motion.myocardium[0], (1.75, 1.75))
    error = (strain.ecc[0] - truth[end_systole])[motion.myocardium[0]]
    assert np.isfinite(error).mean() > 0.99
    assert np.nanmean(np.abs(error)) <= 0.015
    assert abs(np.nanmean(error)) <= 0.005
    assert max(q.wrapped for q in motion.quality) > 0.3


@needs_data
def test_workspace_and_arrays_of_one_scan_agree() -> None:
    (images,) = read_dense(SIMULATED / "workspace.dns")
    for c, name in enumerate(("phase_x", "phase_y")):
        miss = np.angle(np.exp(1j * (images.phase[:, c] - np.load(SIMULATED / f"{name}.npy"))))
        assert np.abs(miss).max() < 1.01 * 2 * np.pi / 4095, "not more than a step of 12 bits"
    assert np.array_equal(images.myocardium, np.load(SIMULATED / "LV_mask_time_lowres.npy")[1:])
    assert images.ke == (pytest.approx(0.1), pytest.approx(0.1))


@needs_data
def test_swine_heart_with_a_segmented_wall(tmp_path: Path) -> None:
    out = tmp_path / "swine"
    command = ["dense", str(SWINE), "--segment", "--rr-ms", "700", "--out", str(out), "--progress", "none"]
    assert main(command) == 0
    (entry,) = DatasetIndex.load(out).entries
    case = read_dataset_case(out, entry.id, pictures=True)
    wall = case.masks[0, 0]
    in_plane = case.grid.vectors_from_lps(case.displacement_mm[:, 0]).astype(np.float32)
    displacement = np.moveaxis(in_plane, -1, 1)
    strain = compute_strain(displacement, wall, case.grid.spacing_mm)
    ecc, err = (np.nanmedian(f[:, wall], axis=1) for f in (strain.ecc, strain.err))
    length = np.linalg.norm(displacement[:, :, wall], axis=1).mean(axis=1)
    assert ecc.min() == pytest.approx(-0.12, abs=0.025)
    assert err.max() == pytest.approx(0.31, abs=0.1)
    assert length.max() == pytest.approx(4.0, abs=0.6)
    assert 12 < np.argmin(ecc) < 32
    assert case.details["covers_ms"] == [0, 525]
    assert (case.frame_times_ms < 700).all()
    smooth = np.abs(np.diff(displacement, n=2, axis=0))[:, :, wall]
    assert np.nanpercentile(smooth, 99) < 0.4, "no jumps in time"
    for file in ("quality.csv", "dense.png", "cine.seq.nrrd"):
        assert (out / "cases" / entry.id / file).stat().st_size > 500


@needs_data
def test_segmented_ring_of_the_annulus_is_its_mask() -> None:
    (images,) = read_dense(SIMULATED / "workspace.dns")
    some = slice(8, 40, 8)
    guess = guess_ring(images.magnitude[some], images.grid.spacing_mm)
    drawn = images.myocardium[some]
    dice = 2 * (guess.masks & drawn).sum() / (guess.masks.sum() + drawn.sum())
    assert dice > 0.88


@needs_data
def test_a_workspace_without_contours_is_refused_with_a_remedy() -> None:
    (images,) = read_dense(SWINE)
    assert images.myocardium is None
    with pytest.raises(ValueError, match="myocardium"):
        replace(images, myocardium=np.ones((3, 128, 128), bool))
