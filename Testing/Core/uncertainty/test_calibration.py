"""Coverage of calibrated intervals, and their values in the files of a result."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from turning_ring import one_slice_case

from LaMoDCore import predict_strain
from LaMoDCore.io import write_result
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex
from LaMoDCore.models.folder import load_model
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.report.wording import definition_lines
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.posterior.held_out import calibration_entries
from LaMoDCore.uncertainty.calibration import Calibration, QuantityScale, fit_quantity, rise, scale_at
from LaMoDCore.uncertainty.intervals import calibration_of

PHASES = np.arange(40) / 40


def simulated(count: int, honesty: float, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Errors whose true SD is `honesty` times the spread of the samples and differs between slices."""
    rng = np.random.default_rng(seed)
    errors, spreads = [], []
    for _ in range(count):
        truth = rng.uniform(0.01, 0.05) * np.sin(np.pi * PHASES)[:, None] * np.ones((1, 6))
        shown = truth / honesty * np.sqrt(rng.chisquare(7, truth.shape) / 7)
        errors.append(np.abs(rng.standard_normal(truth.shape) * truth))
        spreads.append(shown)
    return errors, spreads, [PHASES] * count


@pytest.mark.parametrize("honesty", [0.6, 1.0, 2.5])
def test_intervals_hold_nine_truths_in_ten_on_new_slices(honesty: float) -> None:
    calibration = Calibration(quantities={"ecc": fit_quantity(*simulated(150, honesty))})
    held = []
    for error, spread, phases in zip(*simulated(150, honesty, seed=1), strict=True):
        deviation = calibration.deviation("ecc", spread, phases)
        held.append((error <= calibration.half_width * deviation)[1:].mean())
    assert 0.87 < np.mean(held) < 0.94


def test_intervals_have_no_width_at_end_diastole() -> None:
    scale = QuantityScale((1.0,) * 5, 0.01)
    calibration = Calibration(quantities={"ecc": scale})
    deviation = calibration.deviation("ecc", np.zeros((40, 3)), PHASES)
    assert (deviation[0] == 0).all() and np.allclose(deviation[5:35], 0.01)
    assert rise(np.array([0.0, 0.05, 0.5, 0.95])) == pytest.approx([0, 0.5, 1, 0.5])


def test_scale_is_periodic_between_the_phases() -> None:
    scales = (1.0, 2.0, 3.0, 2.0, 1.0)
    assert scale_at(scales, np.array([0.1, 0.5, 0.9, 0.0])) == pytest.approx([1, 3, 1, 1])


def test_calibration_survives_json() -> None:
    calibration = Calibration(samples=4, quantities={"ecc": QuantityScale((1.0, 1.1, 1.2, 1.3, 1.4), 0.003)})
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration
    with pytest.raises(ValueError, match="must have 5 scales"):
        Calibration.from_dict({"confidence": 0.9, "samples": 8, "quantities": {"ecc": {"scales": [1], "floor": 0}}})


def test_a_calibration_of_version_1_keeps_the_width_of_its_intervals() -> None:
    """Its samples were stretched by √(8/7), and its scales fitted to them."""
    calibration = Calibration(samples=8, quantities={"ecc": QuantityScale((1.0,) * 5, 0.003)})
    stored = calibration.to_dict()
    del stored["spread"]
    read = Calibration.from_dict(stored)
    assert read.quantities["ecc"].scales == pytest.approx((np.sqrt(8 / 7),) * 5)
    assert Calibration.from_dict(read.to_dict()) == read


