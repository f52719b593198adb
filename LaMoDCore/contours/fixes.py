"""Fixes that need no judgement. Each takes a slice and returns new masks [T, H, W]; the slice stays unchanged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.checks.pieces import ISLAND_SHARE
from LaMoDCore.heart.canonical import contour_distances_mm
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.cycle.smoothing import smoothing_weights
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import epicardial_region

#: Holes of up to this share of the ring are filled; larger ones may be intended.
HOLE_SHARE = 0.05
_SQUARE = np.ones((3, 3), dtype=bool)


def drop_islands(slice_: CineSlice) -> Array:
    """Remove separate pieces of up to `ISLAND_SHARE` of the ring; larger ones need a person's judgement."""
    masks = slice_.myocardium.copy()
    for plane in masks:
        pieces, count = ndimage.label(plane, structure=_SQUARE)
        if count < 2:
            continue
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        small = (sizes > 0) & (sizes <= ISLAND_SHARE * sizes.max())
        plane[small[pieces]] = False
    return masks


def fill_holes(slice_: CineSlice) -> Array:
    """Fill holes in the wall of up to `HOLE_SHARE` of the ring; the cavity and its separate parts stay open."""
    masks = slice_.myocardium.copy()
    for plane, shape in zip(masks, SliceShapes.of(slice_).shapes, strict=True):
        if not shape.hole_pixels:
            continue
        holes, _ = ndimage.label(epicardial_region(plane) & ~plane)
        sizes = np.bincount(holes.ravel())
        sizes[0] = 0
        cavity_parts = len(shape.cavity_parts)
        largest = np.argsort(sizes)[::-1][:cavity_parts]
        small = (sizes > 0) & (sizes <= HOLE_SHARE * plane.sum())
        small[largest] = False
        plane[small[holes]] = True
    return masks


def smooth(slice_: CineSlice, keep: Sequence[int], strength: float = 1.0) -> Array:
    """Smooth the contours over the cycle and by half a pixel in the plane.

    Epicardium and endocardium are smoothed separately, as signed distances: smoothing the ring itself would thin it.
    Frames without a closed ring stay unchanged and do not influence their neighbours.

    Args:
        slice_: the slice.
        keep: frames that stay unchanged, usually end-diastole and end-systole.
        strength: see `smoothing_weights`.
    """
    shapes = SliceShapes.of(slice_)
    whole = np.flatnonzero(shapes.is_whole)
    masks = slice_.myocardium.copy()
    if whole.size < 4:
        return masks
    distances = np.stack([contour_distances_mm(masks[t], slice_.grid.spacing_mm) for t in whole])
    anchors = tuple(int(np.flatnonzero(whole == t)[0]) for t in keep if t in whole)
    weights = smoothing_weights(whole.size, anchors, strength, shapes.closes and whole.size == len(shapes.shapes))
    epi, endo = np.moveaxis(np.tensordot(weights, distances, axes=1), 1, 0)
    for index, t in enumerate(whole):
        if t not in keep:
            masks[t] = (epi[index] < 0) & (endo[index] >= 0)
    return masks
