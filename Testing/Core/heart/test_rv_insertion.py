"""The anterior RV insertion is that from which the septum runs counter-clockwise seen from the apex, in every heart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.contours.insertion import insertion_from_septum
from LaMoDCore.heart.rv_insertion import given_insertion, insertion_from_label, insertion_points, with_own_insertions
from LaMoDCore.strain.segments import label_segments
from Testing.Core.heart.turned_heart import AXES, CENTER_LPS, OUTER_MM, directions, grid_across, slice_of, turned, unit

TURNS = (-60, -45, 0, 45, 60)
ALL = [(name, turn, flip) for name in AXES for turn in TURNS for flip in (False, True)]


def off_degrees(point, direction):
    """Angle between a point about the ventricle's centre and a direction, both in the slice."""
    arm = np.asarray(point) - CENTER_LPS
    return float(np.degrees(np.arccos(np.clip(unit(arm) @ unit(direction), -1, 1))))


def ends_of(found):
    return np.stack([CENTER_LPS + OUTER_MM * found[f"{which} insertion"] for which in ("anterior", "inferior")])


@pytest.mark.parametrize(("axis", "turn", "flip"), ALL)
def test_the_label_gives_the_anterior_end_in_every_orientation(axis, turn, flip):
    found = directions(AXES[axis], turn)
    slice_ = slice_of(grid_across(AXES[axis], flip=flip), found["septum"], frames=1)
    point, _ = insertion_from_label([slice_], 0)
    assert off_degrees(point, found["anterior insertion"]) < 6
    both = insertion_points(slice_, 0)
    assert off_degrees(both[1], found["inferior insertion"]) < 6
    segments = label_segments(slice_.myocardium[0], slice_.grid, "mid", point)
    at = slice_.grid.lps_to_pixel(CENTER_LPS + 0.85 * OUTER_MM * found["anterior wall"])
    assert segments.names[segments.labels[round(at[1]), round(at[0])] - 1] == "anterior"


@pytest.mark.parametrize(("axis", "turn", "flip"), ALL[::3])
def test_of_two_points_the_shorter_arc_is_the_septum(axis, turn, flip):
    found = directions(AXES[axis], turn)
    plain = slice_of(grid_across(AXES[axis], flip=flip), found["septum"], frames=1, with_rv=False)
    ends = ends_of(found)
    for points in (ends, ends[::-1]):
        assert np.array_equal(given_insertion(points, [plain], 0), ends[0])
    between = [CENTER_LPS + OUTER_MM * turned(found["anterior insertion"], AXES[axis], a) for a in range(0, 121, 10)]
    assert np.allclose(insertion_from_septum(between[::-1], [plain]), ends[0], atol=1e-6)


def test_the_label_decides_where_the_septum_is_the_longer_arc():
    """Insertions 200° apart, as in a large right ventricle: the shorter arc is the free wall."""
    axis = AXES["real"]
    found = directions(axis, 0)
    slice_ = slice_of(grid_across(axis), found["septum"], frames=1)
    ends = np.stack([CENTER_LPS + OUTER_MM * turned(found["septum"], axis, a) for a in (-100, 100)])
    assert np.array_equal(given_insertion(ends[::-1], [slice_], 0), ends[0])
    assert np.array_equal(given_insertion(ends, [replace(slice_, right_ventricle=None)], 0), ends[1])


def test_points_of_single_slices_are_ordered_as_well():
    axis = AXES["horizontal"]
    found = directions(axis, -45)
    assert found["inferior insertion"][1] < found["anterior insertion"][1]  # the rule of the smallest y is wrong here
    slices = [slice_of(grid_across(axis, depth_mm=d), found["septum"], frames=1, with_rv=False) for d in (0.0, 10.0)]
    ends = ends_of(found) + 10.0 * unit(axis)
    assert np.array_equal(with_own_insertions(slices, [ends[::-1]], 0)[1].rv_insertion_lps, ends[0])
