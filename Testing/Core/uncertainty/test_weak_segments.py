"""Wider intervals of segments that contract less than their wall."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from turning_ring import one_slice_case

from LaMoDCore import predict_strain
from LaMoDCore.models.folder import load_model
from LaMoDCore.training.posterior.train import PosteriorConfig, weak_segment_subjects, wider_subjects
from LaMoDCore.uncertainty.calibration import Calibration, QuantityScale, fit_quantity
from LaMoDCore.uncertainty.weak_segments import SEGMENT_ECC, fit_weak_segments, weakness

PHASES = np.arange(20) / 20
Slices = tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]


def hearts(count: int, k: float, seed: int, weak_share: float = 0.3) -> Slices:
    """|error|, spread and weakness [T, S]: errors have the SD √(spread² + (k · weakness)²)."""
    rng = np.random.default_rng(seed)
    errors, spreads, weak = [], [], []
    for _ in range(count):
        spread = 0.01 * np.sin(np.pi * PHASES)[:, None] * np.ones((1, 6))
        x = 0.15 * np.sin(np.pi * PHASES)[:, None] * (rng.random(6) < weak_share)
        errors.append(np.abs(rng.standard_normal(x.shape) * np.hypot(spread, k * x)))
        spreads.append(spread)
        weak.append(x)
    return errors, spreads, weak


def test_weakness_is_what_a_segment_lacks_of_the_mean_shortening() -> None:
    ecc = np.array([[-0.2, 0.0], [-0.2, 0.0], [0.1, 0.0], [np.nan, 0.3]])
    np.testing.assert_allclose(weakness(ecc), [[0, 0], [0, 0], [0.2, 0], [0, 0.225]], atol=1e-12)
    assert (weakness(np.full((4, 2), np.nan)) == 0).all()


@pytest.mark.parametrize("factor", [1.0, 1.6])
@pytest.mark.parametrize("k", [0.0, 0.4])
def test_the_term_is_found_also_where_all_errors_are_larger(k: float, factor: float) -> None:
    errors, spreads, weak = hearts(100, k, 0)
    errors[0][:, 0] = np.nan
    found = fit_weak_segments([factor * e for e in errors], spreads, weak, Calibration())
    assert found == pytest.approx(factor * k, abs=0.06)


def test_intervals_hold_in_weak_segments_and_do_not_widen_in_the_others() -> None:
    errors, spreads, weak = hearts(150, 0.4, 1, weak_share=0.1)
    extra = [(0.4 * x) ** 2 for x in weak]
    phases = [PHASES] * len(errors)
    scales = {
        "without": fit_quantity(errors, spreads, phases),
        "with": fit_quantity(errors, spreads, phases, extra=extra),
    }
    held, width = {}, {}
    new, new_spreads, new_weak = hearts(60, 0.4, 2, weak_share=0.5)
    for name, scale in scales.items():
        calibration = Calibration(quantities={SEGMENT_ECC: scale})
        inside, usual = [], []
        for error, spread, x in zip(new, new_spreads, new_weak, strict=True):
            more = (0.4 * x) ** 2 if name == "with" else None
            half = calibration.half_width * calibration.deviation(SEGMENT_ECC, spread, PHASES, more)
            inside.append((error <= half)[x > 0.01])
            usual.append(half[5][x[5] == 0])
        held[name], width[name] = np.concatenate(inside).mean(), np.concatenate(usual).mean()
    assert held["without"] < 0.75 and 0.85 < held["with"] < 0.95
    assert width["with"] < width["without"]


def test_only_a_calibration_with_the_term_stores_it() -> None:
    plain = Calibration(quantities={SEGMENT_ECC: QuantityScale((1.0,) * 5, 0.003)})
    assert "weak_segments" not in plain.to_dict()
    wider = replace(plain, weak_segments={SEGMENT_ECC: 0.3})
    assert Calibration.from_dict(json.loads(json.dumps(wider.to_dict()))) == wider


def test_a_prediction_widens_the_ecc_of_weak_segments_only(calibrated_folder: Path) -> None:
    model = load_model(calibrated_folder)
    stored = {**model.description["uncertainty"], "weak_segments": {SEGMENT_ECC: 0.5}}
    wider = type(model)(model.name, model.network, model.weights_sha256, {"uncertainty": stored})
    before, after = (predict_strain(one_slice_case(), each) for each in (model, wider))
    own, new = before.slices[0], after.slices[0]
    x = weakness(own.segment_curves["ecc"])
    assert (x > 1e-4).any() and (x[:, 1:] == 0).any()
    np.testing.assert_allclose(
        new.segment_curves_std["ecc"], np.hypot(own.segment_curves_std["ecc"], 0.5 * x), rtol=1e-6
    )
    np.testing.assert_array_equal(new.segment_curves_std["err"], own.segment_curves_std["err"])
    np.testing.assert_array_equal(new.segment_curves["ecc"], own.segment_curves["ecc"])
    assert after.summary["uncertainty"]["weak_segments"] == {SEGMENT_ECC: 0.5}
    assert "weak_segments" not in before.summary["uncertainty"]


def test_the_subjects_of_the_term_are_new_to_the_posterior() -> None:
    config = PosteriorConfig(randomised=400, randomised_slices=(12, 8), weak_segment_slices=10)
    used, chosen = wider_subjects(config), weak_segment_subjects(config)
    assert used is not None and len(chosen) == 3 and min(chosen) >= 380
    assert not set(chosen) & {number for group in used for number in group}
    assert weak_segment_subjects(replace(config, weak_segment_slices=0)) == []
