"""Calibrate the spread of samples, so that intervals contain the true value: scales fitted on validation subjects.

A model's spread is not calibrated. Each quantity therefore gets
a scale s and a floor f such that |truth − prediction| ≤ z·√(s²σ² + f²), z being the normal quantile, in the wanted
share of held-out cases: split conformal prediction with a normalised score (Lei et al., J. Am. Stat. Assoc. 113,
2018), where each slice counts once regardless of its number of pixels. The reported standard deviation is √(s²σ² + f²),
so the prediction ± 1.645 of them is the 90 % interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array

CONFIDENCE = 0.9
#: The cycle is divided into this many parts, each with its own scale.
PHASE_BINS = 5
#: Marks scales of σ as it is computed now. Version 0.1 stretched its samples by √(N/(N−1)), although σ was already
#: computed with N − 1 degrees of freedom, so that its intervals depended on the number of samples.
_SPREAD_KEY, _SPREAD = "spread", "N-1 degrees of freedom"
#: The floor as a share of the root mean square error.
_FLOOR_SHARE = 0.25


@dataclass(frozen=True)
class QuantityScale:
    """Scale s by phase of the cycle, and floor f, of one quantity.

    Attributes:
        scales: s in each of `PHASE_BINS` equal parts of the cycle after end-diastole.
        floor: f in the quantity's unit, multiplied by `rise`, which is 0 at end-diastole, where nothing has moved.
    """

    scales: tuple[float, ...]
    floor: float


@dataclass(frozen=True)
class GlobalScale:
    """Scale s and floor f of one global number, such as peak GCS; f in its unit."""

    scale: float
    floor: float


@dataclass(frozen=True)
class Calibration:
    """Scales of every quantity.

    Attributes:
        confidence: confidence level of the intervals.
        samples: number of samples with which the scales were fitted; no interval is computed from fewer.
        quantities: scales by name: ecc, err, e1, e2, ecr, jacobian, displacement_mm (pixels), segment_ecc, segment_err.
        global_numbers: scales of gcs_peak, gcs_es, grs_peak and grs_es, of one slice or of a heart; empty for models
            that were calibrated without them.
        weak_segments: k of the variance (k x)² that is added for segments that contract less than their wall
            (`weak_segments`), by quantity; empty for models without it.
    """

    confidence: float = CONFIDENCE
    samples: int = 8
    quantities: Mapping[str, QuantityScale] = field(default_factory=dict)
    global_numbers: Mapping[str, GlobalScale] = field(default_factory=dict)
    weak_segments: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        content = {
            "confidence": self.confidence,
            "samples": self.samples,
            _SPREAD_KEY: _SPREAD,
            "quantities": {name: asdict(scale) for name, scale in self.quantities.items()},
        }
        if self.global_numbers:
            content["global_numbers"] = {name: asdict(scale) for name, scale in self.global_numbers.items()}
        if self.weak_segments:
            content["weak_segments"] = dict(self.weak_segments)
        return content

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """The calibration of `to_dict`. Raises KeyError, TypeError or ValueError for anything else."""
        samples = int(values["samples"])
        stretch = 1.0 if values.get(_SPREAD_KEY) == _SPREAD else (samples / max(samples - 1, 1)) ** 0.5
        quantities = {
            str(name): QuantityScale(tuple(stretch * float(s) for s in each["scales"]), float(each["floor"]))
            for name, each in values["quantities"].items()
        }
        if any(len(each.scales) != PHASE_BINS for each in quantities.values()):
            raise ValueError(f"a quantity must have {PHASE_BINS} scales")
        whole = {
            str(name): GlobalScale(float(each["scale"]), float(each["floor"]))
            for name, each in values.get("global_numbers", {}).items()
        }
        weak = {str(name): float(k) for name, k in values.get("weak_segments", {}).items()}
        return cls(float(values["confidence"]), samples, quantities, whole, weak)

    def deviation(self, name: str, spread: Array, phases: Array, extra: Array | None = None) -> Array:
        """The calibrated standard deviation.

        Args:
            name: name of the quantity; one without a scale keeps its spread.
            spread: σ over the samples, [T, ...].
            phases: [T] fractions of the cycle after end-diastole.
            extra: variance that is added, [T, ...].
        """
        quantity = self.quantities.get(name)
        if quantity is None:
            return spread
        shape = (-1, *[1] * (spread.ndim - 1))
        scale = scale_at(quantity.scales, phases).reshape(shape)
        floor = (quantity.floor * rise(phases)).reshape(shape)
        variance = (scale * spread) ** 2 + floor**2
        return np.asarray(np.sqrt(variance if extra is None else variance + extra), dtype=spread.dtype)

    def global_deviation(self, name: str, spread: float) -> float:
        """The calibrated standard deviation of a global number, from its spread σ over the samples."""
        scale = self.global_numbers[name]
        return float(np.hypot(scale.scale * spread, scale.floor))

    @property
    def half_width(self) -> float:
        """z: half the interval in calibrated standard deviations."""
        return NormalDist().inv_cdf(0.5 + self.confidence / 2)


def scale_at(scales: npt.ArrayLike, phases: Array) -> Array:
    """s at phases [T], by linear periodic interpolation between the centres of the bins."""
    middles = (np.arange(PHASE_BINS) + 0.5) / PHASE_BINS
    return np.asarray(np.interp(phases, middles, np.asarray(scales, dtype=np.float64), period=1.0))


def rise(phases: Array) -> Array:
    """0 at end-diastole, 1 between a tenth of the cycle after it and a tenth before the next one."""
    away = np.minimum(np.mod(phases, 1.0), 1 - np.mod(phases, 1.0))
    return np.asarray(np.clip(away / 0.1, 0.0, 1.0))


def fit_quantity(
    error: list[Array],
    spread: list[Array],
    phases: list[Array],
    confidence: float = CONFIDENCE,
    extra: list[Array] | None = None,
) -> QuantityScale:
    """Fit scales and floor of one quantity to held-out slices.

    Args:
        error: |truth − prediction| of each slice, [T, K]; NaN where unknown.
        spread: σ of each slice, [T, K].
        phases: [T] of each slice.
        confidence: share of true values that the intervals should contain.
        extra: variance of each slice that is added to s²σ² + f², [T, K].
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    added = [np.zeros_like(each) for each in error] if extra is None else extra
    known = np.concatenate([e[np.isfinite(e)].ravel() for e in error])
    floor = float(_FLOOR_SHARE * np.sqrt(np.mean(known**2))) if known.size else 0.0
    middles = (np.arange(PHASE_BINS) + 0.5) / PHASE_BINS
    scales = []
    for middle in middles:
        ratios, weights = [], []
        for each, sigma, when, more in zip(error, spread, phases, added, strict=True):
            near = np.abs(np.mod(when - middle + 0.5, 1.0) - 0.5) <= 0.5 / PHASE_BINS
            floors = np.broadcast_to((floor * rise(when[near]))[:, None], each[near].shape)
            left = (each[near] / z) ** 2 - floors**2 - more[near]
            excess = np.sqrt(np.maximum(left, 0.0)) / np.maximum(sigma[near], 1e-9)
            held = np.isfinite(excess) & (floors > 0)
            if held.any():
                ratios.append(excess[held])
                weights.append(np.full(int(held.sum()), 1.0 / held.sum()))
        scales.append(_weighted_quantile(ratios, weights, confidence) if ratios else 1.0)
    return QuantityScale(tuple(scales), floor)


def fit_global(error: Array, spread: Array, confidence: float = CONFIDENCE) -> GlobalScale:
    """Fit scale and floor of one global number to held-out slices and hearts.

    Args:
        error: |truth − prediction| of each, [K].
        spread: σ over the samples of each, [K].
        confidence: share of true values that the intervals should contain.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    known = np.isfinite(error) & np.isfinite(spread)
    if not known.any():
        return GlobalScale(1.0, 0.0)
    floor = float(_FLOOR_SHARE * np.sqrt(np.mean(error[known] ** 2)))
    excess = np.sqrt(np.maximum((error[known] / z) ** 2 - floor**2, 0.0)) / np.maximum(spread[known], 1e-9)
    return GlobalScale(
        _weighted_quantile([np.array([each]) for each in excess], [np.ones(1)] * len(excess), confidence), floor
    )


def _weighted_quantile(values: list[Array], weights: list[Array], share: float) -> float:
    """The smallest value below which at least this share of the weight lies, one slice's weight added at infinity."""
    value, weight = np.concatenate(values), np.concatenate(weights)
    order = np.argsort(value)
    total = np.cumsum(weight[order]) / (len(values) + 1)
    place = int(np.searchsorted(total, share))
    return float(value[order][min(place, len(order) - 1)])
