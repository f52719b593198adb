"""Agreement of two methods that measure the same quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array

IccKind = Literal["ICC(2,1)", "ICC(3,1)"]


def icc(ratings: npt.ArrayLike, kind: IccKind = "ICC(2,1)") -> float:
    """Intraclass correlation of single measurements (Shrout and Fleiss, Psychol. Bull. 86, 1979).

    ICC(2,1), two-way random effects, absolute agreement: a constant offset between the methods lowers it.
    ICC(3,1), two-way mixed effects, consistency: it does not.

    Args:
        ratings: [n, k], n subjects by k methods; rows with missing values are ignored.
        kind: the coefficient.

    Returns:
        The coefficient; NaN for fewer than two complete rows or zero variance.

    Raises:
        ValueError: an unknown kind or another shape.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if kind not in ("ICC(2,1)", "ICC(3,1)"):
        raise ValueError(f"kind must be ICC(2,1) or ICC(3,1), got {kind!r}")
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"ratings must be [n, k] with k ≥ 2, got {table.shape}")
    table = table[np.isfinite(table).all(axis=1)]
    n, k = table.shape
    if n < 2:
        return float("nan")
    grand = table.mean()
    between_rows = k * ((table.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    between_columns = n * ((table.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    residual = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + grand
    error = (residual**2).sum() / ((n - 1) * (k - 1))
    offset = k * (between_columns - error) / n if kind == "ICC(2,1)" else 0.0
    denominator = between_rows + (k - 1) * error + offset
    return float((between_rows - error) / denominator) if denominator > 0 else float("nan")


@dataclass(frozen=True)
class BlandAltman:
    """Differences between two methods, first minus second.

    Attributes:
        bias: mean difference.
        sd: standard deviation of the differences (n − 1).
        lower, upper: limits of agreement, bias ∓ 1.96 SD.
        cov: coefficient of variation: SD of the differences over the magnitude of the second method's mean.
        count: number of pairs.
    """

    bias: float
    sd: float
    lower: float
    upper: float
    cov: float
    count: int


def bland_altman(first: npt.ArrayLike, second: npt.ArrayLike) -> BlandAltman:
    """Bias and limits of agreement (Bland and Altman, Lancet 1, 1986); pairs with missing values are ignored.

    Args:
        first: the method under test.
        second: the reference, of the same shape.
    """
    a, b = complete_pairs(first, second)
    nan = float("nan")
    if a.size < 2:
        return BlandAltman(nan, nan, nan, nan, nan, int(a.size))
    difference = a - b
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    level = abs(float(b.mean()))
    return BlandAltman(bias, sd, bias - 1.96 * sd, bias + 1.96 * sd, sd / level if level > 0 else nan, int(a.size))


def complete_pairs(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Array, Array]:
    """The pairs with two finite values, as flat arrays.

    Raises:
        ValueError: the numbers of values differ.
    """
    a, b = np.asarray(first, dtype=np.float64).ravel(), np.asarray(second, dtype=np.float64).ravel()
    if a.shape != b.shape:
        raise ValueError(f"both methods must have the same number of values, got {a.size} and {b.size}")
    known = np.isfinite(a) & np.isfinite(b)
    return a[known], b[known]
