"""Uncertainty of statistics over cases that are grouped by subject: slices of one subject are not independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from LaMoDCore.heart.geometry import Array


@dataclass(frozen=True)
class Interval:
    """An estimate with a percentile bootstrap interval; the bounds are NaN if there is only one subject."""

    value: float
    lower: float
    upper: float


def bootstrap_mean(
    values: npt.ArrayLike, subjects: Sequence[str], *, repetitions: int = 2000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Mean over cases with an interval from resampling **subjects** (Efron and Tibshirani, 1993, chapter 13).

    Args:
        values: [n], one per case; missing values are ignored.
        subjects: [n], the subject of each case.
        repetitions: number of bootstrap samples.
        level: level of the interval.
        seed: random seed.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = np.isfinite(numbers)
    if not known.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    _, group = np.unique(np.asarray(subjects)[known], return_inverse=True)
    totals, counts = np.bincount(group, numbers[known]), np.bincount(group)
    if len(counts) < 2:
        return Interval(float(numbers[known].mean()), float("nan"), float("nan"))
    drawn = _draws(len(counts), repetitions, seed)
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return _interval(float(numbers[known].mean()), means, level)


def bootstrap_interval(
    statistic: Callable[[Array], float],
    subjects: Sequence[str],
    *,
    repetitions: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Any statistic with an interval from resampling subjects.

    Args:
        statistic: function of the indices of the cases in a bootstrap sample, with repetition.
        subjects: [n], the subject of each case.
        repetitions: number of bootstrap samples.
        level: level of the interval.
        seed: random seed.
    """
    names, group = np.unique(np.asarray(subjects), return_inverse=True)
    if len(names) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    members = [np.nonzero(group == g)[0] for g in range(len(names))]
    estimate = statistic(np.arange(len(group)))
    if len(names) < 2:
        return Interval(float(estimate), float("nan"), float("nan"))
    drawn = _draws(len(names), repetitions, seed)
    repeated = np.array([statistic(np.concatenate([members[g] for g in draw])) for draw in drawn])
    return _interval(float(estimate), repeated, level)


@dataclass(frozen=True)
class PairedTest:
    """Difference between two methods on the same cases.

    Attributes:
        difference: mean of first − second with its interval.
        p_value: two-sided Wilcoxon signed-rank test on the subjects' mean differences; 1 if all are zero.
        subjects: number of subjects.
    """

    difference: Interval
    p_value: float
    subjects: int


def paired_test(first: npt.ArrayLike, second: npt.ArrayLike, subjects: Sequence[str], *, seed: int = 0) -> PairedTest:
    """Compare two methods case by case; the unit of the test is the subject (Wilcoxon, Biometrics 1, 1945)."""
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    known = np.isfinite(difference)
    interval = bootstrap_mean(difference, subjects, seed=seed)
    if not known.any():
        return PairedTest(interval, float("nan"), 0)
    _, group = np.unique(np.asarray(subjects)[known], return_inverse=True)
    means = np.bincount(group, difference[known]) / np.bincount(group)
    p_value = float(stats.wilcoxon(means).pvalue) if np.any(means != 0) else 1.0
    return PairedTest(interval, p_value, len(means))


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for multiple tests (Holm, Scand. J. Stat. 6, 1979), in the given order; NaN stays NaN."""
    numbers = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(numbers.shape, np.nan)
    known = np.nonzero(np.isfinite(numbers))[0]
    running = 0.0
    for rank, index in enumerate(known[np.argsort(numbers[known], kind="stable")]):
        running = max(running, min(1.0, (len(known) - rank) * numbers[index]))
        adjusted[index] = running
    return [float(p) for p in adjusted]


def _draws(groups: int, repetitions: int, seed: int) -> Array:
    return np.random.default_rng(seed).integers(0, groups, size=(repetitions, groups))


def _interval(estimate: float, repeated: Array, level: float) -> Interval:
    known = repeated[np.isfinite(repeated)]
    if known.size == 0:
        return Interval(estimate, float("nan"), float("nan"))
    lower, upper = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(lower), float(upper))
