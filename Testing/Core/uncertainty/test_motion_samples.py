"""Samples around the prediction: their mean, invariance to rotation, planes seen from both sides, memory."""

from __future__ import annotations

import numpy as np
import pytest
from turning_ring import one_slice_case, ring_slice, turning_model

from LaMoDCore import predict_strain
from LaMoDCore.heart.case import Case
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.prediction.samples import MotionSamples
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain.frame import ventricle_center
from LaMoDCore.strain.indices import rotation_degrees


def test_answer_does_not_depend_on_the_samples(turning: LoadedModel) -> None:
    case = one_slice_case()
    alone = predict_strain(case, turning, diffusion=False)
    one = predict_strain(case, turning, samples=1)
    many = predict_strain(case, turning, samples=5)
    for other in (one, many):
        np.testing.assert_array_equal(other.slices[0].displacement_mm, alone.slices[0].displacement_mm)
        np.testing.assert_array_equal(other.slices[0].fields["ecc"], alone.slices[0].fields["ecc"])
    assert not one.slices[0].fields_std and many.slices[0].fields_std["ecc"].shape == (12, 76, 88)


def test_samples_surround_the_answer_and_rest_at_end_diastole(turning: LoadedModel) -> None:
    samples = predict_strain(one_slice_case(), turning, samples=6).motion.slices[0].samples_mm
    assert isinstance(samples, MotionSamples) and len(samples) == 6 and samples.shape == (6, 12, 2, 76, 88)
    whole = np.asarray(samples)
    assert np.isfinite(whole).all() and (whole[:, 0] == 0).all()
    np.testing.assert_allclose(samples[:, 4], whole[:, 4], atol=1e-5)
    np.testing.assert_array_equal(samples[2], whole[2])
    spread = whole.std(axis=0)
    away = np.abs(whole.mean(axis=0) - samples.displacement_mm)
    assert spread[6].max() > 1.0
    assert away[6].max() < 0.25 * spread[6].max()  # the remainder is the curvature of the arc of a rotation


def test_turning_the_ring_leaves_its_strain_alone(turning: LoadedModel) -> None:
    model = turning_model()
    assert model.motion_latent is not None
    model.motion_latent.modes[1:] = 0.0
    only_turns = LoadedModel("turns", model.eval().requires_grad_(False), "", {})
    result = predict_strain(one_slice_case(), only_turns, samples=6)
    strain = result.slices[0]
    wall = strain.myocardium
    moved = np.linalg.norm(strain.fields_std["displacement_mm"][6][:, wall], axis=0).mean()
    assert moved > 1.0
    assert np.nanmax(strain.fields_std["ecc"][6][wall]) < 2e-3


@pytest.mark.parametrize("flip", [False, True])
def test_a_positive_angle_turns_counter_clockwise_seen_from_the_apex(flip: bool) -> None:
    model = turning_model()
    assert model.motion_latent is not None
    model.motion_latent.modes[1:] = 0.0
    slice_ = ring_slice(flip=flip, turned=0.7)
    case = Case((slice_,))
    samples = predict_strain(case, LoadedModel("turns", model.eval(), "", {}), samples=2).motion.slices[0].samples_mm
    assert isinstance(samples, MotionSamples)
    wall = slice_.myocardium[0]
    for number in range(2):
        angle = np.degrees(samples.coefficients[number, 6, 0].imag)
        turn = rotation_degrees(samples[number], wall, slice_.grid, ventricle_center(wall))[6]
        answer = rotation_degrees(samples.displacement_mm, wall, slice_.grid, ventricle_center(wall))[6]
        assert turn - answer == pytest.approx(angle, abs=0.1) and abs(angle) > 1


def test_same_seed_same_samples(turning: LoadedModel) -> None:
    first, again, other = (
        np.asarray(predict_strain(one_slice_case(), turning, samples=3, seed=s).motion.slices[0].samples_mm)
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_what_cannot_be_sampled_is_said(turning: LoadedModel) -> None:
    case = one_slice_case()
    with pytest.raises(LaMoDInputError, match="starts from pure noise"):
        predict_strain(case, turning, start=10)
    model = turning_model()
    model.motion_latent = None
    with pytest.raises(LaMoDInputError, match="no motion latent"):
        predict_strain(case, LoadedModel("bare", model.eval(), "", {}))
