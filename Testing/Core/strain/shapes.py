"""Rings whose motion and strain have a closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid

#: x × y of a slice that is seen from the apex along the heart's expected axis.
NORMAL = np.array([-1.0, 1.0, 1.0]) / np.sqrt(3.0)


@dataclass(frozen=True)
class Ring:
    """An annulus R 27–37 mm that contracts without change of volume, with its exact strain."""

    mask: Array
    displacement_mm: Array
    ecc: Array
    err: Array


def incompressible_ring(
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    *,
    inner_mm: float = 27.0,
    outer_mm: float = 37.0,
    inner_ecc: float = -0.21,
    stretch_z: float = 0.88,
    off_center_mm: tuple[float, float] = (0.3, 0.2),
    field_of_view_mm: float = 100.0,
) -> Ring:
    """r² = r_i² + (R² − R_i²)/λ_z: u [2, H, W], Ecc = ½((r/R)² − 1), Err = ½((R/(λ_z r))² − 1)."""
    dx, dy = spacing_mm
    width, height = round(field_of_view_mm / dx), round(field_of_view_mm / dy)
    x = (np.arange(width) - (width - 1) / 2)[None, :] * dx + off_center_mm[0]
    y = (np.arange(height) - (height - 1) / 2)[:, None] * dy + off_center_mm[1]
    radius = np.hypot(x, y)
    mask = (radius >= inner_mm) & (radius <= outer_mm)
    inner = inner_mm * np.sqrt(1 + 2 * inner_ecc)
    moved = np.sqrt(np.maximum(inner**2 + (radius**2 - inner_mm**2) / stretch_z, 1.0))
    scale = moved / np.maximum(radius, 1e-9)
    displacement = np.stack(((scale - 1) * x, (scale - 1) * y))
    return Ring(mask, displacement, 0.5 * (scale**2 - 1), 0.5 * ((1 / (stretch_z * scale)) ** 2 - 1))


def short_axis_grid(
    shape: tuple[int, int],
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    *,
    turn_degrees: float = 0.0,
    from_base: bool = False,
    depth_mm: float = 0.0,
) -> SliceGrid:
    """A slice across the heart's expected axis, optionally rotated in its plane, mirrored or moved towards the apex."""
    left = np.array([1.0, 0.0, 0.0])
    x = left - (left @ NORMAL) * NORMAL
    x /= np.linalg.norm(x)
    y = np.cross(NORMAL, x)
    angle = np.radians(turn_degrees)
    x, y = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    if from_base:
        x = -x
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing_mm[0], y * spacing_mm[1], NORMAL * 8.0
    center = np.array([(shape[1] - 1) / 2 * spacing_mm[0], (shape[0] - 1) / 2 * spacing_mm[1]])
    affine[:3, 3] = -(x * center[0] + y * center[1]) - NORMAL * depth_mm
    return SliceGrid(shape, affine)
