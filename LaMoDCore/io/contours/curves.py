"""Rasterise closed contours in LPS coordinates on the pixels of a slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.ring.curves import closed_curve, inside_polygon
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted

#: Points farther from the slice's plane than this belong to another slice.
IN_PLANE_MM = 2.0
#: Whether a pixel centre on a contour is inside depends on the file's last decimal. A shift by a hundredth of a pixel
#: towards the first column and row resolves this as rasterisers do: the left and upper edge belong to a pixel.
_TIE_PX = 0.01


@dataclass(frozen=True, eq=False)
class FrameCurves:
    """Endocardium and epicardium of one frame: points [N, 3] in LPS mm, in order along the contour."""

    endo_lps: Array
    epi_lps: Array


def in_order_about_center(points_lps: Array, grid: SliceGrid) -> Array:
    """Sort the points [N, 3] of one closed contour by their angle around the centre in the slice's plane."""
    xy = grid.lps_to_pixel(points_lps) * np.array(grid.spacing_mm)
    angles = np.arctan2(*(xy - xy.mean(axis=0)).T[::-1])
    return np.asarray(points_lps[np.argsort(angles, kind="stable")])


def masks_of_curves(
    curves: Mapping[int, FrameCurves], frames: int, grid: SliceGrid, source: str
) -> tuple[Array, Array]:
    """Rasterise the contours of every frame; frames without contours are empty.

    Args:
        curves: contours by frame, counted from 0.
        frames: T.
        grid: pixel grid of the slice.
        source: name of the file for errors.

    Returns:
        Myocardium and cavity, bool [T, H, W] each.

    Raises:
        LaMoDInputError: contours lie off the plane, have too few points, or belong to a frame that does not exist.
    """
    myocardium = np.zeros((frames, *grid.shape), dtype=bool)
    cavity = np.zeros_like(myocardium)
    for frame, pair in sorted(curves.items()):
        if not 0 <= frame < frames:
            raise LaMoDInputError(
                source,
                f"it has contours of frame {frame}, but the cine has {frames} frames",
                "give the cine of the contours",
            )
        filled = []
        for name, points in (("endocardium", pair.endo_lps), ("epicardium", pair.epi_lps)):
            if len(points) < 3:
                raise LaMoDInputError(
                    source, f"the {name} of frame {frame} has {counted(len(points), 'point')}", "draw at least three"
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
