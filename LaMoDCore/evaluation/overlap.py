"""Agreement of two masks: overlap, and distance between their contours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from LaMoDCore.heart.geometry import Array


def dice(first: Array, second: Array) -> float:
    """2 |A ∩ B| / (|A| + |B|) (Dice, Ecology 26, 1945); 1 if both are empty.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.shape != b.shape:
        raise ValueError(f"masks must have one shape, got {a.shape} and {b.shape}")
    total = int(a.sum()) + int(b.sum())
    return 2.0 * int((a & b).sum()) / total if total else 1.0


@dataclass(frozen=True)
class ContourDistances:
    """Distances between two contours in mm.

    Attributes:
        mean: mean distance from each contour to the other, averaged over both directions.
        hausdorff: largest distance.
        hausdorff_95: larger one of the two directions' 95th percentiles.
    """

    mean: float
    hausdorff: float
    hausdorff_95: float


def contour_distances(first: Array, second: Array, spacing_mm: tuple[float, float]) -> ContourDistances:
    """Distances between the borders of two masks [H, W].

    A border is the set of midpoints between a pixel inside and its neighbour outside, so equal masks have distance 0
    and a mask dilated by one pixel has a distance of one pixel. A ring has two borders: use a filled region for one.

    Args:
        first: bool [H, W].
        second: bool [H, W].
        spacing_mm: (dx, dy).

    Returns:
        NaN if a mask has no border.
    """
    a, b = border_points_mm(first, spacing_mm), border_points_mm(second, spacing_mm)
    if len(a) == 0 or len(b) == 0:
        return ContourDistances(float("nan"), float("nan"), float("nan"))
    there, back = cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]
    return ContourDistances(
        mean=float((there.mean() + back.mean()) / 2),
        hausdorff=float(max(there.max(), back.max())),
        hausdorff_95=float(max(np.percentile(there, 95), np.percentile(back, 95))),
    )


def border_points_mm(mask: Array, spacing_mm: tuple[float, float]) -> Array:
    """Points (x, y) in mm half-way between each pixel inside and each 4-neighbour outside: [P, 2]."""
    inside = np.pad(np.asarray(mask, dtype=bool), 1)
    dx, dy = spacing_mm
    rows, columns = np.nonzero(inside[:, 1:] != inside[:, :-1])
    across = np.stack([(columns - 0.5) * dx, (rows - 1.0) * dy], axis=1)
    rows, columns = np.nonzero(inside[1:] != inside[:-1])
    down = np.stack([(columns - 1.0) * dx, (rows - 0.5) * dy], axis=1)
    return np.concatenate([across, down])
