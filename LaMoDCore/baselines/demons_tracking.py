"""Registration tracking by SimpleITK: end-diastole's wall followed into every frame, without anything learned.

A surrogate of commercial feature tracking, which is closed: like it, it follows contours from frame to frame, and what
lies between them is filled in smoothly. Fast symmetric-forces demons (Vercauteren et al., "Diffeomorphic demons:
efficient non-parametric image registration", NeuroImage 45, 2009) in ITK's implementation; each frame starts from the
field of the frame before.
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.canonical import SPACING_MM, contour_distances_mm
from LaMoDCore.heart.geometry import Array

ITERATIONS = 20
#: Of the Gaussian that smooths the displacement after each iteration, in mm.
SMOOTHING_MM = 1.5
#: A contour fades over this distance, so that there is a slope to follow.
_EDGE_MM = 2.0
#: Registered is what lies within this margin of the wall; beyond it nothing moves.
_MARGIN_PIXELS = 14


def track_by_demons(occupancy: Array, iterations: int = ITERATIONS, smoothing_mm: float = SMOOTHING_MM) -> Array:
    """Lagrangian displacement of a movie of masks.

    Args:
        occupancy: [T, H, W] on pixels of 1 mm, frame 0 the reference.
        iterations: of demons at every frame.
        smoothing_mm: of the field, after each.

    Returns:
        float32 [T, 2, H, W] mm, (x, y).
    """
    import SimpleITK as sitk

    window = _window(np.asarray((occupancy > 0.5).any(axis=0)))
    pictures = [sitk.GetImageFromArray(_soft_contours(frame > 0.5)[window]) for frame in occupancy]
    demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
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
