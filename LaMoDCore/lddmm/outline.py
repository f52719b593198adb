"""Outlines of a mask as closed curves in millimetres, and distances to them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from LaMoDCore.heart.geometry import Array
from LaMoDCore.lddmm.warp import contour_edges

#: Step of the initial sampling of outlines in pixels.
_FINE_PIXELS = 0.25
#: Standard deviation in pixels of the smoothing that removes the pixel steps of an outline.
_STAIR_PIXELS = 0.5
_FEWEST_POINTS = 6


def outlines(region: Array, spacing_mm: tuple[float, float]) -> list[Array]:
    """The boundaries of a region, midway between pixels inside and outside.

    Args:
        region: bool [H, W].
        spacing_mm: (dx, dy).

    Returns:
        Closed curves [P, 2] (x, y) in mm, finely and evenly sampled; the last point is next to the first.
    """
    starts, ends = contour_edges(np.asarray(region, dtype=bool))
    follows = {tuple(start): tuple(end) for start, end in zip(starts, ends, strict=True)}
    curves = []
    while follows:
        point = next(iter(follows))
        loop = []
        while point in follows:
            loop.append(point)
            point = follows.pop(point)
        step = _FINE_PIXELS * min(spacing_mm)
        curve, length = resampled(np.array(loop) * np.asarray(spacing_mm), step)
        curves.append(ndimage.gaussian_filter1d(curve, _STAIR_PIXELS * min(spacing_mm) / length, axis=0, mode="wrap"))
    return curves


def resampled(curve: Array, step_mm: float) -> tuple[Array, float]:
    """Resample a closed curve [P, 2] with even steps: points [Q, 2], and the resulting step in mm."""
    closed = np.concatenate((curve, curve[:1]))
    along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))))
    count = max(_FEWEST_POINTS, round(along[-1] / step_mm))
    where = np.arange(count) * (along[-1] / count)
    points = np.stack([np.interp(where, along, closed[:, axis]) for axis in (0, 1)], axis=1)
    return points, float(along[-1] / count)


def distance_to_outlines(region: Array, curves: list[Array], spacing_mm: tuple[float, float]) -> Array:
    """Signed distance [H, W] in mm of every pixel centre from the outlines of a region, negative inside."""
    height, width = region.shape
    rows, columns = np.mgrid[:height, :width]
    centres = np.stack((columns * spacing_mm[0], rows * spacing_mm[1]), axis=-1)
    distance = cKDTree(np.concatenate(curves)).query(centres)[0]
    return np.asarray(np.where(region, -distance, distance))


def distance_to_depth(region: Array, spacing_mm: tuple[float, float]) -> Array:
    """Distance [H, W] in mm from a disc of one pixel at the region's deepest point, in place of a closed cavity."""
    depth = ndimage.distance_transform_edt(region, sampling=spacing_mm[::-1])
    row, column = np.unravel_index(int(np.argmax(depth)), region.shape)
    rows, columns = np.mgrid[: region.shape[0], : region.shape[1]]
    away = np.hypot((columns - column) * spacing_mm[0], (rows - row) * spacing_mm[1])
    return np.asarray(away - 0.5 * min(spacing_mm))
