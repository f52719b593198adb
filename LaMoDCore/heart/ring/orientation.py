"""Which way a heart lies: the angle of the anterior right-ventricular insertion in the canonical picture.

The canonical picture is upright by patient coordinates, so that the insertion lies where it lies in nearly everybody.
Masks that are stored upside down or turned, with the right ventricle that they were drawn with, show it elsewhere. A
ring alone hardly tells which way it lies: without an insertion point nothing is said of it.
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array, canonical_grid
from LaMoDCore.heart.ring.mask import epicardial_region


def insertion_angle(slice_: CineSlice, reference_frame: int, insertion_lps: Array | None) -> float | None:
    """Angle of an insertion point about the ventricle's centre at end-diastole, rad, in the canonical picture.

    Counter-clockwise as seen from the apex, 0 towards the patient's left.

    Args:
        slice_: what was drawn.
        reference_frame: its end-diastole.
        insertion_lps: [3] in LPS mm.

    Returns:
        None where the point is not known, or nothing was drawn.
    """
    rows, columns = np.nonzero(epicardial_region(slice_.myocardium[reference_frame]))
    if insertion_lps is None or not rows.size:
        return None
    center = np.array([columns.mean(), rows.mean()])
    grid = canonical_grid(slice_.grid, center)
    x, y = grid.lps_to_pixel(insertion_lps) - grid.lps_to_pixel(slice_.grid.pixel_to_lps(center))
    return float(np.arctan2(-y, x))


def usual_angle(angles: Array) -> tuple[float, float]:
    """Mean and circular standard deviation of angles [M], rad; the latter 0 where too few are known to say."""
    if len(angles) < _FEWEST:
        return 0.0, 0.0
    mean = np.exp(1j * np.asarray(angles, dtype=np.float64)).mean()
    return float(np.angle(mean)), float(np.sqrt(-2 * np.log(np.clip(np.abs(mean), 1e-3, 1.0))))


def turned_by(angles: Array, usual: float) -> Array:
    """Least angle between each of `angles` and `usual`, rad, 0…π; NaN stays NaN."""
    return np.asarray(np.abs((np.asarray(angles, dtype=np.float64) - usual + np.pi) % (2 * np.pi) - np.pi))


#: Fewer hearts do not tell how hearts lie.
_FEWEST = 8
