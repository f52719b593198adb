"""Scores of distributions given by samples, and the area under the ROC curve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from LaMoDCore.heart.geometry import Array


def crps(samples: npt.ArrayLike, truth: npt.ArrayLike) -> Array:
    """Continuous ranked probability score, E|X − y| − ½ E|X − X′|; in the unit of the quantity, lower is better.

    Fair estimate for few samples: the second mean is over pairs of different samples (Gneiting and Raftery,
    J. Am. Stat. Assoc. 102, 2007; Ferro, Q. J. R. Meteorol. Soc. 140, 2014). With one sample it is |x − y|.

    Args:
        samples: [N, ...].
        truth: [...].

    Returns:
        [...].
    """
    x, y = np.asarray(samples, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    _check(x, y)
    return energy_score(x[..., None], y[..., None])


def energy_score(samples: npt.ArrayLike, truth: npt.ArrayLike) -> Array:
    """Energy score, E‖X − y‖ − ½ E‖X − X′‖: the CRPS of a vector, fair for few samples (references as `crps`).

    Args:
        samples: [N, ..., D].
        truth: [..., D].

    Returns:
        [...].
    """
    x, y = np.asarray(samples, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    _check(x, y)
    count = len(x)
    accuracy = np.linalg.norm(x - y, axis=-1).mean(axis=0)
    spread = np.zeros_like(accuracy)
    for i in range(count - 1):
        spread += np.linalg.norm(x[i + 1 :] - x[i], axis=-1).sum(axis=0)
    return np.asarray(accuracy - (spread / (count * (count - 1)) if count > 1 else 0.0))


def coverage(samples: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[float, float]:
    """Fraction of the truth within the range of the samples, and its expected value.

    If truth and N samples have the same distribution, all N + 1 ranks of the truth are equally likely, so the truth
    lies in the range with probability (N − 1)/(N + 1), whatever the distribution.

    Args:
        samples: [N, ...].
        truth: [...]; missing values are ignored.

    Returns:
        The actual fraction (NaN without values) and the expected one.
    """
    x, y = np.asarray(samples, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    _check(x, y)
    known = np.isfinite(y) & np.isfinite(x).all(axis=0)
    due = (len(x) - 1) / (len(x) + 1)
    if not known.any():
        return float("nan"), due
    inside = (y >= x.min(axis=0)) & (y <= x.max(axis=0))
    return float(inside[known].mean()), due


def roc_auc(scores: npt.ArrayLike, positive: npt.ArrayLike) -> float:
    """Area under the ROC curve: probability that a positive scores above a negative; ties count half.

    Computed from the rank sum (Hanley and McNeil, Radiology 143, 1982); NaN without positives or negatives.

    Args:
        scores: [n]; missing values are ignored.
        positive: bool [n].
    """
    values, labels = np.asarray(scores, dtype=np.float64).ravel(), np.asarray(positive, dtype=bool).ravel()
    known = np.isfinite(values)
    values, labels = values[known], labels[known]
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if positives == 0 or negatives == 0:
        return float("nan")
    ranks = stats.rankdata(values)
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _check(samples: Array, truth: Array) -> None:
    if samples.ndim < 1 or samples.shape[1:] != truth.shape or len(samples) == 0:
        raise ValueError(f"samples must be [N, *{truth.shape}], got {samples.shape}")
