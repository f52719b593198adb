"""Unwrapping in space and time."""

from __future__ import annotations

import numpy as np

from LaMoDCore.dense.unwrapping import align_regions, smooth_over_mask, unwrap_frame, unwrap_series, vote
from LaMoDCore.io.dense.images import wrap


def ring(size: int = 40, inner: float = 8, outer: float = 13) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radius = np.hypot(x, y)
    return (radius >= inner) & (radius < outer)


def ramp(frames: int = 16, top: float = 12.0) -> np.ndarray:
    """Phase that grows with time and across the image, over more than four turns."""
    y, x = np.mgrid[:40, :40] / 39 - 0.5
    rise = np.sin(np.pi * np.arange(frames) / (1.5 * frames))
    return rise[:, None, None] * top * (0.6 + x + 0.5 * y)


def test_wrap_is_half_open() -> None:
    assert wrap(np.array([np.pi, -np.pi, 3 * np.pi, 0.0, 4.0])).tolist() == [np.pi, np.pi, np.pi, 0.0, 4.0 - 2 * np.pi]


def test_spatial_unwrapping_leaves_one_multiple() -> None:
    truth, mask = ramp()[10], ring()
    found = unwrap_frame(wrap(truth), mask)
    offset = (found - truth)[mask]
    assert np.isnan(found[~mask]).all()
    assert np.ptp(offset) < 1e-6
    assert abs(offset[0] / (2 * np.pi) - round(offset[0] / (2 * np.pi))) < 1e-6


def test_time_determines_the_multiple() -> None:
    truth = ramp()
    mask = np.broadcast_to(ring(), truth.shape)
    assert np.abs(truth[:, ring()]).max() > 2.5 * np.pi
    found = unwrap_series(wrap(truth), mask)
    assert np.abs(found.phase - truth)[mask].max() < 1e-6
    assert not found.revised.any()


def test_two_separate_pieces_of_wall_agree() -> None:
    truth = ramp()
    half = ring()
    half[:, 18:22] = False
    mask = np.broadcast_to(half, truth.shape)
    assert np.abs(unwrap_series(wrap(truth), mask).phase - truth)[mask].max() < 1e-6


def test_noise_does_not_break_the_ring() -> None:
    rng = np.random.default_rng(2)
    truth = ramp()
    noisy = truth + rng.normal(0, 0.35, truth.shape)
    mask = np.broadcast_to(ring(), truth.shape)
    found = unwrap_series(wrap(noisy), mask).phase
    wrong = np.abs(found - noisy)[mask] > np.pi
    assert wrong.mean() < 0.002


def test_a_frame_of_noise_does_not_shift_those_after_it() -> None:
    rng = np.random.default_rng(5)
    truth = ramp()
    noisy = truth + rng.normal(0, 0.15, truth.shape)
    noisy[8] = rng.uniform(-np.pi, np.pi, noisy[8].shape)
    mask = np.broadcast_to(ring(), truth.shape)
    found = unwrap_series(wrap(noisy), mask).phase
    later = np.abs(found - noisy)[9:][mask[9:]] > np.pi
    assert later.mean() < 0.002


def test_vote_changes_only_pixels_off_by_a_turn() -> None:
    phase = np.where(ring(), 1.0, np.nan)[None].repeat(5, axis=0)
    weights = np.broadcast_to(ring(), phase.shape).astype(float)
    spoilt = phase.copy()
    rows, columns = np.nonzero(ring())
    spoilt[2, rows[::15], columns[::15]] += 2 * np.pi
    spoilt[2, rows[7], columns[7]] += 2.0
    voted = vote(spoilt, weights)
    assert np.allclose(voted[2, rows[::15], columns[::15]], 1.0)
    assert voted[2, rows[7], columns[7]] == 3.0


def test_align_follows_the_majority() -> None:
    frame = np.where(ring(), 0.3 + 4 * np.pi, np.nan)
    rows, columns = np.nonzero(ring())
    frame[rows[:20], columns[:20]] -= 2 * np.pi
    aligned = align_regions(frame, np.zeros(frame.shape))
    assert np.isclose(np.nanmedian(aligned), 0.3)


def test_normalised_convolution_ignores_samples_without_weight() -> None:
    values, weights = np.full((20, 20), 2.0), np.ones((20, 20))
    values[5, 5], weights[5, 5] = 1e6, 0.0
    mean, total = smooth_over_mask(values, weights, 2.0)
    assert np.allclose(mean, 2.0)
    assert total[5, 5] > 0.5
