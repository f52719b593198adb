"""Closed curves and polygons as masks."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array

#: Readers place up to two dozen control points; contours with more points were traced.
_MOST_CONTROL_POINTS = 30


def closed_curve(points: Array, samples: int = 256) -> Array:
    """A smooth closed curve through control points.

    Few control points define a curve through them: a polygon would cut off up to a tenth of the area. Contours traced
    with many points stay polygons.

    Args:
        points: [N, 2] control points (x, y) in pixels, N ≥ 3.
        samples: number of points of the curve.

    Returns:
        [M, 2].
    """
    from scipy.interpolate import CubicSpline  # only here, as its import takes long

    unique = points[np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1) > 1e-9]
    if len(unique) < 4 or len(unique) > _MOST_CONTROL_POINTS:
        return np.asarray(unique)
    steps = np.linalg.norm(np.roll(unique, -1, axis=0) - unique, axis=1)
    # centripetal parametrisation: unevenly spaced points make no loops or bulges (Lee, CAD 21:363, 1989)
    length = np.concatenate([[0.0], np.cumsum(np.sqrt(steps))])
    spline = CubicSpline(length, np.vstack([unique, unique[:1]]), bc_type="periodic")
    return np.asarray(spline(np.linspace(0.0, length[-1], samples, endpoint=False)))


def inside_polygon(polygon: Array, shape: tuple[int, int]) -> Array:
    """Pixels whose centre lies inside a closed polygon [N, 2] of (x, y) pixels, even-odd rule: bool [H, W]."""
    inside = np.zeros(shape, dtype=bool)
    columns = np.arange(shape[1], dtype=np.float64)
    rows = np.arange(shape[0], dtype=np.float64)[:, None]
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (rows < max(y0, y1)) & (rows >= min(y0, y1))
        inside ^= crosses & (columns < x0 + (rows - y0) * (x1 - x0) / (y1 - y0))
    return inside


def on_polygon(polygon: Array, shape: tuple[int, int], tolerance: float = 1e-6) -> Array:
    """Pixels whose centre lies on the edge of a closed polygon [N, 2] of (x, y) pixels: bool [H, W]."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    hit = np.zeros(shape, dtype=bool)
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        along = end - start
        length2 = float(along @ along)
        if length2 == 0.0:
            continue
        share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length2, 0.0, 1.0)
        hit |= np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1]) <= tolerance
    return hit


def ring_mask(epicardium: Array, endocardium: Array, shape: tuple[int, int]) -> Array:
    """The wall between two closed contours [N, 2] of (x, y) pixels, pixel (0, 0) at the origin: bool [H, W].

    A pixel centre on either contour belongs to the wall, as in DENSEanalysis; otherwise contours traced along pixel
    centres would lose half a pixel.
    """
    outer, inner = closed_curve(epicardium), closed_curve(endocardium)
    wall = inside_polygon(outer, shape) & ~inside_polygon(inner, shape)
    return np.asarray(wall | on_polygon(outer, shape) | on_polygon(inner, shape))
