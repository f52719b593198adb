"""Open curves [N, 2] in mm: length, resampling, smoothing."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array

#: Distance of the points of a resampled curve.
_STEP_MM = 0.5
#: A cubic is fitted to the points of a traced curve within half of this distance. Pixel steps are about 1.4 mm long and
#: would lengthen a curve by several per cent; an apex with a radius of 6 mm keeps its length within 1 %.
SMOOTHING_MM = 12.0


def length_mm(points: Array) -> Array:
    """Length [...] of polylines [..., N, 2]; NaN if a point is."""
    return np.asarray(np.linalg.norm(np.diff(points, axis=-2), axis=-1).sum(axis=-1))


def resampled(points: Array, count: int) -> Array:
    """`count` points [count, 2] at equal distances along a polyline [N, 2]."""
    along = _arc_length(points)
    return _at(points, along, np.linspace(0.0, along[-1], count))


def smoothed(points: Array, window_mm: float = SMOOTHING_MM) -> Array:
    """A traced curve [N, 2] without the steps of its pixels: a running cubic fit (Savitzky–Golay) along the arc.

    The ends are fitted with the same cubics, so they do not move inwards as with a running mean.

    Args:
        points: the curve, at any distances.
        window_mm: length of the fit; a shorter curve is fitted as a whole.

    Returns:
        [M, 2], points about 0.5 mm apart.
    """
    from scipy.signal import savgol_filter  # only here, as its import takes long

    count = max(8, round(float(length_mm(points)) / _STEP_MM) + 1)
    dense = resampled(points, count)
    window = min(round(window_mm / _STEP_MM) | 1, (count - 1) | 1 if count % 2 else count - 1)
    if window < 5:
        return dense
    return np.asarray(savgol_filter(dense, window, 3, axis=0, mode="interp"))


def through(points: Array) -> Array:
    """A smooth open curve [M, 2] through a few control points [N, 2] (centripetal cubic spline)."""
    from scipy.interpolate import CubicSpline  # only here, as its import takes long

    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    points = points[np.concatenate([[True], steps > 1e-6])]
    if len(points) < 3:
        return np.asarray(points)
    along = np.concatenate([[0.0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(points, axis=0), axis=1)))])
    spline = CubicSpline(along, points)
    return np.asarray(spline(np.linspace(0.0, along[-1], 16 * len(points))))


def _arc_length(points: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def _at(points: Array, along: Array, places: Array) -> Array:
    return np.stack([np.interp(places, along, points[:, axis]) for axis in range(2)], axis=1)
