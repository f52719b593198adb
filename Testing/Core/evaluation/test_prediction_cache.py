"""Cached predictions are reused, and predicted again when anything that they depend on has changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from annuli_dataset import scaled_truth

from LaMoDCore.evaluation.prediction_cache import SECONDS, cached
from LaMoDCore.evaluation.predictors import Predictor, make_predictors, zero_motion
from LaMoDCore.evaluation.prefetch import prefetch
from LaMoDCore.evaluation.run import evaluate, load_truths
from LaMoDCore.heart.case import Motion, SliceMotion
from LaMoDCore.prediction.samples import MotionSamples


@pytest.fixture()
def case(index):
    return load_truths(index, next(e for e in index if e.id == "s1-dense"))[0]


class Counted:
    """A method that counts its calls."""

    def __init__(self, samples=1):
        self.truth = scaled_truth("nine tenths", 0.9, spread=0.1, samples=samples)
        self.asked = 0

    def __call__(self, case):
        self.asked += 1
        return self.truth.predict(case)


def test_a_cached_prediction_is_reused(case, tmp_path):
    method = Counted()
    keeping = cached(Predictor("mine", method, "mine 1"), tmp_path)
    first, second = keeping.predict(case), keeping.predict(case)
    assert method.asked == 1
    wall = case.slices[0].myocardium[0]
    difference = first.slices[0].displacement_mm - second.slices[0].displacement_mm
    assert np.abs(difference[:, :, wall]).max() < 1e-3
    assert np.abs(second.slices[0].displacement_mm[:, :, wall]).max() > 3
    assert second.provenance[SECONDS] == pytest.approx(first.provenance[SECONDS], abs=1e-6)
    assert second.slices[0].samples_mm is None


def test_samples_are_cached(case, tmp_path):
    keeping = cached(Predictor("mine", Counted(samples=3), "mine 3"), tmp_path)
    first, second = keeping.predict(case), keeping.predict(case)
    wall = case.slices[0].myocardium[0]
    assert second.slices[0].samples_mm.shape == first.slices[0].samples_mm.shape
    difference = first.slices[0].samples_mm - second.slices[0].samples_mm
    assert np.abs(difference[..., wall]).max() < 1e-3


def test_lazily_computed_samples_are_cached(case, tmp_path):
    slice_ = case.slices[0]
    basis = slice_.myocardium[0][None].astype(np.float32)[:, slice_.myocardium[0]]
    lazy = MotionSamples(
        displacement_mm=np.zeros((slice_.frames, 2, *slice_.grid.shape), dtype=np.float32),
        coefficients=np.full((3, slice_.frames, 1), 0.1j, dtype=np.complex64),
        basis=basis,
        pixels=slice_.myocardium[0],
        positions=np.full(basis.shape[1], 20.0 + 0j),
        center=np.zeros((slice_.frames, 1), dtype=np.complex64),
        to_canonical=np.eye(2),
    )
    motion = Motion((SliceMotion(lazy.displacement_mm, lazy),), {})
    keeping = cached(Predictor("mine", lambda _: motion, "mine"), tmp_path)
    keeping.predict(case)
    found = keeping.predict(case).slices[0].samples_mm
    assert isinstance(found, np.ndarray) and found.shape == lazy.shape
    assert np.abs(found - np.asarray(lazy)).max() < 1e-3 and np.abs(found).max() > 1.9


def test_other_masks_or_methods_are_predicted_again(case, tmp_path):
    method = Counted()
    keeping = cached(Predictor("mine", method, "mine 1"), tmp_path)
    keeping.predict(case)
    masks = case.slices[0].myocardium.copy()
    masks[3] = np.roll(masks[3], 1, axis=0)
    keeping.predict(replace(case, slices=(replace(case.slices[0], myocardium=masks),)))
    assert method.asked == 2
    cached(Predictor("mine", method, "mine 2"), tmp_path).predict(case)
    assert method.asked == 3
    other = {"mid": "apex", "base": "mid", "apex": "base"}[case.slices[0].level]
    for changes in ({"contour_convention": "tissue"}, {"level": other, "level_known": True}):
        before = method.asked
        keeping.predict(replace(case, slices=(replace(case.slices[0], **changes),)))
        assert method.asked == before + 1


def test_a_damaged_file_is_replaced(case, tmp_path):
    method = Counted()
    keeping = cached(Predictor("mine", method, "mine 1"), tmp_path)
    keeping.predict(case)
    next(tmp_path.glob("*.npz")).write_bytes(b"PK")
    keeping.predict(case)
    assert method.asked == 2


def test_a_method_without_identity_is_not_cached(case, tmp_path):
    cached(Predictor("zero", zero_motion), tmp_path).predict(case)
    assert not list(tmp_path.iterdir())


def test_several_processes_fill_the_cache(index, tmp_path):
    entries = list(index)[:2]
    prefetch(index, entries, ["zero", "itk-demons"], tmp_path, device="cpu", samples=None, seed=0, workers=2)
    files = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.npz")}
    assert len(files) == 2
    (method,) = make_predictors(["itk-demons"], device="cpu", samples=None, seed=0)
    for entry in entries:
        cached(method, tmp_path).predict(load_truths(index, entry)[0])
    assert {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.npz")} == files


def test_the_cache_does_not_change_the_tables(index, tmp_path):
    plain = Predictor("mine", Counted(), "mine 1")
    keeping = cached(plain, tmp_path)
    evaluate(index, [keeping], limit=2)
    again, fresh = evaluate(index, [keeping], limit=2), evaluate(index, [plain], limit=2)
    for ours, theirs in zip(again.cases, fresh.cases, strict=True):
        assert ours.ecc_error == pytest.approx(theirs.ecc_error, abs=2e-4)
        assert ours.epe_mm == pytest.approx(theirs.epe_mm, abs=1e-3, nan_ok=True)
