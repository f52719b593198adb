"""The myocardium of a short-axis slice as a ring: its cavity, its epicardial region, whether it is closed."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Number of directions from the centre in which gaps are sought.
_RAYS = 360
#: A mask with fewer pixels is not a ring.
_FEWEST_PIXELS = 8


def epicardial_region(myocardium: Array) -> Array:
    """Everything inside the epicardium: the ring [H, W] with its holes filled, bool [H, W]."""
    ring = np.asarray(myocardium, dtype=bool)
    region = ring.copy()
    box = _box_around(ring)
    if box is not None:
        parts, _ = ndimage.label(~np.pad(ring[box], 1))
        region[box] = parts[1:-1, 1:-1] != parts[0, 0]
    return region


def cavity(myocardium: Array) -> Array:
    """The hole of the ring [H, W], or the largest of several, bool [H, W]; empty for an open ring."""
    ring = np.asarray(myocardium, dtype=bool)
    hole = np.zeros_like(ring)
    box = _box_around(ring)
    if box is not None:
        parts, _ = ndimage.label(~np.pad(ring[box], 1))
        sizes = np.bincount(parts.ravel())
        sizes[[0, parts[0, 0]]] = 0  # the wall, and everything outside
        if sizes.any():
            hole[box] = parts[1:-1, 1:-1] == int(np.argmax(sizes))
    return hole


def _box_around(mask: Array) -> tuple[slice, slice] | None:
    """The smallest box that holds every pixel of a mask [H, W]; None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def is_closed_ring(myocardium: Array, min_cavity_pixels: int = 4) -> bool:
    """Whether the mask [H, W] encloses a cavity of at least `min_cavity_pixels`."""
    return int(cavity(myocardium).sum()) >= min_cavity_pixels


def with_gaps_closed(myocardium: Array, widest_degrees: float = 45.0) -> Array:
    """A ring [H, W] with the gaps in its wall filled that occur where a wall is thinner than a pixel; bool [H, W].

    Each gap is bridged in polar coordinates between the ends of the wall at both sides. A ring that is closed, or whose
    gap is wider, as at the outflow tract, does not change.

    Args:
        myocardium: the ring.
        widest_degrees: widest gap that is bridged.
    """
    ring = np.asarray(myocardium, dtype=bool)
    if ring.sum() < _FEWEST_PIXELS or is_closed_ring(ring):
        return ring
    center = circle_center(ring)
    inner, outer = wall_along_rays(ring, center)
    seen = np.isfinite(inner)
    if not seen.any() or _longest_run(~seen) * 360 / _RAYS > widest_degrees:
        return ring
    rays = np.arange(_RAYS)
    middle = np.interp(rays, rays[seen], (inner + outer)[seen] / 2, period=_RAYS)
    half = np.interp(rays, rays[seen], (outer - inner)[seen] / 2, period=_RAYS)
    rows, columns = np.indices(ring.shape)
    offset = (columns - center.real) + 1j * (rows - center.imag)
    ray = np.mod(np.rint(np.angle(offset) * _RAYS / (2 * np.pi)).astype(int), _RAYS)
    for least in (0.75, 1.0, 1.5):  # pixels; diagonal steps need more
        between = ~seen[ray] & (np.abs(np.abs(offset) - middle[ray]) <= np.maximum(half, least)[ray])
        if is_closed_ring(ring | between):
            return np.asarray(ring | between)
    return ring


def circle_center(ring: Array) -> complex:
    """Centre of the circle through the wall, column + i row (Kåsa, IEEE Trans. Instrum. Meas. 25, 1976)."""
    rows, columns = np.nonzero(ring)
    system = np.stack([2 * columns, 2 * rows, np.ones(rows.size)], axis=1)
    column, row, _ = np.linalg.lstsq(system, columns.astype(float) ** 2 + rows.astype(float) ** 2, rcond=None)[0]
    return complex(column, row)


def wall_along_rays(ring: Array, center: complex) -> tuple[Array, Array]:
    """Radii in pixels at which rays from `center` enter and leave the wall, each [360]; NaN where they miss it."""
    radii = np.arange(0.0, float(np.hypot(*ring.shape)), 0.25)
    points = center + radii * np.exp(2j * np.pi * np.arange(_RAYS) / _RAYS)[:, None]
    wall = ndimage.map_coordinates(ring.astype(np.uint8), [points.imag, points.real], order=0) > 0
    hit = wall.any(axis=1)
    first, last = wall.argmax(axis=1), wall.shape[1] - 1 - wall[:, ::-1].argmax(axis=1)
    return np.where(hit, radii[first], np.nan), np.where(hit, radii[last], np.nan)


def _longest_run(flags: Array) -> int:
    """Length of the longest run of true values [n] on a circle."""
    if flags.all():
        return int(flags.size)
    turned = np.roll(flags, -int(np.flatnonzero(~flags)[0]))
    runs, _ = ndimage.label(turned)
    return int(np.bincount(runs)[1:].max(initial=0))


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
