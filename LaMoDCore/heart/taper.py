"""Tell base from apex by the anatomy, for images whose header does not state it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import epicardial_region

#: One end of a stack is the base if its ventricle has at least this multiple of the other end's area …
_LEFT_RATIO = 1.15
#: … or, where the left ventricle hardly tapers, if its right ventricle has.
_RIGHT_RATIO = 1.3
_FEWEST_SLICES = 3


def runs_from_apex(left_mm2: Sequence[float], right_mm2: Sequence[float]) -> bool:
    """Whether a stack of slices begins at the apex: its ventricles grow from the first to the last slice.

    The left ventricle tapers towards the apex, and the right ventricle ends before it. The first and the last third of
    the slices are compared. False where the slices do not show it.

    Args:
        left_mm2: area within the epicardium of each slice at one phase.
        right_mm2: area of the right ventricle; zeros if it is not drawn.
    """
    if len(left_mm2) < _FEWEST_SLICES:
        return False
    third = max(1, len(left_mm2) // 3)
    for areas, ratio in ((left_mm2, _LEFT_RATIO), (right_mm2, _RIGHT_RATIO)):
        first, last = float(np.mean(areas[:third])), float(np.mean(areas[-third:]))
        if max(first, last) > ratio * min(first, last):
            return last > first
    return False


def areas_mm2(slice_: CineSlice) -> tuple[float, float]:
    """Areas within the epicardium in the first frame and of the right ventricle in the frame in which it is largest."""
    pixel = float(np.prod(slice_.grid.spacing_mm))
    right = slice_.right_ventricle
    largest = 0 if right is None else int(right.sum(axis=(1, 2)).max())
    return float(epicardial_region(slice_.myocardium[0]).sum()) * pixel, largest * pixel


def axis_to_apex(slices: Sequence[CineSlice]) -> Array:
    """[3] LPS unit vector along the slices' normal towards the apex.

    It follows the order of the slices, which is from base to apex, or the orientation of a single slice.
    """
    axis = -slices[0].grid.normal * slices[0].grid.view_sign
    steps = float((slices[-1].grid.center_lps - slices[0].grid.center_lps) @ axis)
    return np.asarray(-axis if steps < 0 else axis)
