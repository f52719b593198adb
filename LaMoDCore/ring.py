"""The myocardium of a short-axis slice as a ring: its cavity, its epicardial region, whether it is closed."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.geometry import Array


def epicardial_region(myocardium: Array) -> Array:
    """Everything inside the epicardium: the ring [H, W] with its holes filled, bool [H, W]."""
    return np.asarray(ndimage.binary_fill_holes(np.asarray(myocardium, dtype=bool)))


def cavity(myocardium: Array) -> Array:
    """The hole of the ring [H, W] (its largest, where there are several), bool [H, W]; empty for an open ring."""
    ring = np.asarray(myocardium, dtype=bool)
    holes, count = ndimage.label(epicardial_region(ring) & ~ring)
    if count == 0:
        return np.zeros_like(ring)
    sizes = np.bincount(holes.ravel())
    return np.asarray(holes == 1 + int(np.argmax(sizes[1:])))


def is_closed_ring(myocardium: Array, min_cavity_pixels: int = 4) -> bool:
    """Whether the mask [H, W] encloses a cavity of at least `min_cavity_pixels`."""
    return int(cavity(myocardium).sum()) >= min_cavity_pixels


def cavity_area_mm2(myocardium: Array, spacing_mm: tuple[float, float]) -> Array:
    """Cavity area of each frame of masks [T, H, W], float [T] in mm²; 0 where the ring is open."""
    pixel = spacing_mm[0] * spacing_mm[1]
    return np.array([cavity(frame).sum() * pixel for frame in np.asarray(myocardium, dtype=bool)], dtype=np.float64)


def signed_distance_mm(mask: Array, spacing_mm: tuple[float, float]) -> Array:
    """Signed distance of every pixel centre from a mask's edge, float32 [H, W] in mm, negative inside.

    The edge lies half-way between the last pixel centre inside and the first outside. The field is finite
    everywhere; an empty (full) mask gives the grid's diagonal, positive (negative).
    """
    inside = np.asarray(mask, dtype=bool)
    dx, dy = spacing_mm
    limit = float(np.hypot(inside.shape[0] * dy, inside.shape[1] * dx))
    if not inside.any() or inside.all():
        return np.full(inside.shape, -limit if inside.all() else limit, dtype=np.float32)
    outer = ndimage.distance_transform_edt(~inside, sampling=(dy, dx))
    inner = ndimage.distance_transform_edt(inside, sampling=(dy, dx))
    half = 0.5 * min(dx, dy)
    return np.asarray(np.where(inside, half - inner, outer - half), dtype=np.float32)
