"""Samples start from noise whose spread does not depend on the seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.ring.motion_basis import TERMS, ring_basis
from LaMoDCore.networks.balanced_draws import balanced, most_visible_directions

MODES, COUNT = 20, 8


def unit_motions() -> np.ndarray:
    """Smooth modes over the cycle with decreasing amplitude."""
    rng = np.random.default_rng(0)
    course = np.sin(np.pi * np.arange(FRAMES) / FRAMES)[None, :, None]
    size = 0.05 / np.arange(1, MODES + 1)[:, None, None]
    return size * course * (rng.standard_normal((MODES, 1, TERMS)) + 1j * rng.standard_normal((MODES, 1, TERMS)))


def noise(seed: int) -> torch.Tensor:
    return torch.randn((COUNT, MODES), generator=torch.Generator().manual_seed(seed))


def mean_strain_of_a_segment(codes: torch.Tensor) -> np.ndarray:
    """ln of the mid-wall circumferential stretch of the first 60° at mid-cycle, one value per sample."""
    angles = np.linspace(0, np.pi / 3, 61)
    middle = np.einsum("nm,mk->nk", codes.numpy(), unit_motions()[:, FRAMES // 2])
    motion = middle @ ring_basis(np.full_like(angles, 0.5), angles)
    return np.asarray(motion.real.mean(axis=1) + (motion.imag[:, -1] - motion.imag[:, 0]) / (np.pi / 3))


def test_what_shows_most_has_exactly_the_normal_covariance() -> None:
    directions = most_visible_directions(unit_motions())
    assert directions.T @ directions == pytest.approx(np.eye(MODES), abs=1e-6)
    drawn = balanced(noise(0), directions).numpy() @ directions
    assert drawn.mean(axis=0) == pytest.approx(np.zeros(MODES), abs=1e-5)
    shown = drawn[:, : COUNT - 1]
    assert shown.T @ shown / (COUNT - 1) == pytest.approx(np.eye(COUNT - 1), abs=1e-4)
    assert drawn.std(axis=0, ddof=1) == pytest.approx(np.ones(MODES), abs=1e-4)


def test_the_spread_of_strain_does_not_depend_on_the_seed() -> None:
    directions = most_visible_directions(unit_motions())
    by_luck = [mean_strain_of_a_segment(noise(seed)).std(ddof=1) for seed in range(20)]
    even = [mean_strain_of_a_segment(balanced(noise(seed), directions)).std(ddof=1) for seed in range(20)]
    assert np.std(by_luck) / np.mean(by_luck) > 0.15
    assert np.std(even) / np.mean(even) < 0.5 * np.std(by_luck) / np.mean(by_luck)


def test_seeds_still_draw_other_samples_and_two_are_left_alone() -> None:
    directions = most_visible_directions(unit_motions())
    assert (balanced(noise(0), directions) - balanced(noise(1), directions)).abs().max() > 0.5
    assert torch.equal(balanced(noise(0)[:2], directions), noise(0)[:2])


def test_a_latent_that_shows_nothing_is_no_fault() -> None:
    directions = most_visible_directions(np.zeros((MODES, FRAMES, TERMS), dtype=np.complex64))
    assert torch.isfinite(balanced(noise(0), directions)).all()
