"""Slice summation: the extent along the long axis that each short-axis slice represents, including gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid

#: Slices closer than this lie in one plane and would be counted twice.
SAME_PLANE_MM = 0.5


def slice_heights_mm(grids: Sequence[SliceGrid]) -> Array:
    """Height along the long axis that each slice represents in a sum of areas.

    A slice extends half-way to each neighbour. Beyond the first and the last slice half a slice spacing is added, so
    that an evenly spaced stack of n slices has the height n × spacing.

    Args:
        grids: grids of the slices from base to apex, or the reverse.

    Returns:
        float64 [Z] mm.

    Raises:
        ValueError: no slice, two slices in one plane, or slices that are not sorted along the axis.
    """
    if not grids:
        raise ValueError("a stack has at least one slice")
    if len(grids) == 1:
        return np.array([grids[0].slice_spacing_mm])
    normal = grids[0].normal
    positions = np.array([g.center_lps @ normal for g in grids])
    steps = np.diff(positions)
    if (np.abs(steps) < SAME_PLANE_MM).any():
        raise ValueError("two slices lie in one plane")
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError("slices must be sorted along the long axis")
    gaps = np.abs(steps)
    heights = np.empty(len(grids))
    heights[1:-1] = (gaps[:-1] + gaps[1:]) / 2
    heights[0] = (gaps[0] + min(grids[0].slice_spacing_mm, gaps[0])) / 2
    heights[-1] = (gaps[-1] + min(grids[-1].slice_spacing_mm, gaps[-1])) / 2
    return heights
