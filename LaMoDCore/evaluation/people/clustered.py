"""Agreement of two methods on clustered measurements: segments within slices within persons.

Every statistic is a function of six sums per person, so that a bootstrap over persons only weights these sums. A
person's slices and segments are drawn together: resampling the highest level with replacement and keeping the lower
ones reproduces the variance of nested data better than resampling each level (Davison and Hinkley, Bootstrap methods
and their application, 1997, section 3.8). Percentiles of few persons give intervals that are too narrow; they are
expanded as in Hesterberg (The American Statistician 69:371, 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from LaMoDCore.evaluation.bootstrap import Interval
from LaMoDCore.heart.geometry import Array

#: Limits of agreement are the bias ± this many standard deviations.
_LIMIT_SD = 1.96
REPETITIONS = 2000
#: Fewer persons give no interval, and one person no limits of agreement.
LEAST_PERSONS = 5


@dataclass(frozen=True)
class Agreement:
    """Agreement of a method with a reference; intervals are 95 % intervals over persons, NaN for fewer than five.

    For a single person there is only the bias.

    Attributes:
        persons, slices, values: numbers of persons, slices and pairs of values.
        bias: mean difference, method minus reference.
        sd: standard deviation of a difference, the sum of its variances between and within persons.
        lower, upper: limits of agreement, bias ∓ 1.96 SD (Bland and Altman, J. Biopharm. Stat. 17:571, 2007).
        icc: ICC(2,1), absolute agreement of single measurements (Shrout and Fleiss, 1979).
        cov: coefficient of variation: SD over the magnitude of the reference's mean.
    """

    persons: int
    slices: int
    values: int
    bias: Interval
    sd: Interval
    lower: Interval
    upper: Interval
    icc: Interval
    cov: Interval


def clustered_agreement(
    method: npt.ArrayLike,
    reference: npt.ArrayLike,
    persons: Sequence[str],
    slices: Sequence[str] = (),
    *,
    repetitions: int = REPETITIONS,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Agreement with intervals that respect that values of a person are not independent.

    Args:
        method: [n] values of the method under test; pairs with missing values are ignored.
        reference: [n] values of the reference.
        persons: [n] person of each pair.
        slices: [n] slice of each pair, only to count them; each pair is a slice if empty.
        repetitions: number of bootstrap samples.
        level: level of the intervals.
        seed: random seed.

    Raises:
        ValueError: the numbers of values differ.
    """
    a, b = np.asarray(method, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if not a.shape == b.shape == (len(persons),) or len(slices) not in (0, len(persons)):
        raise ValueError(f"one value of each method per person is needed, got {a.shape}, {b.shape}, {len(persons)}")
    known = np.isfinite(a) & np.isfinite(b)
    names, group = np.unique(np.asarray(persons, dtype=str)[known], return_inverse=True)
    count = len(names)
    parts = np.asarray(slices if len(slices) else np.arange(len(a)).astype(str), dtype=str)[known]
    numbers = (count, len(np.unique(parts)), int(known.sum()))
    if count == 0:
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        return Agreement(*numbers, *([nothing] * 6))
    sums = _sums(a[known], b[known], group, count)
    estimate = _statistics(sums, np.ones((1, count)))[:, 0]
    if count < 2:
        estimate[1:] = np.nan
    if count < LEAST_PERSONS:
        return Agreement(*numbers, *(Interval(float(value), float("nan"), float("nan")) for value in estimate))
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=repetitions)
    repeated = _statistics(sums, drawn.astype(np.float64))
    tail = expanded_tail(count, level)
    intervals = []
    for value, values in zip(estimate, repeated, strict=True):
        finite = values[np.isfinite(values)]
        low, high = np.quantile(finite, [tail, 1 - tail]) if finite.size else (np.nan, np.nan)
        intervals.append(Interval(float(value), float(low), float(high)))
    return Agreement(*numbers, *intervals)


def expanded_tail(persons: int, level: float = 0.95) -> float:
    """Tail probability of an expanded percentile interval: Φ(−√(n/(n−1)) t), t Student's quantile at n − 1.

    A percentile interval of a mean is too narrow by √((n−1)/n) and by the ratio of the normal's to Student's quantile.
    """
    quantile = stats.t.ppf(0.5 + level / 2, persons - 1)
    return float(stats.norm.cdf(-np.sqrt(persons / (persons - 1)) * quantile))


def _sums(a: Array, b: Array, group: Array, count: int) -> Array:
    """[6, persons]: numbers of values, sums of a, b, a², b² and ab."""
    return np.stack([np.bincount(group, weights, count) for weights in (np.ones(len(a)), a, b, a * a, b * b, a * b)])


def _statistics(sums: Array, weights: Array) -> Array:
    """[6, repetitions]: bias, SD, limits, ICC(2,1) and CoV of persons with weights [repetitions, persons]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        n, sa, sb, saa, sbb, sab = (weights @ row for row in sums)
        bias = (sa - sb) / n
        sd = np.sqrt(_total_variance(sums, weights, bias))
        reference = np.abs(sb / n)
        return np.stack(
            [bias, sd, bias - _LIMIT_SD * sd, bias + _LIMIT_SD * sd, _icc(n, sa, sb, saa, sbb, sab), sd / reference]
        )


def _total_variance(sums: Array, weights: Array, bias: Array) -> Array:
    """Variance of a difference: between persons plus within a person, by a one-way analysis of variance.

    The variance of all differences taken together underestimates it where there are few persons. Unequal numbers of
    values: Searle, Casella and McCulloch, Variance components, 1992, section 3.6.
    """
    n, sa, sb, saa, sbb, sab = sums
    total, squares = sa - sb, saa + sbb - 2 * sab
    persons, values = weights.sum(axis=1), weights @ n
    mean = total / n
    between = weights @ (n * mean**2) - values * bias**2
    within = weights @ np.maximum(squares - n * mean**2, 0.0)
    size = (values - weights @ n**2 / values) / (persons - 1)
    mean_between = np.maximum(between, 0.0) / (persons - 1)
    mean_within = np.where(values > persons, within / np.maximum(values - persons, 1), 0.0)
    several = (weights > 0).sum(axis=1) > 1
    component = np.where(several, np.maximum((mean_between - mean_within) / size, 0.0), 0.0)
    return np.asarray(component + mean_within)


def _icc(n: Array, sa: Array, sb: Array, saa: Array, sbb: Array, sab: Array) -> Array:
    """ICC(2,1) of two methods from their sums; equal to `evaluation.agreement.icc`."""
    mean_a, mean_b = sa / n, sb / n
    grand = (mean_a + mean_b) / 2
    rows = 2 * ((saa + 2 * sab + sbb) / 4 - n * grand**2) / (n - 1)
    columns = n * ((mean_a - grand) ** 2 + (mean_b - grand) ** 2)
    error = (saa - 2 * sab + sbb - n * (mean_a - mean_b) ** 2) / (2 * (n - 1))
    denominator = rows + error + 2 * (columns - error) / n
    return np.where(denominator > 0, (rows - error) / np.where(denominator > 0, denominator, 1.0), np.nan)
