"""Motion from contours alone: curves, rotations, and the training of the network."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

import numpy as np
import pytest
import torch
from stage_training import train_stage

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.ring.motion_basis import TERMS, RingCoordinates, ring_basis
from LaMoDCore.networks.contour_motion import (
    ContourMotion,
    ContourMotionConfig,
    contour_numbers,
    contour_roughness,
    own_motion,
    turned_motion,
    turned_numbers,
)
from LaMoDCore.networks.ring_contours import CONTOUR_ANGLES, RingContours
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.training.posterior.contour_bank import ContourBank, of_phantoms
from LaMoDCore.training.posterior.contour_stage import ContourStage, ContourTraining, JoinedContours

ARRAYS = ("numbers", "motion", "radius", "levels", "conventions", "layer")
ANGLES = 2 * np.pi * np.arange(CONTOUR_ANGLES) / CONTOUR_ANGLES


def ring(frames: int = 3, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    """Endocardium 20 + 2 cos θ, epicardium 30 mm about (x, y), y upwards, antialiased by distance."""
    rows, columns = np.indices((128, 128))
    offset = (columns - 63.5 - x) + 1j * (63.5 - rows - y)
    radius, inner = np.abs(offset), 20 + 2 * np.cos(np.angle(offset))
    one = np.clip(radius - inner + 0.5, 0, 1) * np.clip(30 - radius + 0.5, 0, 1)
    return np.repeat(one[None], frames, axis=0)


def test_curves_of_masks() -> None:
    contours = RingContours.of_masks(ring(x=3.0, y=-5.0))
    assert contours.center == pytest.approx(np.full(3, 3.0 - 5.0j), abs=0.05)
    assert contours.epi == pytest.approx(np.full((3, CONTOUR_ANGLES), 30.0), abs=0.15)
    assert contours.endo[0] == pytest.approx(20 + 2 * np.cos(ANGLES), abs=0.2)
    depth, angle = contours.at(np.array([3.0 - 5.0j + 26j, 3.0 - 5.0j + 22]))
    assert depth == pytest.approx([0.6, 0.0], abs=0.03) and angle == pytest.approx([np.pi / 2, 0], abs=0.01)


def test_gaps_and_frames_without_a_wall_are_interpolated() -> None:
    whole = ring(5)
    torn = whole.copy()
    torn[1] = 0
    rows, columns = np.indices((128, 128))
    torn[3][np.abs(np.arctan2(63.5 - rows, columns - 63.5) - 1.0) < 0.25] = 0
    expected, found = RingContours.of_masks(whole), RingContours.of_masks(torn)
    assert np.abs(found.endo - expected.endo).max() < 2.5 and np.abs(found.epi - expected.epi).max() < 2.5
    nothing = RingContours.of_masks(np.zeros((4, 128, 128)))
    assert (nothing.epi > nothing.endo).all() and np.isfinite(nothing.center).all()


def test_radii_refer_to_the_epicardial_centroid() -> None:
    angles = 2 * np.pi * np.arange(720) / 720
    shift = 3 * np.exp(0.7j)  # a circle of 30 mm about a point off its centre
    radii = {}
    for name, size in (("endo", 20.0), ("epi", 30.0)):
        along = (shift * np.exp(-1j * angles)).real
        radii[name] = np.tile(along + np.sqrt(size**2 - np.abs(shift) ** 2 + along**2), (2, 1))
    contours = RingContours.about_epicardium(np.zeros(2, complex), radii["endo"], radii["epi"])
    assert contours.center == pytest.approx([shift, shift], abs=1e-3)
    assert contours.endo == pytest.approx(np.full((2, CONTOUR_ANGLES), 20.0), abs=1e-3)
    assert contours.epi == pytest.approx(np.full((2, CONTOUR_ANGLES), 30.0), abs=1e-3)


def test_the_roughness_is_that_of_high_harmonics_of_the_angle_and_of_the_cycle() -> None:
    rng = np.random.default_rng(4)
    numbers = rng.standard_normal((3, FRAMES, 19)) + 1j * rng.standard_normal((3, FRAMES, 19))
    expected = []
    for curves in (numbers[..., :9], numbers[..., 9:18]):
        fine = curves[..., 5:] - curves[..., 5:].mean(axis=1, keepdims=True)
        fast = (np.fft.fft(curves[..., :5], axis=1) / FRAMES)[:, 9 : FRAMES - 8]
        squares = (np.abs(fine) ** 2).sum(axis=2).mean(axis=1), (np.abs(fast) ** 2).sum(axis=(1, 2))
        expected += [0.5 * np.log(each + 0.25**2) for each in squares]
    found = contour_roughness(torch.from_numpy(numbers.astype(np.complex64)))
    np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=1e-5)


def test_rotation_of_contours_and_motion() -> None:
    rng = np.random.default_rng(0)
    endo, epi = 20 + rng.standard_normal((2, FRAMES, CONTOUR_ANGLES)) + np.array([0, 10])[:, None, None]
    center = np.cumsum(rng.standard_normal(FRAMES) + 1j * rng.standard_normal(FRAMES))
    steps = 5
    turn = np.exp(1j * ANGLES[steps])
    turned = RingContours(center * turn, np.roll(endo, steps, 1), np.roll(epi, steps, 1))
    numbers = torch.from_numpy(contour_numbers(RingContours(center, endo, epi)))[None]
    by_formula = turned_numbers(numbers, torch.tensor([ANGLES[steps]], dtype=torch.float32))[0].numpy()
    assert by_formula == pytest.approx(contour_numbers(turned), abs=1e-4)

    motion = rng.standard_normal((FRAMES, TERMS)) + 1j * rng.standard_normal((FRAMES, TERMS))
    depth, angle = rng.uniform(0, 1, 30), rng.uniform(-3, 3, 30)
    moved = turned_motion(torch.from_numpy(motion.astype(np.complex64))[None], torch.tensor([0.4]))[0].numpy()
    assert moved @ ring_basis(depth, angle) == pytest.approx(motion @ ring_basis(depth, angle - 0.4), abs=1e-4)


@cache
def phantoms(first: int, last: int) -> ContourBank:
    return of_phantoms(range(first, last), seed=7)


def slices(bank: ContourBank, first: int, last: int) -> ContourBank:
    """Some of the slices of a bank."""
    return ContourBank(*(getattr(bank, field.name)[first:last] for field in fields(bank)))


def test_the_number_of_steps_grows_with_the_number_of_slices() -> None:
    config = ContourTraining(least_steps=100, most_steps=300, slices_per_step=10)
    assert [config.steps(slices) for slices in (8, 2000, 10**6)] == [100, 200, 300]


def test_training_reduces_the_error_below_a_still_ring() -> None:
    train, held_out = ContourBank.joined([phantoms(0, 6), phantoms(6, 12)]), phantoms(12, 16)
    torch.manual_seed(0)
    network = ContourMotion(ContourMotionConfig(components=12, modes=8, width=32, blocks=1))
    stage = ContourStage([train], held_out, ContourTraining(most_steps=120, validations=6, batch_size=32))
    report = stage.report(train_stage({"contour_motion": network}, stage))
    assert report.validation_mm < 0.7 * report.still_mm and report.slices == 48
    again = ContourMotion(ContourMotionConfig(components=12, modes=8, width=32, blocks=1))
    again.load_state_dict(network.state_dict())
    levels = torch.from_numpy(held_out.levels)
    numbers = torch.from_numpy(held_out.numbers)
    assert torch.equal(again.eval()(numbers, levels), network(numbers, levels))


def test_some_diseases_are_left_out() -> None:
    recipe = CohortRecipe(count=4, seed=7)
    unwanted = recipe.disease(2)
    others = [subject for subject in range(4) if recipe.disease(subject) != unwanted]
    rest = of_phantoms(range(4), seed=7, left_out=(unwanted,))
    kept = np.concatenate([4 * subject + np.arange(4) for subject in others])
    assert 0 < len(others) < 4
    for name in ARRAYS:
        assert np.array_equal(getattr(rest, name), getattr(phantoms(0, 6), name)[kept])


def test_randomised_subjects_differ_can_be_joined_and_do_not_depend_on_the_workers() -> None:
    usual, wide = slices(phantoms(0, 6), 0, 12), of_phantoms(range(3), seed=7, randomise=True)
    together = of_phantoms(range(3), seed=7, randomise=True, workers=2)
    for name in ARRAYS:
        assert getattr(wide, name) == pytest.approx(getattr(together, name), abs=1e-6)
    assert not np.isclose(wide.radius, usual.radius, rtol=1e-3).all()
    assert np.isfinite(wide.motion).all() and np.isfinite(wide.numbers).all()
    assert len(ContourBank.joined([usual, wide]).radius) == 24


def test_several_banks_are_used_as_one() -> None:
    whole = phantoms(0, 6)
    banks = [slices(whole, 0, 8), slices(whole, 8, 12), slices(whole, 12, 24)]
    readings = JoinedContours(banks)
    chosen = torch.tensor([23, 0, 7, 8, 11, 12, 8])
    assert len(readings) == 24
    for found, name in zip(readings.select(chosen), ARRAYS, strict=True):
        assert np.array_equal(found.numpy(), getattr(whole, name)[chosen.numpy()])


def test_motion_relative_to_itself_is_zero() -> None:
    masks = ring(FRAMES)
    contours, coordinates = RingContours.of_masks(masks), RingCoordinates.of(masks[0])
    network = ContourMotion(ContourMotionConfig(components=2, modes=2, width=8, blocks=1)).eval()
    amount = np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
    mean = np.zeros((FRAMES, TERMS), dtype=np.complex64)
    mean[:, 0] = (-0.2 + 0.1j) * amount
    network.mean.copy_(torch.view_as_real(torch.from_numpy(mean)).flatten())
    torch.nn.init.zeros_(network.straight.bias)
    radii = np.array([21.0, 25.0, 29.0])[:, None]
    where = contours.center[0] + (radii * np.exp(1j * ANGLES)).ravel()
    true = contours.center[:, None] + (where - contours.center[0]) * np.exp(mean[:, :1])
    assert own_motion(true, where, contours)[:, 0] == pytest.approx(mean[:, 0], abs=5e-3)
    assert np.abs(network.relative_to(where, true - where, coordinates, contours, 2)).max() < 1e-3
    turned = contours.center[:, None] + (true - contours.center[:, None]) * np.exp(-0.05j * amount)[:, None]
    relative = network.relative_to(where, turned - where, coordinates, contours, 2)
    assert relative[:, 0].imag == pytest.approx(0.05 * amount, abs=5e-3)


def test_the_convention_is_an_input_and_the_left_out_layer_is_estimated() -> None:
    """A network learns from labelled readers; unknown conventions change neither the estimate nor a slice's layer."""
    labelled = of_phantoms(range(8), seed=7, conventions=True)
    assert set(labelled.conventions) == {0, 1, 2}
    assert np.array_equal(labelled.numbers, of_phantoms(range(8), seed=7).numbers)
    assert (labelled.layer[labelled.conventions == 2] == 0).all()
    assert labelled.layer[labelled.conventions == 1].min() > 0.3
    torch.manual_seed(0)
    network = ContourMotion(ContourMotionConfig(components=12, modes=8, width=32, blocks=1, conventions=True))
    stage = ContourStage([labelled], phantoms(12, 16), ContourTraining(most_steps=200, validations=6, batch_size=32))
    train_stage({"contour_motion": network}, stage)
    network.eval()
    numbers, levels = torch.from_numpy(labelled.numbers), torch.from_numpy(labelled.levels)
    with torch.no_grad():
        thickness, log_deviation = network.left_out_layer(numbers, levels)
    assert np.corrcoef(thickness, labelled.layer)[0, 1] > 0.5
    assert float(log_deviation.exp().mean()) < 1.5
    blood, tissue, unknown = (network(numbers, levels, torch.full_like(levels, number)) for number in (1, 2, 0))
    assert torch.equal(unknown, network(numbers, levels))
    assert not torch.equal(blood, tissue)
