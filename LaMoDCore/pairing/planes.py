"""Match short-axis planes of two scans by their geometry, and estimate the shift of the heart between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.ring.mask import epicardial_region

#: Largest distance and angle between the planes of a pair; the paper pairs cine and DENSE slices within ± 2 mm.
WITHIN_MM, WITHIN_DEGREES = 2.0, 5.0
#: Hearts farther apart in the plane than this are not one heart in two breath-holds.
LARGEST_SHIFT_MM = 20.0


@dataclass(frozen=True)
class PlaneMatch:
    """Two planes that belong together.

    Attributes:
        first: index of the first scan's plane.
        second: index of the second scan's plane.
        distance_mm: distance of the second plane from the first at the heart, along the first plane's normal.
        angle_degrees: angle between the planes.
    """

    first: int
    second: int
    distance_mm: float
    angle_degrees: float


def plane_offset(first: SliceGrid, second: SliceGrid, heart_lps: npt.ArrayLike) -> tuple[float, float]:
    """Signed distance in mm at the heart and angle in degrees between two planes.

    The distance is that from the heart's projection on the second plane to the first plane.
    """
    cosine = min(1.0, abs(float(first.normal @ second.normal)))
    heart = np.asarray(heart_lps, dtype=np.float64)
    on_second = heart - second.distance_mm(heart) * second.normal
    return float(first.distance_mm(on_second)), float(np.degrees(np.arccos(cosine)))


def match_planes(
    first: Sequence[SliceGrid], second: Sequence[SliceGrid], hearts_lps: Sequence[Array]
) -> list[PlaneMatch]:
    """Pair as many planes as possible within `WITHIN_MM` and `WITHIN_DEGREES`, at the smallest sum of distances.

    Args:
        first: planes of the first scan.
        second: planes of the second scan.
        hearts_lps: [3] each, the ventricle's centre in every plane of the first scan.

    Returns:
        The pairs in the order of the first scan; a plane occurs once.
    """
    if not first or not second:
        return []
    offsets = [[plane_offset(a, b, heart) for b in second] for a, heart in zip(first, hearts_lps, strict=True)]
    far = 1e3 * WITHIN_MM
    cost = np.array([[abs(d) if _fits(d, angle) else far for d, angle in row] for row in offsets])
    rows, columns = linear_sum_assignment(cost)
    return [
        PlaneMatch(int(i), int(j), *offsets[i][j])
        for i, j in sorted(zip(rows, columns, strict=True))
        if cost[i, j] < far
    ]


def _fits(distance_mm: float, angle_degrees: float) -> bool:
    return abs(distance_mm) <= WITHIN_MM and angle_degrees <= WITHIN_DEGREES


def nearest(plane: SliceGrid, others: Sequence[SliceGrid], hearts_lps: Sequence[Array]) -> tuple[float, float]:
    """Distance in mm and angle in degrees of the plane that fits best, for the reason why none fits.

    Args:
        plane: a plane of the second scan.
        others: planes of the first scan, at least one.
        hearts_lps: [3] each, the ventricle's centre in these.
    """
    offsets = [plane_offset(other, plane, heart) for other, heart in zip(others, hearts_lps, strict=True)]
    distance, angle = min(offsets, key=lambda o: max(abs(o[0]) / WITHIN_MM, o[1] / WITHIN_DEGREES))
    return abs(distance), angle


def center_lps(myocardium: Array, grid: SliceGrid) -> Array:
    """[3] LPS mm: centroid of the epicardial region of a wall [H, W]."""
    rows, columns = np.nonzero(epicardial_region(myocardium))
    return grid.pixel_to_lps([columns.mean(), rows.mean()])


def shift_lps(first: Array, first_grid: SliceGrid, second: Array, second_grid: SliceGrid) -> Array:
    """[3] LPS mm: shift of the ventricle from the first scan to the second within the first's plane, at end-diastole.

    It is the difference between the centroids of the epicardial regions, which contour conventions and the resolution
    hardly affect.

    Args:
        first: wall [H, W] of the first scan at end-diastole.
        first_grid: its pixels.
        second: wall of the second scan at end-diastole.
        second_grid: its pixels.
    """
    offset = center_lps(second, second_grid) - center_lps(first, first_grid)
    return np.asarray(offset - (offset @ first_grid.normal) * first_grid.normal)


def on_plane(point_lps: npt.ArrayLike, grid: SliceGrid) -> Array:
    """[3]: the point's orthogonal projection on a plane."""
    point = np.asarray(point_lps, dtype=np.float64)
    return np.asarray(point - float(grid.distance_mm(point)) * grid.normal)
