"""Borders between segments as lines across the wall."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.ring.mask import epicardial_region
from LaMoDCore.strain.segments import APICAL_SEPTUM_START_DEGREES, FOUR_NAMES, SegmentMap

_STEP_PIXELS = 0.25


def border_angles(segments: SegmentMap) -> Array:
    """[S]: angle at which each segment begins, radians counter-clockwise seen from the apex."""
    count = len(segments.names)
    start = np.radians(APICAL_SEPTUM_START_DEGREES - 90) if count == len(FOUR_NAMES) else 0.0
    return np.asarray(segments.insertion_angle + start + np.arange(count) * 2 * np.pi / count)


def segment_lines(segments: SegmentMap, myocardium: Array, grid: SliceGrid) -> Array:
    """Lines from the inner to the outer edge of the wall at the beginning of each segment.

    Args:
        segments: the segments of this wall.
        myocardium: bool [H, W].
        grid: the slice's grid.

    Returns:
        [S, 2, 2] in pixel coordinates (x, y). A border without wall has a line of length zero at the centre.
    """
    center = np.array(segments.center_xy)
    reach = np.arange(0.0, float(np.hypot(*grid.shape)), _STEP_PIXELS)
    region = epicardial_region(myocardium)
    lines = np.tile(center, (len(segments.names), 2, 1))
    for s, angle in enumerate(grid.view_sign * border_angles(segments)):
        direction = np.array([np.cos(angle), -np.sin(angle)]) / np.array(grid.spacing_mm)
        path = center + reach[:, None] * direction * float(np.mean(grid.spacing_mm))
        on_wall = np.flatnonzero(_at(myocardium, path))
        inside = np.flatnonzero(_at(region, path))
        if on_wall.size:
            lines[s] = path[[on_wall[0], max(inside[-1], on_wall[-1])]]
    return lines


def segment_centers(segments: SegmentMap) -> Array:
    """[S, 2]: pixel coordinates (x, y) of the centroid of each segment; NaN for a segment without pixels."""
    centers = np.full((len(segments.names), 2), np.nan)
    for s in range(len(segments.names)):
        rows, columns = np.nonzero(segments.labels == s + 1)
        if rows.size:
            centers[s] = columns.mean(), rows.mean()
    return centers


def _at(mask: Array, path: Array) -> Array:
    """bool [N]: the mask at pixel coordinates [N, 2]; False outside the image."""
    x, y = np.rint(path).astype(int).T
    on = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    values = np.zeros(len(path), dtype=bool)
    values[on] = mask[y[on], x[on]]
    return values