def test_result_files_hold_intervals_and_the_flag(calibrated_folder: Path, tmp_path: Path) -> None:
    result = predict_strain(one_slice_case(), calibrated_folder)
    raw = predict_strain(one_slice_case(), calibrated_folder, samples=1)
    write_result(result, tmp_path / "out", report=False)
    about = json.loads((tmp_path / "out" / "strain.json").read_text(encoding="utf-8"))
    flag = about["slices"][0]["unlike_training"]
    assert sorted(flag) == ["flagged", "limit", "reasons", "remedy", "score", "sentence"]
    assert flag["flagged"] and flag["score"] > flag["limit"] and "unlike the training data" in flag["sentence"]
    assert ("unlike_training", flag["sentence"]) in [(note["code"], note["text"]) for note in about["notes"]]
    uncertainty = about["uncertainty"]
    assert uncertainty["confidence"] == 0.9 and uncertainty["calibrated"] and uncertainty["samples"] == 4
    assert uncertainty["rotation"].startswith("inferred, not measured") and "ecc" in uncertainty["scales"]
    with (tmp_path / "out" / "segments.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        value, low, high, sd = (float(row[key]) for key in ("ecc", "ecc_low", "ecc_high", "ecc_std"))
        assert low <= value <= high and high - low == pytest.approx(2 * 1.64485 * sd, abs=2e-5)
    with np.load(tmp_path / "out" / "motion.npz") as arrays:
        wall = arrays["myocardium"][0]
        assert np.isfinite(arrays["ecc_std"][:, 0][:, wall]).all() and "displacement_mm_std" in arrays
    assert any("90 % intervals from 4 samples" in line for line in definition_lines(result))
    assert raw.summary["uncertainty"]["calibrated"] is False and "scales" not in raw.summary["uncertainty"]


def test_calibrated_spread_is_the_scaled_spread(calibrated_folder: Path) -> None:
    model = load_model(calibrated_folder)
    bare = type(model)(model.name, model.network, model.weights_sha256, {})
    case = one_slice_case()
    scaled = predict_strain(case, model).slices[0].segment_curves_std["ecc"]
    plain = predict_strain(case, bare).slices[0].segment_curves_std["ecc"]
    phases = np.arange(12) / 12
    expected = np.hypot(scale_at((1.0, 1.5, 2.0, 1.5, 1.0), phases) * plain, 0.002 * rise(phases))
    np.testing.assert_allclose(scaled, expected, rtol=1e-6)


def test_a_damaged_calibration_is_refused(calibrated_folder: Path) -> None:
    model = load_model(calibrated_folder)
    broken = type(model)(model.name, model.network, model.weights_sha256, {"uncertainty": {"confidence": 0.9}})
    with pytest.raises(LaMoDInputError, match="calibration of the uncertainty is damaged"):
        predict_strain(one_slice_case(), broken)


def test_calibration_and_selection_use_different_subjects(tmp_path: Path) -> None:
    entries = [
        DatasetEntry(f"s{k}-{plane}", f"s{k}", "A", "val" if k < 5 else "train", "dense", "", "mid")
        for k in range(7)
        for plane in ("base", "mid")
    ]
    index = DatasetIndex(tmp_path, tuple(entries), {})
    chosen = calibration_entries(index, {"s3-mid"})
    assert [entries[k].id for k in chosen] == ["s1-base", "s1-mid", "s3-base"]
    fewer = DatasetIndex(tmp_path, tuple(entry for entry in entries if entry.subject in ("s0", "s1", "s2", "s6")), {})
    assert calibration_entries(fewer, {}) == []


def test_intervals_are_computed_from_at_least_as_many_samples_as_the_calibration(calibrated_folder: Path) -> None:
    model = load_model(calibrated_folder)
    fitted = calibration_of(model.description, model.name)
    assert fitted is not None and fitted.samples == 4
    assert [resolve_options(model, samples=count).samples for count in (1, 3, 4, 9)] == [1, 4, 4, 9]


def test_independent_samples_are_not_centred_and_leave_the_prediction_alone(calibrated_folder: Path) -> None:
    case, model = one_slice_case(), load_model(calibrated_folder)
    balanced = predict_strain(case, model, samples=9).motion.slices[0]
    independent = predict_strain(case, model, samples=9, independent_samples=True).motion.slices[0]
    np.testing.assert_array_equal(balanced.displacement_mm, independent.displacement_mm)
    means = [np.asarray(motion.samples_mm[:, 5]).mean(axis=0) for motion in (balanced, independent)]
    near, far = (float(np.abs(mean - balanced.displacement_mm[5]).max()) for mean in means)
    assert far > 3 * near
