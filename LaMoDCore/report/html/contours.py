"""Contours of masks as closed lines, and their motion."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import signed_distance_mm
from LaMoDCore.report.html.view import View

#: Distance between points of a line, mm, and their smallest and largest number.
_STEP_MM, _FEWEST, _MOST = 1.6, 12, 120
#: Smoothing that removes the steps of the pixels, in pixels.
_SMOOTHING_PX = 1.2
_MARGIN_PX = 4


def closed_lines(mask: Array, spacing_mm: tuple[float, float]) -> list[Array]:
    """The borders of a mask [H, W] as smooth closed lines of pixel coordinates (x, y), each [P, 2]."""
    from contourpy import contour_generator

    inside = np.asarray(mask, dtype=bool)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return []
    box = np.pad(inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], _MARGIN_PX)
    distance = ndimage.gaussian_filter(signed_distance_mm(box, spacing_mm), _SMOOTHING_PX)
    corner = np.array([columns[0], rows[0]]) - _MARGIN_PX
    lines = [np.asarray(line) + corner for line in contour_generator(z=distance).lines(0.0)]
    return [_evenly(line, spacing_mm) for line in lines if len(line) > 3]


def _evenly(line: Array, spacing_mm: tuple[float, float]) -> Array:
    """A closed line [Q, 2] of pixel coordinates, whose last point is its first, with points at equal distances."""
    steps = np.linalg.norm(np.diff(line, axis=0) * spacing_mm, axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    count = int(np.clip(along[-1] / _STEP_MM, _FEWEST, _MOST))
    at = np.linspace(0.0, along[-1], count, endpoint=False)
    return np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], axis=1)


def carried(line: Array, displacement_mm: Array, spacing_mm: tuple[float, float]) -> Array:
    """Pixel coordinates [T, P, 2] of points [P, 2] of the reference frame, moved by a displacement [T, 2, H, W]."""
    at = [line[:, 1], line[:, 0]]
    moved = [
        [ndimage.map_coordinates(component, at, order=1, mode="nearest") for component in frame]
        for frame in displacement_mm
    ]
    return np.asarray(line + np.moveaxis(np.array(moved), 1, -1) / spacing_mm)


def carried_outlines(view: View, displacement_mm: Array, myocardium: Array) -> list[Array]:
    """Outlines of the wall in the view, carried by a displacement [T, 2, H, W]: [T, P, 2] mm each."""
    spacing = view.grid.spacing_mm
    return [view.points(carried(line, displacement_mm, spacing)) for line in closed_lines(myocardium, spacing)]
