"""A ring with a right ventricle along any long axis, with known wall directions in the patient."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid

#: Long axes from base to apex in LPS: usual, real (Se3), vertical, left, horizontal, anterior, inferior.
AXES = {
    "usual": (1.0, -1.0, -1.0),
    "real": (0.48, -0.62, -0.62),
    "vertical": (0.3, -0.5, -0.8),
    "left": (0.75, -0.6, -0.3),
    "horizontal": (0.9, -0.4, -0.15),
    "anterior": (0.5, -0.8, -0.3),
    "inferior": (0.3, -0.3, -0.9),
}
#: The middle of the anterior wall before the heart is turned.
ANTERIOR_WALL = (0.2, -0.45, 0.85)
INNER_MM, OUTER_MM, RV_MM = 22.0, 31.0, 14.0
CENTER_LPS = np.array([20.0, -40.0, 5.0])


def unit(vector):
    return np.asarray(vector, float) / np.linalg.norm(vector)


def turned(vector, axis, degrees):
    """Rotate about an axis, counter-clockwise seen from its tip."""
    axis, angle = unit(axis), np.radians(degrees)
    vector = np.asarray(vector, float)
    return (
        vector * np.cos(angle) + np.cross(axis, vector) * np.sin(angle) + axis * (axis @ vector) * (1 - np.cos(angle))
    )


def directions(axis, turn_degrees, anterior=ANTERIOR_WALL):
    """Unit vectors in LPS by name: anterior wall, septum, both insertions; counter-clockwise seen from the apex."""
    axis = unit(axis)
    start = unit(np.asarray(anterior) - (np.asarray(anterior) @ axis) * axis)
    at = {"anterior wall": 0, "anterior insertion": 30, "septum": 90, "inferior insertion": 150, "lateral wall": 240}
    return {name: turned(start, axis, turn_degrees + degrees) for name, degrees in at.items()}


def grid_across(axis, *, flip=False, turn_degrees=20.0, depth_mm=0.0, size=96, spacing_mm=1.5):
    """A slice across the axis, seen from the apex, or from the base with `flip`."""
    axis = unit(axis)
    x = unit(np.cross(axis, (0.1, 0.7, 0.6)))
    x = turned(x, axis, turn_degrees)
    y = np.cross(-axis, x) * (-1 if flip else 1)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing_mm, y * spacing_mm, np.cross(x, y) * 8.0
    affine[:3, 3] = CENTER_LPS + depth_mm * axis - (x + y) * spacing_mm * (size - 1) / 2
    return SliceGrid((size, size), affine)


def slice_of(grid, septum_lps, *, frames=8, with_rv=True, shrink=1.0, half_arc_degrees=60.0, areas=None):
    """A contracting ring about `CENTER_LPS`, with a right ventricle next to the septum."""
    rows, columns = np.indices(grid.shape)
    arm = grid.vectors_from_lps(grid.pixel_to_lps(np.stack([columns, rows], axis=-1)) - CENTER_LPS)
    radius = np.hypot(arm[..., 0], arm[..., 1])
    toward = grid.vectors_from_lps(septum_lps)
    angle = np.degrees(np.arctan2(arm[..., 1], arm[..., 0]) - np.arctan2(toward[1], toward[0]))
    near = np.abs((angle + 180) % 360 - 180) <= half_arc_degrees
    squeeze = 0.3 * np.sin(np.pi * np.arange(frames) / frames) if areas is None else np.asarray(areas)
    outer, inner = shrink * OUTER_MM, shrink * INNER_MM * (1 - squeeze)
    myocardium = np.stack([(radius < outer) & (radius >= r) for r in inner])
    right = (radius >= outer) & (radius < outer + RV_MM) & near
    return CineSlice(
        name="ring",
        grid=grid,
        myocardium=myocardium,
        frame_times_ms=np.arange(frames) * 100.0,
        rr_ms=frames * 100.0,
        right_ventricle=np.repeat(right[None], frames, axis=0) if with_rv else None,
    )
