"""Resampling changes pixels and frames, but not the position of the wall."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.training.data.resampling import resampled_by_another_scanner

FRAMES, RR_MS, PIXEL_MM = 40, 800.0, 1.2
AFFINE = np.array([[0.0, 0, 8, -30], [PIXEL_MM, 0, 0, -60], [0, -PIXEL_MM, 0, 70], [0, 0, 0, 1]])


def ring(wall_mm=9.0, reference=0):
    """A ring that contracts after frame `reference`."""
    y, x = np.mgrid[:110, :100]
    radius = np.hypot(x - 52, y - 47) * PIXEL_MM
    amount = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(FRAMES) - reference) / FRAMES)
    inner, outer = 24 - 6 * amount, 24 + wall_mm - 2 * amount
    masks = (radius >= inner[:, None, None]) & (radius < outer[:, None, None])
    return CineSlice("ring", SliceGrid((110, 100), AFFINE), masks, np.arange(FRAMES) * RR_MS / FRAMES, RR_MS)


def where_and_how_large(slice_, frame):
    rows, columns = np.nonzero(slice_.myocardium[frame])
    center = slice_.grid.pixel_to_lps(np.stack([columns, rows], axis=-1)).mean(axis=0)
    return center, rows.size * np.prod(slice_.grid.spacing_mm)


@pytest.mark.parametrize("seed", range(6))
def test_the_wall_keeps_its_position(seed):
    given = ring(reference=10)
    seen, reference = resampled_by_another_scanner(given, 10, np.random.default_rng(seed))
    assert reference == 0 and 10 <= seen.frames <= FRAMES
    assert 0.9 <= seen.grid.spacing_mm[0] <= 2.0 and seen.grid.spacing_mm == pytest.approx(
        [seen.grid.spacing_mm[0]] * 2
    )
    assert seen.grid.same_plane(given.grid) and (np.diff(seen.frame_times_ms) > 0).all()
    for frame, time in enumerate(seen.frame_times_ms):
        as_given = (10 + round(time / RR_MS * FRAMES)) % FRAMES
        (center, area), (center_given, area_given) = (
            where_and_how_large(seen, frame),
            where_and_how_large(given, as_given),
        )
        assert np.abs(center - center_given).max() < 0.5
        assert area == pytest.approx(area_given, rel=0.06)


def test_frames_that_were_not_acquired_are_not_used():
    given = ring()
    valid = np.arange(FRAMES) < 15
    partly = CineSlice("part", given.grid, given.myocardium, given.frame_times_ms, RR_MS, valid_frames=valid)
    seen, _ = resampled_by_another_scanner(partly, 0, np.random.default_rng(1))
    assert seen.frame_times_ms.max() <= given.frame_times_ms[14]


def test_a_wall_that_coarse_pixels_would_open_is_not_changed():
    thin = ring(wall_mm=0.9)
    for seed in range(8):
        seen, reference = resampled_by_another_scanner(thin, 3, np.random.default_rng(seed))
        if seen is thin:
            assert reference == 3
            return
    pytest.fail("a wall of one pixel went through eight scanners unbroken")
