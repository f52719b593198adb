"""Extrapolate displacement beyond the wall, where it is neither measured nor trained: continued, then faded out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.image_operators import smooth_images

_KEEP_MM = 1.0
_BLEND_MM = 4.0
_FADE_FROM_MM = 8.0
_FADE_TO_MM = 28.0
_SMOOTHING_MM = 2.5


def extend_beyond_wall(displacement_mm: Array, wall: Array, pixel_mm: float = 1.0) -> Array:
    """Replace the displacement outside the wall by a smooth continuation of the displacement inside.

    From 1 to 4 mm from the wall it changes to the smoothed displacement of the nearest wall pixel, and it fades to zero
    from 8 to 28 mm, so that glyphs, grids and inverse maps near the wall follow it.

    Args:
        displacement_mm: [T, 2, H, W].
        wall: bool [H, W], the myocardium at the reference frame; if it is empty, nothing changes.
        pixel_mm: isotropic pixel size.

    Returns:
        float32 [T, 2, H, W].
    """
    if not wall.any():
        return np.asarray(displacement_mm, dtype=np.float32)
    distance, nearest = ndimage.distance_transform_edt(~wall, sampling=pixel_mm, return_indices=True)
    motion = np.asarray(displacement_mm, dtype=np.float32)
    continued = motion[:, :, nearest[0], nearest[1]]
    continued = smooth_images(continued, _SMOOTHING_MM / pixel_mm, truncate=3.0)
    take_over = _smooth_step((distance - _KEEP_MM) / (_BLEND_MM - _KEEP_MM)).astype(np.float32)
    fade = 1.0 - _smooth_step((distance - _FADE_FROM_MM) / (_FADE_TO_MM - _FADE_FROM_MM)).astype(np.float32)
    return np.asarray(fade * (motion * (1 - take_over) + continued * take_over))


def _smooth_step(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))
