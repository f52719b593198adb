"""Trajectories from scattered samples."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.dense.noise import noise_correlation_mm
from LaMoDCore.dense.smoothing_spline import (
    cross_validation_scores,
    ring_terms,
    solve_thin_plate,
    thin_plate_kernel,
)
from LaMoDCore.dense.trajectories import (
    SMOOTHING_BOUNDS_MM,
    Samples,
    choose_smoothing_mm,
    fit_frame,
    fit_frames,
    fit_in_time,
    frame_samples,
    spline_penalty,
)


def affine_terms(points: np.ndarray) -> np.ndarray:
    """[N, 3]: 1, x, y."""
    return np.column_stack([np.ones(len(points)), points])


def spline(points: np.ndarray, values: np.ndarray, smoothing: float, targets: np.ndarray) -> np.ndarray:
    bent, flat = solve_thin_plate(
        thin_plate_kernel(points, points), affine_terms(points), values, np.ones(len(points)), smoothing
    )
    return thin_plate_kernel(targets, points) @ bent + affine_terms(targets) @ flat


def test_spline_equals_scipy() -> None:
    from scipy.interpolate import RBFInterpolator

    rng = np.random.default_rng(0)
    points, targets = rng.uniform(0, 60, (80, 2)), rng.uniform(0, 60, (30, 2))
    values = rng.normal(size=(80, 2))
    for smoothing in (0.0, 3.0, 200.0):
        theirs = RBFInterpolator(points, values, kernel="thin_plate_spline", smoothing=smoothing, degree=1)(targets)
        assert np.allclose(spline(points, values, smoothing, targets), theirs, atol=1e-6)


def test_cross_validation_smooths_noise_and_not_signal() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 60, (300, 2))
    signal = np.column_stack([np.sin(points[:, 0] / 8), np.cos(points[:, 1] / 10)])
    candidates = np.logspace(-2, 5, 43)
    best = {}
    for noise in (0.01, 0.5):
        scores = cross_validation_scores(
            points, signal + rng.normal(0, noise, signal.shape), candidates, affine_terms(points)
        )
        best[noise] = candidates[int(np.argmin(scores))]
    assert scores.min() == pytest.approx(2 * 0.5**2, rel=0.5), "the score estimates the error of prediction"
    assert best[0.01] < 0.05 * best[0.5]


def test_the_motion_of_a_ring_is_not_smoothed() -> None:
    """Radial strain of a contracting ring is not reduced by smoothing: its curvature is not penalised."""
    rng = np.random.default_rng(2)
    angle, radius = rng.uniform(0, 2 * np.pi, 250), rng.uniform(20, 30, 250)
    points = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    moved = (np.sqrt(radius**2 - 150.0) / radius - 1)[:, None] * points  # area is kept
    kernel, weights = thin_plate_kernel(points, points), np.ones(250)
    left = {}
    for name, free in (("affine", affine_terms(points)), ("ring", ring_terms(points, np.zeros(2)))):
        bent, flat = solve_thin_plate(kernel, free, moved, weights, spline_penalty(4.0, 0.15))
        left[name] = float(np.abs(kernel @ bent + free @ flat - moved).max())
    assert left["ring"] < 0.02
    assert left["affine"] > 10 * left["ring"]


def test_smoothing_does_not_depend_on_the_pixel_size() -> None:
    # the transfer function 1/(1 + (ℓk)⁴) halves a wave of wavelength 2πℓ
    length = 3.0
    for pixel in (1.5, 2.5):
        y, x = np.mgrid[0:75:pixel, 0:75:pixel]
        points = np.column_stack([x.ravel(), y.ravel()])
        wave = np.sin(points[:, :1] / length)
        inner = np.abs(points - 37.5).max(axis=1) < 12
        fitted = spline(points, wave, spline_penalty(length, 1 / pixel**2), points)
        gain = float((fitted * wave)[inner].sum() / (wave**2)[inner].sum())
        assert gain == pytest.approx(0.5, abs=0.04)


def stretched(noise: float = 0.0, seed: int = 0) -> tuple[Samples, np.ndarray, np.ndarray]:
    """Samples of an affine motion at deformed positions, with target points and their true displacement."""
    rng = np.random.default_rng(seed)
    gradient = np.array([[0.15, 0.1], [-0.08, -0.2]])
    y, x = np.mgrid[0:50:2.5, 0:50:2.5]
    position = np.column_stack([x.ravel(), y.ravel()])
    material = np.linalg.solve(np.eye(2) + gradient, (position - np.array([2.0, -3.0])).T).T
    moved = position - material + rng.normal(0, noise, position.shape)
    samples = Samples(position, moved, np.ones(len(position)), np.arange(len(position)))
    targets = rng.uniform(12, 38, (60, 2))
    return samples, targets, targets @ gradient.T + np.array([2.0, -3.0])


def test_affine_motion_is_inverted_exactly() -> None:
    samples, targets, truth = stretched()
    assert np.abs(fit_frame(samples, targets, 2.0, 6.25).displacement_mm - truth).max() < 1e-6


def test_outliers_are_excluded() -> None:
    samples, targets, truth = stretched(noise=0.1)
    moved = samples.displacement_mm.copy()
    moved[::17] += 6.0
    fit = fit_frame(Samples(samples.position_mm, moved, samples.weights, samples.pixels), targets, 3.0, 6.25)
    assert not fit.kept[::17].any()
    assert fit.kept.mean() > 0.9
    assert np.sqrt(((fit.displacement_mm - truth) ** 2).sum(axis=1).mean()) < 0.15


def test_smoothing_stays_within_bounds() -> None:
    low, high = SMOOTHING_BOUNDS_MM
    assert choose_smoothing_mm([stretched(0.0)[0]] * 3, 6.25) <= high
    assert choose_smoothing_mm([stretched(5.0)[0]] * 3, 6.25) == high
    assert choose_smoothing_mm([], 6.25) == low


def test_correlated_noise_is_measured_and_raises_the_lower_bound() -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    white = rng.normal(0, 0.2, (20, 2, 40, 40))
    blurred = gaussian_filter(white, (0, 0, 1.0, 1.0)) * 3.5
    drift = np.linspace(0, 5, 20)[:, None, None, None] * np.linspace(-1, 1, 40)
    mask = np.zeros((20, 40, 40), dtype=bool)
    mask[:, 8:32, 8:32] = True
    assert noise_correlation_mm(white + drift, mask, (2.0, 2.0)) < 0.3
    assert noise_correlation_mm(blurred + drift, mask, (2.0, 2.0)) == pytest.approx(2.0, rel=0.2)
    assert noise_correlation_mm(white[:2], mask[:2], (2.0, 2.0)) == 0
    assert choose_smoothing_mm([stretched(0.0)[0]] * 3, 6.25, 2.0) == pytest.approx(2.6)


def test_frames_without_samples_are_not_fitted() -> None:
    nothing = frame_samples(np.full((2, 8, 8), np.nan), np.zeros((8, 8), bool), np.ones((8, 8)), (2.0, 2.0))
    assert fit_frames([nothing], np.zeros((3, 2)), 2.0, 4.0) == [None]


def test_sample_positions_are_columns_and_rows_in_mm() -> None:
    mask = np.zeros((5, 7), dtype=bool)
    mask[2, 3] = True
    field = np.zeros((2, 5, 7))
    field[0, 2, 3], field[1, 2, 3] = 1.0, -2.0
    samples = frame_samples(field, mask, np.ones((5, 7)), (1.5, 2.0))
    assert samples.position_mm.tolist() == [[4.5, 4.0]]
    assert samples.material_mm.tolist() == [[3.5, 6.0]]


def test_time_fit_reproduces_polynomials_through_zero() -> None:
    times = np.arange(1, 25) * 17.0
    moved = ((times / 400) ** 2 - 0.5 * times / 400)[:, None, None] * np.array([[[1.0, -2.0]]])
    found = fit_in_time(moved, times, np.ones(24), 4, np.array([0.0, 100.0]))
    assert np.abs(found[0]).max() == 0
    assert np.allclose(found[1, 0], (0.0625 - 0.125) * np.array([1.0, -2.0]), atol=1e-9)


def test_time_fit_without_anchor_and_with_weights() -> None:
    times = np.arange(1, 21) * 17.0
    moved = np.full((20, 1, 2), 1.5)
    assert np.allclose(fit_in_time(moved, times, np.ones(20), 3, np.zeros(1), anchored=False), 1.5)
    moved[10] = 99.0
    weights = np.ones(20)
    weights[10] = 0.0
    assert np.allclose(fit_in_time(moved, times, weights, 3, times[10:11], anchored=False), 1.5)
