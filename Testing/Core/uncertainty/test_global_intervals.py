"""Intervals of GCS and GRS: from the samples' global curves, their calibration, files, report and terminal."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from turning_ring import one_slice_case, ring_slice

from LaMoDCore import predict_strain
from LaMoDCore.cli.shared.answer import answer_line
from LaMoDCore.heart.case import Case, SliceMotion, StrainResult
from LaMoDCore.io import read_result, write_result
from LaMoDCore.io.results.global_interval import GlobalInterval, global_interval
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.report.numbers import interval_text, table_rows
from LaMoDCore.strain import slice_strain
from LaMoDCore.strain.curves import heart_cycle, peak
from LaMoDCore.strain.global_strain import GLOBAL_NUMBERS
from LaMoDCore.training.posterior.held_out_hearts import (
    HeldOutGlobal,
    PredictedSlice,
    fit_global_numbers,
    slices_and_heart,
)
from LaMoDCore.uncertainty.calibration import Calibration, GlobalScale, fit_global

SCALES = {name: GlobalScale(1.3, 0.004) for name in GLOBAL_NUMBERS}


@pytest.fixture(scope="module")
def model(calibrated_folder: Path) -> LoadedModel:
    """A model whose global strain is calibrated."""
    loaded = load_model(calibrated_folder)
    description = copy.deepcopy(dict(loaded.description))
    stored = Calibration.from_dict(description["uncertainty"])
    description["uncertainty"] = replace(stored, global_numbers=SCALES).to_dict()
    return replace(loaded, description=description)


@pytest.fixture(scope="module")
def case() -> Case:
    """Two slices of different size."""
    slices = (ring_slice(), replace(ring_slice(inner=18.0), name="small"))
    grid = slices[1].grid
    moved = grid.ijk_to_lps.copy()
    moved[:3, 3] += grid.normal * 10
    return Case((slices[0], replace(slices[1], grid=replace(grid, ijk_to_lps=moved))))


@pytest.fixture(scope="module")
def result(model: LoadedModel, case: Case) -> StrainResult:
    return predict_strain(case, model)


def test_intervals_come_from_the_global_curves_of_each_sample(result: StrainResult, case: Case) -> None:
    """The slow way: the strain of every sample as if it were a prediction, slices averaged by area."""
    areas = [s.myocardium.sum() for s in result.slices]
    course = heart_cycle(case, result.es_frame)
    peaks = {"gcs_peak": [], "grs_peak": []}
    for n in range(4):
        curves = {"ecc": [], "err": []}
        for slice_, motion in zip(case.slices, result.motion.slices, strict=True):
            strain = slice_strain(slice_, SliceMotion(np.asarray(motion.samples_mm[n])), 0)
            for name, values in curves.items():
                values.append(strain.global_curves[name])
        means = {name: np.average(values, axis=0, weights=areas) for name, values in curves.items()}
        peaks["gcs_peak"].append(peak(means["ecc"], course).value)
        peaks["grs_peak"].append(peak(means["err"], course, "thickening").value)
    for name, values in peaks.items():
        value, found = result.summary["global"][name], global_interval(result.summary["global"], name)
        half = 1.6448536 * np.hypot(1.3 * np.std(values, ddof=1), 0.004)
        assert found is not None and not found.is_bound
        assert (found.low, found.high) == pytest.approx((value - half, value + half), abs=2e-6)


def test_plain_numbers_are_those_without_intervals(result: StrainResult, case: Case, model: LoadedModel) -> None:
    alone = predict_strain(case, replace(model, description={}))
    values = dict(result.summary["global"])
    assert values.pop("intervals")["basis"] == "calibrated"
    assert values == alone.summary["global"]
    assert "intervals" not in alone.summary["slices"][0]["global"]


def test_every_slice_has_its_own_intervals(result: StrainResult) -> None:
    for part in result.summary["slices"]:
        for name in GLOBAL_NUMBERS:
            low, high = part["global"]["intervals"][name]
            assert low < part["global"][name] < high


def test_one_sample_has_no_interval(case: Case, model: LoadedModel) -> None:
    alone = predict_strain(case, model, samples=1)
    assert "intervals" not in alone.summary["global"] and interval_text(alone.summary, "gcs_peak") == ""
    assert all("90 %" not in row.definition for row in table_rows(alone))
    assert "90 %" not in answer_line(alone.summary)


def test_a_model_without_this_calibration_gets_the_bound_by_the_segments(
    calibrated_folder: Path, result: StrainResult, case: Case, tmp_path: Path
) -> None:
    older = predict_strain(case, calibrated_folder)
    values = older.summary["global"]
    found = global_interval(values, "gcs_peak")
    assert found is not None and found.is_bound
    halves, pixels = [], []
    for strain in older.slices:
        halves += list(1.6448536 * strain.segment_curves_std["ecc"][:, values["gcs_peak_frame"]])
        pixels += [int((strain.segment == s + 1).sum()) for s in range(len(strain.segment_names))]
    assert found.high - values["gcs_peak"] == pytest.approx(np.average(halves, weights=pixels), rel=1e-5)
    assert interval_text(older.summary, "gcs_peak").startswith("90 % at most: ")
    # a result of a version that stored no interval: the same bound from the table of segments
    bare = {name: value for name, value in values.items() if name != "intervals"}
    write_result(replace(older, summary={**older.summary, "global": bare}), tmp_path / "older", report=False)
    read = read_result(tmp_path / "older").global_interval("gcs_peak")
    assert read is not None and read.is_bound
    assert (read.low, read.high) == pytest.approx((found.low, found.high), abs=2e-6)


def test_files_report_and_terminal_show_the_same_interval(result: StrainResult, tmp_path: Path) -> None:
    write_result(result, tmp_path / "result", report=False)
    stored = json.loads((tmp_path / "result" / "strain.json").read_text(encoding="utf-8"))["global"]["intervals"]
    read = read_result(tmp_path / "result").global_interval("gcs_peak")
    assert read == GlobalInterval(*stored["gcs_peak"])
    text = interval_text(result.summary, "gcs_peak")
    assert text == f"90 %: {100 * read.low:+.1f} … {100 * read.high:+.1f}".replace("-", "−")
    rows = {row.name: row.definition for row in table_rows(result)}
    assert rows["GCS, peak"].endswith(text)
    line = answer_line(result.summary)
    assert line.startswith("GCS ") and f"({text})" in line and ", GRS " in line


def test_the_fitted_width_holds_nine_truths_in_ten_on_new_hearts() -> None:
    rng = np.random.default_rng(0)
    for honesty in (0.5, 1.0, 2.0):
        spread = rng.uniform(0.005, 0.02, 4000)
        error = np.abs(rng.standard_normal(4000) * honesty * spread)
        scale = fit_global(error[:2000], spread[:2000])
        calibration = Calibration(global_numbers={"gcs_peak": scale})
        half = [calibration.half_width * calibration.global_deviation("gcs_peak", s) for s in spread[2000:]]
        assert 0.88 < np.mean(error[2000:] <= half) < 0.925


def test_the_calibration_of_global_strain_is_optional_in_files() -> None:
    calibration = Calibration(samples=4, global_numbers=SCALES)
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration
    assert "global_numbers" not in Calibration(samples=4).to_dict()
    assert fit_global_numbers([]) == {}


def test_held_out_hearts_compare_slices_and_their_mean(result: StrainResult, case: Case) -> None:
    """The truth of this test is the prediction with half of the motion."""
    parts = []
    for slice_, motion, strain in zip(case.slices, result.motion.slices, result.slices, strict=True):
        true = slice_strain(slice_, SliceMotion(0.5 * motion.displacement_mm), 0)
        parts.append(PredictedSlice(None, 0, slice_, strain, slice_, true))  # type: ignore[arg-type]
    entry = type("Entry", (), {"subject": "s1", "disease": "healthy"})()
    found = slices_and_heart([replace(part, entry=entry) for part in parts])
    assert [each.slices for each in found] == [1, 1, 2]
    areas = [s.myocardium.sum() for s in result.slices]
    true_curve = np.average([part.true_strain.global_curves["ecc"] for part in parts], axis=0, weights=areas)
    error = result.summary["global"]["gcs_peak"] - true_curve.min()
    assert found[2].error["gcs_peak"] == pytest.approx(error, abs=1e-6)
    low, high = result.summary["global"]["intervals"]["gcs_peak"]
    deviation = np.hypot(1.3 * found[2].spread["gcs_peak"], 0.004)
    assert high - low == pytest.approx(2 * 1.6448536 * deviation, rel=1e-4)
    assert set(fit_global_numbers(found)) == set(GLOBAL_NUMBERS)
    assert isinstance(found[0], HeldOutGlobal)


def test_one_slice_is_a_heart_of_one_slice(model: LoadedModel) -> None:
    one = predict_strain(one_slice_case(), model)
    whole, alone = (part["intervals"] for part in (one.summary["global"], one.summary["slices"][0]["global"]))
    assert whole.keys() == alone.keys()
    for name, interval in whole.items():
        assert interval == (alone[name] if isinstance(interval, str) else pytest.approx(alone[name], rel=1e-12)), name
