"""Closed contours in the patient -> masks on a slice's pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.ring.curves import closed_curve, inside_polygon
from LaMoDCore.runtime.errors import LaMoDInputError

#: Points this far from the slice's plane belong to another slice.
IN_PLANE_MM = 2.0
#: Contours traced along pixel centres leave it to the file's last decimal whether such a pixel is inside. A hundredth
#: of a pixel towards the first column and row decides as rasterisers do: a pixel's left and upper edge belong to it.
_TIE_PX = 0.01


@dataclass(frozen=True, eq=False)
class FrameCurves:
    """One frame's contours, LPS mm [N, 3] each, in order along the contour."""

    endo_lps: Array
    epi_lps: Array


def in_order_about_center(points_lps: Array, grid: SliceGrid) -> Array:
    """Points [N, 3] of one closed contour, sorted by angle about their centre in the slice's plane."""
    xy = grid.lps_to_pixel(points_lps) * np.array(grid.spacing_mm)
    angles = np.arctan2(*(xy - xy.mean(axis=0)).T[::-1])
    return np.asarray(points_lps[np.argsort(angles, kind="stable")])


def masks_of_curves(
    curves: Mapping[int, FrameCurves], frames: int, grid: SliceGrid, source: str
) -> tuple[Array, Array]:
    """Myocardium and cavity, bool [T, H, W] each; frames without contours are empty.

    Args:
        curves: contours by frame, counted from 0.
        frames: T.
        grid: the slice.
        source: the file, for errors.

    Raises:
        LaMoDInputError: contours off the plane, with too few points, or of a frame that is not there.
    """
    myocardium = np.zeros((frames, *grid.shape), dtype=bool)
    cavity = np.zeros_like(myocardium)
    for frame, pair in sorted(curves.items()):
        if not 0 <= frame < frames:
            raise LaMoDInputError(
                source, f"it has contours of frame {frame} and the cine {frames} frames", "give the cine they belong to"
            )
        filled = []
        for name, points in (("endocardium", pair.endo_lps), ("epicardium", pair.epi_lps)):
            if len(points) < 3:
                raise LaMoDInputError(
                    source, f"the {name} of frame {frame} has {len(points)} points", "draw at least three"
                )
            off = float(np.abs(grid.distance_mm(points)).max())
            if off > IN_PLANE_MM:
                raise LaMoDInputError(
                    source,
                    f"its contours lie up to {off:.1f} mm from the slice's plane",
                    "give the cine or the slice on which they were drawn",
                )
            filled.append(inside_polygon(closed_curve(grid.lps_to_pixel(points)) - _TIE_PX, grid.shape))
        cavity[frame] = filled[0]
        myocardium[frame] = filled[1] & ~filled[0]
    return myocardium, cavity
