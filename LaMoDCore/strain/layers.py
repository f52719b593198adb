"""Transmural position: depth from endocardium to epicardium, and layers."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity, epicardial_region, is_closed_ring

LAYER_NAMES = ("endocardial", "midwall", "epicardial")


def wall_depth(myocardium: Array, spacing_mm: tuple[float, float]) -> Array:
    """Relative depth in the wall, d_endo / (d_endo + d_epi), from the distances to the cavity and the surroundings.

    Args:
        myocardium: bool [H, W].
        spacing_mm: (dx, dy).

    Returns:
        float [H, W], near 0 at the endocardium and near 1 at the epicardium; NaN outside the wall, and everywhere if
        the ring is open.
    """
    ring = np.asarray(myocardium, dtype=bool)
    depth = np.full(ring.shape, np.nan)
    if not is_closed_ring(ring):
        return depth
    dx, dy = spacing_mm
    # The padding gives a wall that touches the image's edge an outside.
    outside = np.pad(~epicardial_region(ring), 1, constant_values=True)
    to_epi = ndimage.distance_transform_edt(~outside, sampling=(dy, dx))[1:-1, 1:-1]
    to_endo = ndimage.distance_transform_edt(~cavity(ring), sampling=(dy, dx))
    # Distances are between pixel centres; the boundary is half a pixel closer.
    half = 0.5 * min(dx, dy)
    inner, outer = to_endo[ring] - half, to_epi[ring] - half
    depth[ring] = inner / (inner + outer)
    return depth


def label_layers(myocardium: Array, spacing_mm: tuple[float, float]) -> Array:
    """Label the thirds of the wall: int16 [H, W], 1 endocardial, 2 midwall, 3 epicardial, 0 none."""
    depth = wall_depth(myocardium, spacing_mm)
    labels = np.zeros(depth.shape, dtype=np.int16)
    inside = np.isfinite(depth)
    labels[inside] = np.clip((depth[inside] * 3).astype(np.int16), 0, 2) + 1
    return labels
