"""A long-axis plane through the synthetic ventricle: the contours in the fixed plane, and the strain of its tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.phantom.heart.long_axis.ventricle import Ventricle

#: Points of each wall, denser towards the apex.
_POINTS = 80
_ITERATIONS = 8
#: Points whose distance from the plane stays above this do not reach it: the tip of a ventricle that drifts sideways.
_OFF_PLANE_MM = 0.05


@dataclass(frozen=True, eq=False)
class LongAxisCut:
    """A plane through the long axis at end-diastole.

    Attributes:
        ventricle: the ventricle at its phases.
        angle: θ of the first wall; the second lies opposite.
        sideways_mm: distance of the plane from the axis: a foreshortened view.
    """

    ventricle: Ventricle
    angle: float
    sideways_mm: float = 0.0

    def contours_mm(self, frame: int, depth: float) -> Array:
        """The line [N, 2] of a depth (0 endocardium, 1 epicardium) in the plane, from the first wall to the second.

        In-plane mm: x towards the first wall, y towards the apex, from where the axis meets the mitral ring at
        end-diastole. The plane is fixed in space, so the tissue in it changes as the ventricle twists.
        """
        parts = []
        end = 1.0 if depth == 0 else 1.0 + depth * (self.ventricle.end_place - 1.0)
        for wall in (0, 1):
            place = end * (1 - (1 - np.linspace(0.0, 1.0, _POINTS)) ** 2)
            place[-1] = end * (1 - 1e-6)
            direction = self.angle + np.pi * wall
            theta = np.full(_POINTS, direction)
            offset = np.zeros(_POINTS, dtype=np.complex128)
            for step in range(_ITERATIONS):
                if step:
                    theta = theta - np.clip(np.angle(offset), -0.5, 0.5)
                about_axis, drift = self.ventricle.across(frame, place, theta, np.asarray(depth))
                offset = (about_axis + drift) * np.exp(-1j * direction) - 1j * self.sideways_mm * (1 - 2 * wall)
            reached = (np.abs(offset.imag) < _OFF_PLANE_MM) & (offset.real > 0)
            along = self.ventricle.height_mm(frame, place, theta)
            line = np.stack([offset.real * (1 - 2 * wall), self._depth_mm(along)], axis=1)[reached]
            parts.append(line if wall == 0 else line[::-1])
        return np.concatenate(parts)

    def _depth_mm(self, along: Array) -> Array:
        return np.asarray(self.ventricle.length_mm * self.ventricle.end_place - along)

    def followed(self, line_mm: Array, *, with_twist: bool = False) -> Array:
        """The tissue on an end-diastolic line [N, 2] of the wall (in-plane mm of `contours_mm`), over time.

        Args:
            line_mm: from the first wall to the second.
            with_twist: in three dimensions. Without it, in the meridian: distance from the moving axis, negative for
                the second wall, and position along the axis; the turn by which twist moves tissue out of the plane is
                left out.

        Returns:
            [T, N, 3] or [T, N, 2] mm.
        """
        place = line_mm[:, 1] / self.ventricle.length_mm
        theta = self.angle + np.pi * (line_mm[:, 0] < 0)
        depth = self.ventricle.depth_of(np.abs(line_mm[:, 0]), place, theta)
        moved = self.ventricle.surface(place, theta, depth)
        if with_twist:
            return np.stack([moved.across.real, moved.across.imag, moved.along], axis=-1)
        side = np.where(line_mm[:, 0] < 0, -1.0, 1.0)
        return np.stack([side * np.abs(moved.about_axis), self._depth_mm(moved.along)], axis=-1)

    def material_strain(self, line_mm: Array, *, with_twist: bool = False) -> Array:
        """Engineering strain [T] of the tissue on an end-diastolic line; see `followed`."""
        lengths = length_mm(self.followed(line_mm, with_twist=with_twist))
        return np.asarray(lengths / lengths[0] - 1)

    def grid(self, spacing_mm: float = 1.4, size: int = 160) -> SliceGrid:
        """A pixel grid of the plane in LPS whose in-plane x and y are those of the contours, with a margin."""
        subject = self.ventricle.subject
        first = subject.slices()[0]
        base = first.parameters.center_lps + subject.axis_lps * first.parameters.place * self.ventricle.length_mm
        directions = first.grid.directions
        x = directions @ np.array([np.cos(self.angle), -np.sin(self.angle)])
        side = directions @ np.array([-np.sin(self.angle), -np.cos(self.angle)])
        y = -subject.axis_lps
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing_mm, y * spacing_mm, np.cross(x, y) * 8.0
        margin = spacing_mm * (size - 1) / 2
        middle = y * self.ventricle.length_mm / 2
        affine[:3, 3] = base + side * self.sideways_mm + middle - (x + y) * margin
        return SliceGrid((size, size), affine)

    def in_grid_mm(self, points_mm: Array, grid: SliceGrid) -> Array:
        """Convert points [N, 2] of `contours_mm` to the in-plane mm of a grid of `grid`."""
        margin = np.array(grid.spacing_mm) * (grid.shape[0] - 1) / 2
        return np.asarray(points_mm + margin - [0.0, self.ventricle.length_mm / 2])
