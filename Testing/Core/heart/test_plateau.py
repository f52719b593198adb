"""End-diastole and end-systole lie in the middle of frames with equal cavities."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.case import Case
from LaMoDCore.heart.cycle.end_diastole import find_end_diastole, total_cavity_area_mm2
from LaMoDCore.heart.cycle.plateau import first_or_middle_of_largest, middle_of_largest, middle_of_smallest
from LaMoDCore.strain import end_systole
from Testing.Core.heart.turned_heart import AXES, directions, grid_across, slice_of

#: Narrowing of the cavity in 12 frames: end-systole is frames 4 to 8.
PLATEAU = [0.0, 0.1, 0.2, 0.25, 0.3, 0.3, 0.3, 0.3, 0.3, 0.2, 0.1, 0.05]


def heart(roll=0, squeeze=PLATEAU):
    axis = AXES["real"]
    septum = directions(axis, 0)["septum"]
    return slice_of(grid_across(axis), septum, frames=len(squeeze), with_rv=False, areas=np.roll(squeeze, roll))


@pytest.mark.parametrize("roll", range(12))
def test_end_systole_is_the_middle_of_its_plateau(roll):
    assert end_systole(Case((heart(roll),))) == (6 + roll) % 12


def test_end_diastole_is_the_middle_of_its_plateau():
    squeeze = [0.3, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.25, 0.28]
    slices = [heart(squeeze=squeeze)]
    frame, found = find_end_diastole(slices, total_cavity_area_mm2(slices))
    assert (frame, found.code, found.frame) == (5, "reference_frame_found", 5)
    early = [heart(squeeze=np.roll(squeeze, -4))]  # the plateau contains frame 0, where a triggered cine begins
    assert find_end_diastole(early, total_cavity_area_mm2(early)) == (0, None)


def test_runs_that_cross_the_end_of_the_cycle_and_frames_that_do_not_count():
    assert middle_of_largest([1, 1, 0, 0, 0, 1, 1, 1]) == 7
    assert middle_of_smallest([3, 2, 2, 2, 3]) == 2
    assert middle_of_smallest([3, 2, 2, 3]) == 1  # of two, the earlier
    assert middle_of_smallest([3, 2, 2, 2, 3], [True, True, True, False, True]) == 1
    assert middle_of_smallest([0, 1, 0, 0, 0, 1]) == 3  # the longest run
    assert middle_of_largest([5, 5, 5]) == 0  # nothing moves
    assert first_or_middle_of_largest([5, 3, 2, 3, 5, 5]) == 0  # a triggered cine begins at end-diastole
    assert first_or_middle_of_largest([4, 3, 2, 3, 5, 5, 5]) == 5
    with pytest.raises(ValueError, match="no frame"):
        middle_of_largest([1, 2], [False, False])
