"""The strain matrix (sectors × time) and the onset of shortening in each sector."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.strain.curves import Cycle, region_means, strain_rate

#: A sector whose shortening stays below this fraction has no onset, as in an infarct that does not contract.
MIN_SHORTENING = 0.03


def strain_matrix(ecc: Array, sectors: Array, count: int, rank: int | None = None) -> Array:
    """Mean Ecc of every sector at every frame.

    Args:
        ecc: [T, H, W].
        sectors: int [H, W], 1…count (`segments.sector_labels`).
        count: number of sectors.
        rank: keep only this number of singular values, which removes variation that sectors do not share
            (Ramachandran et al., J. Cardiovasc. Magn. Reson. 19, 2017, on the singular value decomposition of strain).

    Returns:
        [count, T]; NaN rows for sectors without pixels.
    """
    matrix = region_means(ecc, sectors, count)
    filled = np.isfinite(matrix).all(axis=1)
    if rank is not None and filled.sum() > rank:
        left, values, right = np.linalg.svd(matrix[filled], full_matrices=False)
        matrix[filled] = (left[:, :rank] * values[:rank]) @ right[:rank]
    return matrix


def onset_of_shortening_ms(matrix: Array, frame_times_ms: Array, course: Cycle) -> Array:
    """Onset of shortening of each sector, by the tangent at its fastest shortening.

    The steepest descent before the sector's peak is extended backwards until it meets the highest earlier value of the
    sector (its pre-stretch, or zero). This is the intersecting-tangent rule of pulse-wave timing, which does not
    depend on a threshold; its map over the slice is the mechanical activation that Auger et al. (J. Cardiovasc. Magn.
    Reson. 19, 2017) derived from the DENSE strain matrix.

    Args:
        matrix: Ecc [S, T].
        frame_times_ms: [T].
        course: order and times of the frames.

    Returns:
        [S] ms since the reference frame, ≥ 0; NaN where shortening stays below 3 %.
    """
    rates = strain_rate(matrix, frame_times_ms, course.rr_ms)[:, course.order] / 1000.0
    curves, times = matrix[:, course.order], course.times_ms
    onset = np.full(len(matrix), np.nan)
    for sector, (curve, rate) in enumerate(zip(curves, rates, strict=True)):
        if not np.isfinite(curve).all() or curve.min() > -MIN_SHORTENING:
            continue
        before_peak = slice(0, int(np.argmin(curve)) + 1)
        steepest = int(np.argmin(rate[before_peak]))
        if rate[steepest] >= 0:
            continue
        level = curve[: steepest + 1].max()
        onset[sector] = max(0.0, times[steepest] + (level - curve[steepest]) / rate[steepest])
    return onset
