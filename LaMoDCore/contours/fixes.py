"""What can be mended safely, without asking what was meant; each takes masks [T, H, W] and leaves them as they were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.checks.pieces import ISLAND_SHARE
from LaMoDCore.contours.missing_frames import fill_missing_frames
from LaMoDCore.heart.canonical import contour_distances_mm
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.cycle.smoothing import smoothing_weights
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import epicardial_region

#: A hole is filled up to this share of the ring; a larger one may be meant.
HOLE_SHARE = 0.05
_SQUARE = np.ones((3, 3), dtype=bool)


def drop_islands(slice_: CineSlice) -> Array:
    """Every frame's separate pieces of up to a tenth of the ring, dropped; larger ones stay, somebody must judge."""
    mended = slice_.myocardium.copy()
    for plane in mended:
        pieces, count = ndimage.label(plane, structure=_SQUARE)
        if count < 2:
            continue
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        small = (sizes > 0) & (sizes <= ISLAND_SHARE * sizes.max())
        plane[small[pieces]] = False
    return mended


def fill_holes(slice_: CineSlice) -> Array:
    """Every frame's holes in the wall, filled; the cavity and parts pinched off it stay."""
    mended = slice_.myocardium.copy()
    for plane, shape in zip(mended, SliceShapes.of(slice_).shapes, strict=True):
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
    return mended


def smooth(slice_: CineSlice, keep: Sequence[int], strength: float = 1.0) -> Array:
    """Contours smoothed over the cycle and by half a pixel in the plane; frames in ``keep`` stay pixel for pixel.

    Epi- and endocardium are smoothed apart, as signed distances: each moves, where smoothing the ring would thin it.
    Frames without a closed ring stay as they are and don't count for their neighbours.

    Args:
        slice_: the slice.
        keep: frames that are kept, end-diastole and end-systole.
        strength: see `smoothing_weights`.
    """
    shapes = SliceShapes.of(slice_)
    whole = np.flatnonzero(shapes.is_whole)
    mended = slice_.myocardium.copy()
    if whole.size < 4:
        return mended
    distances = np.stack([contour_distances_mm(mended[t], slice_.grid.spacing_mm) for t in whole])
    anchors = tuple(int(np.flatnonzero(whole == t)[0]) for t in keep if t in whole)
    weights = smoothing_weights(whole.size, anchors, strength, shapes.closes and whole.size == len(shapes.shapes))
    epi, endo = np.moveaxis(np.tensordot(weights, distances, axes=1), 1, 0)
    for index, t in enumerate(whole):
        if t not in keep:
            mended[t] = (epi[index] < 0) & (endo[index] >= 0)
    return mended


def fill_missing(slice_: CineSlice) -> Array:
    """Empty frames from the drawn ones before and after, by LDDMM matching."""
    return fill_missing_frames(slice_)
