"""Registration tracking by SimpleITK: the end-diastolic wall is registered to every frame, without learning.

A substitute for commercial feature tracking, which is closed source: it also follows contours from frame to frame and
interpolates smoothly between them. Fast symmetric-forces demons (Vercauteren et al., "Diffeomorphic demons: efficient
non-parametric image registration", NeuroImage 45, 2009) in ITK's implementation; each frame starts from the field of
the previous frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from LaMoDCore.heart.canonical import SPACING_MM, contour_distances_mm
from LaMoDCore.heart.geometry import Array

ITERATIONS = 20
#: Standard deviation in mm of the Gaussian that smooths the displacement after each iteration.
SMOOTHING_MM = 1.5
#: Width of a contour's soft edge, which provides an image gradient.
_EDGE_MM = 2.0
#: Margin of the registered region around the wall; beyond it the displacement is zero.
_MARGIN_PIXELS = 14


def track_by_demons(occupancy: Array, iterations: int = ITERATIONS, smoothing_mm: float = SMOOTHING_MM) -> Array:
    """Lagrangian displacement of a cine of masks.

    Args:
        occupancy: [T, H, W] on pixels of 1 mm, frame 0 is the reference.
        iterations: number of demons iterations per frame.
        smoothing_mm: SD of the Gaussian that smooths the field after each iteration.

    Returns:
        float32 [T, 2, H, W] mm, (x, y).
    """
    import SimpleITK as sitk

    window = _window(np.asarray((occupancy > 0.5).any(axis=0)))
    pictures = [sitk.GetImageFromArray(_soft_contours(frame > 0.5)[window]) for frame in occupancy]
    toolkit: Any = sitk  # without type hints
    demons = toolkit.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SetNumberOfIterations(iterations)
    demons.SetSmoothDisplacementField(True)
    demons.SetStandardDeviations(smoothing_mm / SPACING_MM)
    found = np.zeros((len(occupancy), 2, *occupancy.shape[1:]), dtype=np.float32)
    field = None
    for frame, picture in enumerate(pictures[1:], 1):
        field = demons.Execute(pictures[0], picture) if field is None else demons.Execute(pictures[0], picture, field)
        found[(frame, slice(None), *window)] = np.moveaxis(sitk.GetArrayFromImage(field), -1, 0) * SPACING_MM
    return found


def _window(wall: Array) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(wall.any(axis=axis)) for axis in (1, 0))
    first = [max(0, int(places[0]) - _MARGIN_PIXELS) for places in (rows, columns)]
    last = [int(places[-1]) + _MARGIN_PIXELS + 1 for places in (rows, columns)]
    return slice(first[0], last[0]), slice(first[1], last[1])


def _soft_contours(mask: Array) -> Array:
    """Outside 0, wall 1, cavity 2, each contour a smooth step: float32 [H, W]."""
    distances = np.clip(contour_distances_mm(mask, (SPACING_MM, SPACING_MM)) * (2 / _EDGE_MM), -60, 60)
    return np.asarray((1 / (1 + np.exp(distances))).sum(axis=0), dtype=np.float32)
