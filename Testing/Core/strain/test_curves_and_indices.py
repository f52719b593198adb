"""Peaks, rates, rotation, torsion, uniformity and onset of curves with known values."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.strain import curves, indices
from LaMoDCore.strain.matrix import onset_of_shortening_ms, strain_matrix
from Testing.Core.strain.shapes import incompressible_ring, short_axis_grid

TIMES = np.arange(40) * 20.0
RR = 800.0


def course(es_frame=16, reference=0, valid=None):
    return curves.cycle(TIMES, RR, reference, es_frame, valid)


def shortening(start_ms=0.0, peak_ms=320.0, depth=-0.2, end_ms=640.0):
    """Half a cosine down from start to peak, and half a cosine back."""
    down = np.clip((TIMES - start_ms) / (peak_ms - start_ms), 0, 1)
    up = np.clip((TIMES - peak_ms) / (end_ms - peak_ms), 0, 1)
    return depth * 0.5 * ((1 - np.cos(np.pi * down)) - (1 - np.cos(np.pi * up)))


def test_means_and_spread_over_regions():
    values = np.full((3, 4, 6), np.nan)
    labels = np.zeros((4, 6), dtype=np.int16)
    labels[:, :3], labels[:, 3:5] = 1, 2
    values[:, :, :3] = 2.0
    values[:, :2, 3:5], values[:, 2:, 3:5] = 1.0, 3.0
    values[1, 0, 0] = np.nan
    mean, spread = curves.region_statistics(values, labels, 3)
    assert np.allclose(mean[:2], 2.0) and np.isnan(mean[2]).all()
    assert np.allclose(spread[0], 0.0) and np.allclose(spread[1], 1.0)


def test_peak_systolic_peak_and_time():
    curve = shortening(peak_ms=400.0)
    late = curves.peak(curve, course())
    assert (late.value, late.frame, late.time_ms, late.time_fraction) == (pytest.approx(-0.2), 20, 400.0, 0.5)
    early = curves.peak(curve, course(), systolic=True)
    assert early.frame == 16 and early.value > late.value
    assert curves.peak(-curve, course(), "thickening").frame == 20


def test_time_is_counted_from_the_reference_frame_around_the_cycle():
    rolled = np.roll(shortening(), 30)
    found = curves.peak(rolled, course(es_frame=6, reference=30))
    assert (found.frame, found.time_ms) == (6, 320.0)


def test_frames_that_were_not_acquired_have_no_peak():
    curve = shortening()
    curve[30] = -0.9
    assert curves.peak(curve, course(valid=np.arange(40) != 30)).frame == 16
    assert np.isnan(curves.peak(np.full(40, np.nan), course()).value)


def test_rates():
    curve = shortening()
    fastest = 0.2 * np.pi / 2 / 0.32
    assert curves.systolic_rate(curve, TIMES, course()) == pytest.approx(-fastest, rel=0.01)
    assert curves.early_diastolic_rate(curve, TIMES, course()) == pytest.approx(fastest, rel=0.01)


def test_rate_of_a_parabola_on_uneven_frames_is_exact():
    times = np.array([0.0, 10.0, 35.0, 50.0, 90.0, 100.0])
    curve = 1e-4 * times**2
    rate = curves.strain_rate(curve, times, 200.0)
    assert np.allclose(rate[1:-1], 0.2 * times[1:-1])


@pytest.mark.parametrize("from_base", [False, True])
def test_rotation_is_seen_from_the_apex_and_ignores_translation(from_base):
    ring = incompressible_ring(off_center_mm=(0.0, 0.0))
    grid = short_axis_grid(ring.mask.shape, from_base=from_base)
    y, x = np.mgrid[:100, :100] - 49.5
    angle = np.radians(8.0)
    # Counter-clockwise on the screen, whose rows run downwards.
    turned = np.stack(
        (np.cos(angle) * x + np.sin(angle) * y - x + 3.0, np.cos(angle) * y - np.sin(angle) * x - y - 2.0)
    )
    found = indices.rotation_degrees(np.stack((0 * turned, turned)), ring.mask, grid, (49.5, 49.5))
    assert found == pytest.approx([0.0, -8.0 if from_base else 8.0], abs=1e-6)


def test_torsion():
    twist = indices.twist_degrees(np.array([0.0, 8.0]), np.array([0.0, -4.0]))
    assert twist.tolist() == [0.0, 12.0]
    assert indices.torsion_degrees(twist, 24.0, 36.0, 40.0).tolist() == [0.0, 9.0]
    with pytest.raises(ValueError, match="different planes"):
        indices.torsion_degrees(twist, 24.0, 36.0, 0.0)


def test_uniformity_is_one_for_alike_and_zero_for_opposite_sectors():
    angles = np.arange(24) * 2 * np.pi / 24
    alike = np.full((24, 5), -0.2)
    opposite = 0.2 * np.cos(angles)[:, None] * np.ones(5)
    assert indices.circumferential_uniformity(alike) == pytest.approx(1.0)
    assert indices.circumferential_uniformity(opposite) == pytest.approx(0.0, abs=1e-9)
    # S₀ = (N a)², S₁ = (N b/2)²: CURE = 1/√(1 + b²/(2a²)).
    mixed = indices.circumferential_uniformity(alike + opposite)
    assert mixed == pytest.approx(1 / np.sqrt(1.5))
    assert np.isnan(indices.circumferential_uniformity(np.full((24, 3), np.nan)))


def test_dyssynchrony():
    assert indices.dyssynchrony_ms(np.array([300.0, 320.0, 340.0])) == pytest.approx(20.0)
    assert np.isnan(indices.dyssynchrony_ms(np.array([300.0, np.nan, 340.0])))


def test_onset_follows_a_late_wall_and_skips_an_infarct():
    delays = np.array([0.0, 40.0, 80.0, 120.0])
    matrix = np.stack([shortening(start_ms=d, peak_ms=300.0 + d) for d in delays] + [0.02 * np.sin(TIMES / 100)])
    onset = onset_of_shortening_ms(matrix, TIMES, course())
    assert np.isnan(onset[-1])
    assert np.diff(onset[:-1]) == pytest.approx([40.0] * 3, abs=8.0)
    # The tangent of a cosine meets its initial value (1/2 − 1/π) of the duration of the fall late.
    assert onset[0] == pytest.approx((0.5 - 1 / np.pi) * 300.0, abs=8.0)


def test_onset_begins_at_the_top_of_a_pre_stretch():
    curve = shortening(start_ms=100.0) + 0.06 * np.exp(-(((TIMES - 90.0) / 40.0) ** 2))
    (stretched,) = onset_of_shortening_ms(curve[None], TIMES, course())
    assert 80.0 < stretched < 160.0


def test_strain_matrix_and_its_low_rank_copy():
    ring = incompressible_ring()
    rng = np.random.default_rng(0)
    ecc = np.where(ring.mask, shortening()[:, None, None], np.nan)
    labels = np.where(ring.mask, rng.integers(1, 13, ring.mask.shape), 0)
    clean = strain_matrix(ecc, labels, 12)
    assert np.allclose(clean, shortening())
    noisy = strain_matrix(ecc + 0.3 * rng.standard_normal(ecc.shape), labels, 12)
    denoised = strain_matrix(ecc + 0.3 * rng.standard_normal(ecc.shape), labels, 12, rank=1)
    assert np.abs(denoised - clean).std() < 0.6 * np.abs(noisy - clean).std()
