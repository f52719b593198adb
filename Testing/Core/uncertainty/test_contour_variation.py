"""Augmentation of contours: input and target stay consistent."""

from __future__ import annotations

import math

import pytest
import torch

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.ring.motion_basis import TERMS
from LaMoDCore.training.posterior.contour_variation import at_phases, uneven_cycles, varied

SLICES = 400


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_warped_cycle_starts_at_end_diastole_and_is_monotonic(generator: torch.Generator) -> None:
    when = uneven_cycles(SLICES, FRAMES, generator)
    closed = torch.cat([when, torch.ones(SLICES, 1)], dim=1)
    pace = closed.diff(dim=1) * FRAMES
    assert when[:, 0].abs().max() == 0
    assert pace.min() > 0.25 and pace.max() < 1.75
    even = (pace - 1).abs().amax(dim=1) < 1e-4
    assert 0.4 < even.float().mean() < 0.6
    assert (pace[~even] - 1).std() > 0.1


def test_curves_are_interpolated_periodically() -> None:
    curve = torch.arange(4.0)[None, :, None]
    read = at_phases(curve, torch.tensor([[0.0, 0.125, 0.5, 0.875]]))
    assert read[0, :, 0].tolist() == pytest.approx([0.0, 0.5, 2.0, 1.5])


def test_contours_and_motion_are_augmented_consistently(generator: torch.Generator) -> None:
    """The path of the centre and the shift of the whole ring remain the same curve, except for the jitter."""
    path = torch.sin(2 * math.pi * torch.arange(FRAMES) / FRAMES).to(torch.complex64)
    numbers = torch.zeros(SLICES, FRAMES, 19, dtype=torch.complex64)
    numbers[..., -1] = 5 * path
    motion = torch.zeros(SLICES, FRAMES, TERMS, dtype=torch.complex64)
    motion[..., 0] = 0.1 * path
    radius = torch.full((SLICES,), 25.0)
    known, layer = torch.ones(SLICES, dtype=torch.long), torch.full((SLICES,), 2.0)
    inputs, targets, sizes, levels, conventions, layers = varied(
        (numbers, motion, radius, known, 2 * known, layer), generator
    )
    assert (inputs[..., -1].abs() / (sizes / radius)[:, None] / 5).numpy() == pytest.approx(
        (targets[..., 0].abs() / 0.1).numpy(), abs=0.08
    )
    assert 0.6 < levels.float().mean() < 0.8
    assert set(levels.tolist()) == {0, 1}
    assert 0.3 < (conventions == 2).float().mean() < 0.5 and set(conventions.tolist()) == {0, 2}
    assert layers.numpy() == pytest.approx((2 * sizes / radius).numpy())
