"""Gaps in walls thinner than a pixel are closed; rings that are open for other reasons stay open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contracting_heart import analytic_motion, deformed_wall, short_axis_grid

from LaMoDCore.heart.canonical import to_canonical
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.ring.mask import cavity, is_closed_ring, with_gaps_closed


def ring(inner=8.0, outer=9.6, center=(20.3, 19.6), size=40, stretch=1.0):
    rows, columns = np.indices((size, size))
    radius = np.hypot((columns - center[0]) * stretch, rows - center[1])
    return (radius >= inner) & (radius < outer)


def wedge(degrees, at=40.0, center=(20.3, 19.6), size=40):
    rows, columns = np.indices((size, size))
    angle = np.rad2deg(np.arctan2(rows - center[1], columns - center[0]))
    return np.abs((angle - at + 180) % 360 - 180) < degrees / 2


@pytest.mark.parametrize("at", [0.0, 40.0, 90.0, 137.0, 250.0])
@pytest.mark.parametrize("stretch", [1.0, 0.85])
@pytest.mark.parametrize("degrees", [12, 30])
def test_a_gap_is_bridged_where_the_wall_was(at, stretch, degrees):
    whole = ring(stretch=stretch)
    assert is_closed_ring(whole)
    gapped = whole & ~wedge(degrees, at)
    assert not is_closed_ring(gapped)
    repaired = with_gaps_closed(gapped)
    assert is_closed_ring(repaired) and (repaired | gapped == repaired).all()
    assert (repaired & ~whole).sum() <= 4 and abs(int(cavity(repaired).sum()) - int(cavity(whole).sum())) <= 6


def test_several_gaps_of_a_wall_of_one_pixel():
    whole = ring(10.0, 11.1)
    gapped = whole & ~wedge(14, 20) & ~wedge(14, 200) & ~wedge(20, 110)
    repaired = with_gaps_closed(gapped)
    assert is_closed_ring(repaired) and abs(int(cavity(repaired).sum()) - int(cavity(whole).sum())) < 12


@pytest.mark.parametrize(
    "mask",
    [ring(), ring() & ~wedge(70), ring() & wedge(150), np.zeros((40, 40), dtype=bool), ring(0.0, 5.0)],
    ids=["closed", "outflow tract", "half a ring", "empty", "no cavity"],
)
def test_other_masks_do_not_change(mask):
    assert np.array_equal(with_gaps_closed(mask), mask)


def test_frames_with_a_gap_have_nearly_the_same_canonical_image():
    grid = short_axis_grid((30, 32), (2.8, 2.8), turn_deg=20)
    motion, *_ = analytic_motion(grid, 12, shortening=0.15, rotation_deg=0)
    masks = deformed_wall(motion, grid)
    whole = CineSlice("whole", grid, masks, np.arange(12) * 70.0, 840.0, level="mid")
    spoilt = masks.copy()
    for frame in (0, 4, 5):
        rows, columns = np.nonzero(masks[frame])
        spoilt[frame] &= ~wedge(16, 60, (columns.mean(), rows.mean()), 64)[:30, :32]
        assert not is_closed_ring(spoilt[frame])
    seen = to_canonical(replace(whole, myocardium=spoilt))
    difference = np.abs(seen.occupancy - to_canonical(whole).occupancy)
    # without closing the gaps, a quarter of the wall's area differs
    assert difference.sum() < 0.06 * seen.occupancy.sum()
