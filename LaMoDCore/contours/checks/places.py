"""Where a fault is in the image: circles around islands, holes, gaps and thin parts of the wall."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.findings import Place
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import circle_center, epicardial_region, is_closed_ring, wall_along_rays
from LaMoDCore.heart.ring.shape import RingShape

#: Gaps of up to twice this many pixels are found by morphological closing, wider ones along rays.
_CLOSING_PIXELS = 3
#: Fewest neighbouring rays of 360 that miss the wall at a gap.
_FEWEST_RAYS = 3
_SQUARE = np.ones((3, 3), dtype=bool)


def places_of(drawn: SliceShapes, shape: RingShape, regions: Iterable[Array]) -> tuple[Place, ...]:
    """A circle around each region.

    Args:
        drawn: the slice.
        shape: one of its frames.
        regions: bool [H, W] each, on the pixels of ``shape.mask``.
    """
    return tuple(_around(drawn, shape, *(v.astype(float) for v in np.nonzero(region))) for region in regions)


def _around(drawn: SliceShapes, shape: RingShape, rows: Array, columns: Array) -> Place:
    x, y = (columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2
    dx, dy = shape.spacing_mm
    reach = float(np.hypot((columns - x) * dx, (rows - y) * dy).max())
    return place_at(drawn, shape, (x, y), reach + 1.5 * max(dx, dy))


def place_at(drawn: SliceShapes, shape: RingShape, xy: tuple[float, float], radius_mm: float) -> Place:
    """A circle about a point (column, row) of ``shape.mask``."""
    pixel = np.array(xy, dtype=float) + shape.corner_xy
    x, y, z = (float(v) for v in drawn.slice.grid.pixel_to_lps(pixel))
    return Place((float(pixel[0]), float(pixel[1])), (x, y, z), float(radius_mm))


def pieces_of(shape: RingShape) -> list[Array]:
    """The pieces that are separate from the ring, bool [H, W] each, the largest first."""
    labels, count = ndimage.label(shape.mask & ~shape.ring, structure=_SQUARE)
    return _by_size(labels, count)


def holes_of(shape: RingShape) -> list[Array]:
    """The holes in the wall, without the cavity and its parts, bool [H, W] each, the largest first."""
    return _enclosed(shape)[len(shape.cavity_parts) :]


def cavity_parts_of(shape: RingShape) -> list[Array]:
    """The cavity, or its parts if touching walls separate it, bool [H, W] each, the largest first."""
    return _enclosed(shape)[: len(shape.cavity_parts)]


def _enclosed(shape: RingShape) -> list[Array]:
    labels, count = ndimage.label(epicardial_region(shape.ring) & ~shape.ring)
    return _by_size(labels, count)


def _by_size(labels: Array, count: int) -> list[Array]:
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return [np.asarray(labels == 1 + i) for i in np.argsort(-sizes, kind="stable")]


def gaps_of(shape: RingShape) -> list[Array]:
    """The gaps of an open ring, bool [H, W] each; empty if the wall has no recognisable gap."""
    if shape.is_empty:
        return []
    return _narrow_gaps(shape.ring) or _wide_gaps(shape.ring)


def _narrow_gaps(ring: Array) -> list[Array]:
    """The undrawn pixels of which each group alone closes the ring."""
    for pixels in range(1, _CLOSING_PIXELS + 1):
        padded = np.pad(ring, 2 * pixels)
        closed = ndimage.binary_closing(padded, structure=_SQUARE, iterations=pixels)
        labels, count = ndimage.label(closed & ~padded, structure=_SQUARE)
        groups = [labels == 1 + i for i in range(count)]
        found = [group for group in groups if is_closed_ring(padded | group) and group.any()]
        if found:
            inner = slice(2 * pixels, -2 * pixels)
            return [group[inner, inner] for group in found if group[inner, inner].any()]
    return []


def _wide_gaps(ring: Array) -> list[Array]:
    """The ends of the wall at both sides of every run of rays that miss it."""
    center = circle_center(ring)
    inner, outer = wall_along_rays(ring, center)
    seen = np.isfinite(inner)
    if not seen.any() or seen.all():
        return []
    first = int(np.flatnonzero(seen)[0])
    runs, count = ndimage.label(np.roll(~seen, -first))
    middle = np.roll((inner + outer) / 2, -first)
    found = []
    for run in range(1, count + 1):
        rays = np.flatnonzero(runs == run)
        if rays.size < _FEWEST_RAYS:
            continue
        ends = np.array([rays[0] - 1, (rays[-1] + 1) % seen.size])
        points = center + middle[ends] * np.exp(2j * np.pi * (ends + first) / seen.size)
        region = np.zeros_like(ring)
        rows = np.clip(np.rint(points.imag).astype(int), 0, ring.shape[0] - 1)
        columns = np.clip(np.rint(points.real).astype(int), 0, ring.shape[1] - 1)
        region[rows, columns] = True
        found.append(region)
    return found
