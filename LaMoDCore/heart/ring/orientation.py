"""Orientation of a heart: the angle of the anterior right-ventricular insertion in the canonical image.

The canonical image is upright in patient coordinates, so the insertion has a similar angle in nearly all hearts. In
masks that are stored upside down or rotated, together with their right ventricle, it has another angle. A ring alone
shows its orientation poorly, so without an insertion point the orientation is not checked.
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array, canonical_grid
from LaMoDCore.heart.ring.mask import epicardial_region


def insertion_angle(slice_: CineSlice, reference_frame: int, insertion_lps: Array | None) -> float | None:
    """Angle of an insertion point about the ventricle's centre at end-diastole, rad, in the canonical image.

    Counter-clockwise as seen from the apex, 0 towards the patient's left.

    Args:
        slice_: the drawn slice.
        reference_frame: end-diastole.
        insertion_lps: [3] in LPS mm.

    Returns:
        The angle; None if the point is not known or nothing was drawn.
    """
    rows, columns = np.nonzero(epicardial_region(slice_.myocardium[reference_frame]))
    if insertion_lps is None or not rows.size:
        return None
    center = np.array([columns.mean(), rows.mean()])
    grid = canonical_grid(slice_.grid, center)
    x, y = grid.lps_to_pixel(insertion_lps) - grid.lps_to_pixel(slice_.grid.pixel_to_lps(center))
    return float(np.arctan2(-y, x))


def mean_angle(angles: Array) -> tuple[float, float]:
    """Mean and circular standard deviation of angles [M], rad; both 0 for fewer than 8 angles."""
    if len(angles) < _FEWEST:
        return 0.0, 0.0
    mean = np.exp(1j * np.asarray(angles, dtype=np.float64)).mean()
    return float(np.angle(mean)), float(np.sqrt(-2 * np.log(np.clip(np.abs(mean), 1e-3, 1.0))))


def angle_between(angles: Array, reference: float) -> Array:
    """Angle between each of `angles` and `reference`, rad, 0…π; NaN for NaN."""
    return np.asarray(np.abs((np.asarray(angles, dtype=np.float64) - reference + np.pi) % (2 * np.pi) - np.pi))


#: Fewer hearts do not give a reliable mean.
_FEWEST = 8
