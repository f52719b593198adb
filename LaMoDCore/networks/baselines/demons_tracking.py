"""Registration tracking by SimpleITK: end-diastole's wall followed into every frame, without anything learned.

A surrogate of commercial feature tracking, which is closed: like it, it follows contours from frame to frame, and what
lies between them is filled in smoothly. Fast symmetric-forces demons (Vercauteren et al., "Diffeomorphic demons:
efficient non-parametric image registration", NeuroImage 45, 2009) in ITK's implementation; each frame starts from the
field of the frame before.
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.geometry import Array
from LaMoDCore.preprocessing import SPACING_MM, contour_distances_mm

ITERATIONS = 20
#: Of the Gaussian that smooths the displacement after each iteration, in mm.
SMOOTHING_MM = 1.5
#: A contour fades over this distance, so that there is a slope to follow.
_EDGE_MM = 2.0


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

    pictures = [sitk.GetImageFromArray(_soft_contours(frame > 0.5)) for frame in occupancy]
    demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SetNumberOfIterations(iterations)
    demons.SetSmoothDisplacementField(True)
    demons.SetStandardDeviations(smoothing_mm / SPACING_MM)
    found = [np.zeros((2, *occupancy.shape[1:]), dtype=np.float32)]
    field = None
    for picture in pictures[1:]:
        field = demons.Execute(pictures[0], picture) if field is None else demons.Execute(pictures[0], picture, field)
        found.append(np.moveaxis(sitk.GetArrayFromImage(field), -1, 0).astype(np.float32) * SPACING_MM)
    return np.stack(found)


def _soft_contours(mask: Array) -> Array:
    """Outside 0, wall 1, cavity 2, each contour a smooth step: float32 [H, W]."""
    distances = np.clip(contour_distances_mm(mask, (SPACING_MM, SPACING_MM)) * (2 / _EDGE_MM), -60, 60)
    return np.asarray((1 / (1 + np.exp(distances))).sum(axis=0), dtype=np.float32)
