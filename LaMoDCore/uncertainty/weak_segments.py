"""Wider intervals for segments that contract less than the rest of their wall.

A segment that bulges or does not contract is predicted too similar to its neighbours, and the error grows with the
predicted difference. The variance of a segment's Ecc therefore gets the term (k x)², with x the predicted Ecc above the
mean of the wall's segments. k is fitted on hearts with sectors that contract less, not at all or stretch
(`phantom.heart.randomised`), by a quantile regression of the logarithm of the error (Koenker & Bassett, Econometrica
46, 1978).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from LaMoDCore.heart.geometry import Array
from LaMoDCore.uncertainty.calibration import Calibration

#: The quantity that has this term.
SEGMENT_ECC = "segment_ecc"
#: Width of the smoothed corner of the quantile loss in the logarithm of the error, and the weight of k².
_SMOOTH, _RIDGE = 0.05, 1e-4
#: Smaller errors and deviations count as this.
_LEAST = 1e-4


def weakness(ecc: Array) -> Array:
    """Ecc of each segment above the mean of all segments, 0 below it and where unknown; [S, T] for curves [S, T]."""
    known = np.isfinite(ecc)
    mean = np.where(known, ecc, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, np.maximum(ecc - mean, 0.0), 0.0)


def weak_variance(calibration: Calibration, name: str, weak: Array) -> Array | None:
    """The variance (k x)² that a calibration adds to a quantity, of the shape of x; None without this term."""
    k = calibration.weak_segments.get(name)
    return None if k is None else (k * weak) ** 2


def fit_weak_segments(
    error: Sequence[Array], deviation: Sequence[Array], weak: Sequence[Array], calibration: Calibration
) -> float:
    """Fit k to slices of unusual hearts; arguments as in `fit_terms`, with x in place of the terms."""
    return fit_terms(error, deviation, [weak], calibration)[0]


def fit_terms(
    error: Sequence[Array], deviation: Sequence[Array], terms: Sequence[Sequence[Array]], calibration: Calibration
) -> list[float]:
    """Fit the factors k of terms (k x)² of the variance to slices of unusual hearts, each with the same weight.

    A common factor of the half-widths is fitted with them and not returned, since these hearts have larger errors
    everywhere.

    Args:
        error: |truth − prediction| of segmental Ecc of each slice, [T, S]; NaN where unknown.
        deviation: its calibrated standard deviation without these terms, [T, S].
        terms: x of each term and slice, [T, S].
        calibration: its level of confidence.

    Returns:
        k of each term.
    """
    known = [np.isfinite(e) & (d > 0) for e, d in zip(error, deviation, strict=True)]
    weight = np.concatenate([np.full(k.sum(), 1 / max(k.sum(), 1)) for k in known]) / max(len(known), 1)
    base, missed, *x = (
        np.concatenate([each[k] for each, k in zip(parts, known, strict=True)]) for parts in (deviation, error, *terms)
    )
    if not len(base):
        return [0.0] * len(x)
    squares = np.stack([np.maximum(base, _LEAST) ** 2, *(values**2 for values in x)], axis=1)
    wanted = np.log(np.maximum(missed, _LEAST) / calibration.half_width)

    def loss(factors: Array) -> tuple[float, Array]:
        variance = squares @ factors**2
        above = wanted - 0.5 * np.log(variance)
        value = weight @ (calibration.confidence * above + _SMOOTH * np.logaddexp(0, -above / _SMOOTH))
        slope = weight * (calibration.confidence - expit(-above / _SMOOTH))
        gradient = 2 * _RIDGE * factors - (slope / variance) @ (squares * factors)
        return float(value + _RIDGE * factors @ factors), np.asarray(gradient)

    found = minimize(loss, np.append(1.0, np.full(len(x), 0.3)), jac=True, method="L-BFGS-B")
    return [float(k) for k in np.abs(found.x[1:])]
