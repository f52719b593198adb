"""The radial and circumferential directions of a short-axis slice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import epicardial_region, is_closed_ring

#: Pixels closer to the centre than this many pixels have no radial direction.
MIN_RADIUS_PIXELS = 0.5


def ventricle_center(myocardium: Array) -> tuple[float, float]:
    """Centroid of the epicardial region, pixels (x, y).

    Where the ring is open (at the outflow tract, or because of a gap in the contour), the centroid of its convex hull.

    Args:
        myocardium: bool [H, W].

    Returns:
        (x, y); NaN for an empty mask.
    """
    ring = np.asarray(myocardium, dtype=bool)
    if not ring.any():
        return float("nan"), float("nan")
    if not is_closed_ring(ring):
        hull = _hull_centroid(ring)
        if hull is not None:
            return hull
    y, x = np.nonzero(epicardial_region(ring))
    return float(x.mean()), float(y.mean())


def local_directions(
    points_mm: Array, center_mm: npt.ArrayLike, view_sign: int = 1, min_radius_mm: float = 0.0
) -> tuple[Array, Array]:
    """Unit vectors of increasing radius and of increasing angle, counter-clockwise as seen from the apex.

    Args:
        points_mm: [P, 2] positions (x, y).
        center_mm: (x, y).
        view_sign: `SliceGrid.view_sign`: +1 if the array with rows downwards is the view from the apex.
        min_radius_mm: points closer to the centre have no directions.

    Returns:
        Radial [P, 2] and circumferential [P, 2], NaN where there is no direction.
    """
    arm = points_mm - np.asarray(center_mm, dtype=np.float64)
    radius = np.hypot(arm[:, 0], arm[:, 1])
    radial = arm / np.where(radius > max(min_radius_mm, 1e-12), radius, np.nan)[:, None]
    circumferential = view_sign * np.stack((radial[:, 1], -radial[:, 0]), axis=1)
    return radial, circumferential


def _hull_centroid(ring: Array) -> tuple[float, float] | None:
    from scipy.spatial import ConvexHull, QhullError  # only here, as its import takes long

    y, x = np.nonzero(ring)
    points = np.stack((x, y), axis=1).astype(np.float64)
    try:
        corners = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # fewer than three pixels, or all on one line
        return None
    following = np.roll(corners, -1, axis=0)
    cross = corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]
    centroid = ((corners + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
    return float(centroid[0]), float(centroid[1])
