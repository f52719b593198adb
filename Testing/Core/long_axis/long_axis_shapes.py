"""Half-ellipsoidal ventricles cut by long-axis planes, with known lengths."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, SliceGrid
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.heart.pose import RIGHT_VENTRICLE_LPS

SPACING = 1.5
SIZE = 112
#: Angle of each view's first wall from the middle of the septum.
ANGLES = {"four_chamber": 30.0, "two_chamber": 90.0, "three_chamber": -30.0}
CENTER_LPS = np.array([30.0, -10.0, 20.0])


def long_axis_grid(degrees: float, spacing: float = SPACING) -> SliceGrid:
    """A plane through the usual long axis: x towards the wall at this angle from the septum, y towards the apex."""
    axis = BASE_TO_APEX_LPS
    septum = RIGHT_VENTRICLE_LPS - (RIGHT_VENTRICLE_LPS @ axis) * axis
    septum /= np.linalg.norm(septum)
    angle = np.radians(degrees)
    x = np.cos(angle) * septum + np.sin(angle) * np.cross(axis, septum)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing, axis * spacing, np.cross(x, axis) * 8.0
    affine[:3, 3] = CENTER_LPS - (x + axis) * spacing * (SIZE - 1) / 2
    return SliceGrid((SIZE, SIZE), affine)


def wall(radius: float, length: float, thickness: float, base: float = 25.0, *, shift: float = 0.0) -> np.ndarray:
    """The wall [SIZE, SIZE] around a half-ellipse that is cut `base` mm above its widest place; the apex is below."""
    y, x = (np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2) * SPACING
    y = y - shift
    inside = (x / radius) ** 2 + (y / length) ** 2 <= 1
    outside = (x / (radius + thickness)) ** 2 + (y / (length + thickness)) ** 2 <= 1
    return outside & ~inside & (y > -base)


def cavity_of(radius: float, length: float, base: float = 25.0, *, shift: float = 0.0) -> np.ndarray:
    y, x = (np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2) * SPACING
    y = y - shift
    return ((x / radius) ** 2 + (y / length) ** 2 <= 1) & (y > -base)


def true_length(radius: float, length: float, base: float = 25.0) -> float:
    start = -np.arcsin(base / length)
    angle = np.linspace(start, np.pi - start, 4001)
    return float(length_mm(np.stack([radius * np.cos(angle), length * np.sin(angle)], axis=1)))


#: Shapes of a contraction whose apex stays in place: radius, length, thickness, base and shift of each frame.
def beat(frames: int = 10) -> list[tuple[float, float, float, float, float]]:
    share = np.sin(np.pi * np.arange(frames) / frames) ** 2
    return [(24 - 7 * s, 60 - 8 * s, 9 + 2 * s, 25 - 6 * s, 6.0 * s) for s in share]


def beating_walls(frames: int = 10) -> np.ndarray:
    """bool [T, SIZE, SIZE]."""
    return np.stack([wall(r, le, th, base, shift=shift) for r, le, th, base, shift in beat(frames)])
