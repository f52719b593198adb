"""Resample a synthetic slice as if by another scanner: other pixel size, other frame rate."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.canonical import contour_distances_mm, cycle_phases
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.ring.mask import is_closed_ring

_PIXEL_MM = (0.9, 2.0)
_FRAMES = (18, 40)
#: Share of slices with as few frames as in old protocols.
_SPARSE_SHARE = 0.1
_SPARSE_FRAMES = (10, 17)


def resampled_by_another_scanner(
    slice_: CineSlice, reference_frame: int, rng: np.random.Generator
) -> tuple[CineSlice, int]:
    """Draw a pixel size of 0.9–2.0 mm and a frame count, and rasterise the contours again.

    Args:
        slice_: on a fine grid.
        reference_frame: its end-diastole.
        rng: random generator.

    Returns:
        the resampled slice and its reference frame, 0; the original slice if its ring would not stay closed.
    """
    pixel = rng.uniform(*_PIXEL_MM)
    wanted = rng.integers(*(_SPARSE_FRAMES if rng.random() < _SPARSE_SHARE else _FRAMES), endpoint=True)
    phases = cycle_phases(slice_.frame_times_ms, slice_.rr_ms, reference_frame)
    count = min(int(wanted), int(slice_.valid_frames.sum()))
    usable = np.flatnonzero(slice_.valid_frames)
    order = usable[np.argsort(phases[usable])]
    frames = order[np.unique(np.rint(np.arange(count) * order.size / count).astype(int) % order.size)]

    grid = slice_.grid
    height, width = grid.shape
    dx, dy = grid.spacing_mm
    shape = (int(height * dy / pixel), int(width * dx / pixel))
    offset_xy = rng.uniform(0, 1, 2)
    affine = np.array(grid.ijk_to_lps)
    affine[:3, 0] *= pixel / dx
    affine[:3, 1] *= pixel / dy
    affine[:3, 3] = grid.pixel_to_lps(offset_xy)
    coarse = SliceGrid(shape, affine)

    masks = np.zeros((frames.size, *shape), dtype=bool)
    for number, frame in enumerate(frames):
        epi, endo = (
            ndimage.affine_transform(
                distance,
                np.diag([pixel / dy, pixel / dx]),
                offset_xy[::-1],
                output_shape=shape,
                order=1,
                mode="nearest",
            )
            for distance in contour_distances_mm(slice_.myocardium[frame], grid.spacing_mm)
        )
        masks[number] = (epi <= 0) & (endo > 0)
        if not is_closed_ring(masks[number]):
            return slice_, reference_frame
    times = phases[frames] * slice_.rr_ms
    return CineSlice(slice_.name, coarse, masks, times, slice_.rr_ms, slice_.level, level_known=slice_.level_known), 0
