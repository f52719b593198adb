"""The part of a slice that the page shows, as seen from the apex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.case import SliceStrain
from LaMoDCore.heart.geometry import Array, SliceGrid

#: Surroundings of the wall that are shown, mm: enough for the right ventricle's septal half and the lung.
_MARGIN_MM = 24.0
#: Half the side of the square if the reference wall is empty, mm.
_EMPTY_HALF_MM = 60.0


@dataclass(frozen=True, eq=False)
class View:
    """A square of a slice. Its coordinates are mm from its upper left corner, x to the right and y down on screen.

    Attributes:
        grid: the slice's pixel grid.
        center_mm: (x, y) from pixel (0, 0) along the array's axes.
        half_mm: half the side of the square.
        is_mirrored: whether the columns of the array run from right to left in the view, as in a short-axis slice whose
            array is seen from the base.
    """

    grid: SliceGrid
    center_mm: tuple[float, float]
    half_mm: float
    is_mirrored: bool

    @property
    def _sign(self) -> int:
        return -1 if self.is_mirrored else 1

    def points(self, pixels: npt.ArrayLike) -> Array:
        """Convert pixel coordinates (x, y) [..., 2] to view coordinates in mm."""
        offset = np.asarray(pixels, dtype=np.float64) * self.grid.spacing_mm - self.center_mm
        return np.asarray(offset * (self._sign, 1) + self.half_mm)

    def vectors(self, vectors_mm: npt.ArrayLike) -> Array:
        """Convert in-plane vectors [..., 2] in mm along the array's axes to the view's axes."""
        return np.asarray(np.asarray(vectors_mm, dtype=np.float64) * (self._sign, 1))

    def box_px(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom edge in pixels of the array, where pixel 0 covers 0 to 1."""
        (cx, cy), half, (dx, dy) = self.center_mm, self.half_mm, self.grid.spacing_mm
        return (cx - half) / dx + 0.5, (cy - half) / dy + 0.5, (cx + half) / dx + 0.5, (cy + half) / dy + 0.5


def views_of(grids: list[SliceGrid], strains: list[SliceStrain]) -> list[View]:
    """One view per slice, centred on the reference wall, all with the size of the largest."""
    boxes = [_box(grid, strain.myocardium) for grid, strain in zip(grids, strains, strict=True)]
    half = max((reach + _MARGIN_MM for _, reach in boxes if reach), default=_EMPTY_HALF_MM)
    return [View(grid, center, half, grid.view_sign < 0) for grid, (center, _) in zip(grids, boxes, strict=True)]


def view_around(grid: SliceGrid, wall: Array) -> View:
    """The view of one slice, centred on a wall, a mask [H, W]."""
    center, reach = _box(grid, wall)
    return View(grid, center, reach + _MARGIN_MM if reach else _EMPTY_HALF_MM, grid.view_sign < 0)


def _box(grid: SliceGrid, wall: Array) -> tuple[tuple[float, float], float]:
    """Centre (x, y) of the wall and half its larger extent, mm; the centre of the slice and 0 without a wall."""
    dx, dy = grid.spacing_mm
    rows, columns = np.nonzero(wall)
    if not rows.size:
        return ((grid.shape[1] - 1) * dx / 2, (grid.shape[0] - 1) * dy / 2), 0.0
    left, right, top, bottom = columns.min() * dx, columns.max() * dx, rows.min() * dy, rows.max() * dy
    return (float((left + right) / 2), float((top + bottom) / 2)), float(max(right - left, bottom - top) / 2)
