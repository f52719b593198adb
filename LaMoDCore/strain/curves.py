"""Strain over time: means over regions, peaks, times to peak and rates.

A curve is [T] in the cine's own frame order; it is read from the reference frame on, cyclically.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from LaMoDCore.heart.geometry import Array

Direction = Literal["shortening", "thickening"]
#: Part of diastole, counted from end-systole, in which the early-diastolic rate is looked for.
EARLY_DIASTOLE = 0.5


def region_means(values: Array, labels: Array, count: int) -> Array:
    """Mean of every label's finite pixels at every frame.

    Args:
        values: [T, H, W], NaN where there is no value.
        labels: int [H, W], 0 = none, 1…count.
        count: number of labels.

    Returns:
        float64 [count, T], NaN where a region has no value.
    """
    return region_statistics(values, labels, count)[0]


def region_statistics(values: Array, labels: Array, count: int) -> tuple[Array, Array]:
    """Mean and standard deviation over every label's finite pixels at every frame: two float64 [count, T]."""
    inside = labels > 0
    pixels = values[:, inside].astype(np.float64)
    finite = np.isfinite(pixels)
    member = (labels[inside][:, None] == np.arange(1, count + 1)).astype(np.float64)
    number = finite @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(finite, pixels, 0.0) @ member / number
        deviation = np.where(finite, pixels - np.nan_to_num(mean) @ member.T, 0.0)
        spread = np.sqrt(deviation**2 @ member / number)
    return mean.T, spread.T


@dataclass(frozen=True)
class Cycle:
    """The order and times in which frames are read, from the reference frame on.

    Attributes:
        order: int [n] frame indices that are valid, in time from the reference frame.
        times_ms: float [n] since the reference frame.
        rr_ms: length of the cycle.
        es_frame: end-systole, a frame index.
    """

    order: Array
    times_ms: Array
    rr_ms: float
    es_frame: int

    @property
    def es_time_ms(self) -> float:
        """End-systole, counted from the reference frame."""
        return float(self.times_ms[self.order == self.es_frame][0])

    @property
    def systole(self) -> Array:
        """bool [n]: up to end-systole, inclusive."""
        return np.asarray(self.times_ms <= self.es_time_ms)


def cycle(
    frame_times_ms: Array, rr_ms: float, reference_frame: int, es_frame: int, valid_frames: Array | None = None
) -> Cycle:
    """Frames in time from the reference frame; end-systole and the reference frame are always among them."""
    since = np.mod(frame_times_ms - frame_times_ms[reference_frame], rr_ms)
    order = np.argsort(since, kind="stable")
    if valid_frames is not None:
        keep = np.asarray(valid_frames, dtype=bool).copy()
        keep[[reference_frame, es_frame]] = True
        order = order[keep[order]]
    return Cycle(order, since[order], rr_ms, es_frame)


@dataclass(frozen=True)
class Peak:
    """The extreme of a curve; NaN and −1 where it has no finite value.

    Attributes:
        value: a fraction.
        frame: the frame it falls on.
        time_ms: since the reference frame.
        time_fraction: of the cycle.
    """

    value: float
    frame: int
    time_ms: float
    time_fraction: float


def peak(curve: Array, course: Cycle, direction: Direction = "shortening", systolic: bool = False) -> Peak:
    """Largest shortening (the least value) or thickening or stretch (the greatest) of a curve [T].

    Args:
        curve: [T].
        course: of the frames.
        direction: which extreme.
        systolic: only up to end-systole (Voigt et al., Eur. Heart J. Cardiovasc. Imaging 16, 2015: "systolic peak
            strain", where "peak" alone may come after aortic valve closure).
    """
    values = np.asarray(curve, dtype=np.float64)[course.order]
    if systolic:
        values = np.where(course.systole, values, np.nan)
    if not np.isfinite(values).any():
        return Peak(float("nan"), -1, float("nan"), float("nan"))
    index = int(np.nanargmin(values) if direction == "shortening" else np.nanargmax(values))
    time = float(course.times_ms[index])
    return Peak(float(values[index]), int(course.order[index]), time, time / course.rr_ms)


def strain_rate(curves: Array, frame_times_ms: Array, rr_ms: float) -> Array:
    """dE/dt in 1/s of periodic curves [..., T]: slope of the parabola through each frame and its neighbours."""
    times = np.asarray(frame_times_ms, dtype=np.float64)
    before = np.mod(times - np.roll(times, 1), rr_ms)
    after = np.mod(np.roll(times, -1) - times, rr_ms)
    past, future = np.roll(curves, 1, axis=-1), np.roll(curves, -1, axis=-1)
    slope = (
        (curves - past) * after / (before * (before + after))
        + (future - curves) * before / (after * (before + after))
    )  # fmt: skip
    return np.asarray(slope * 1000.0)


def systolic_rate(curve: Array, frame_times_ms: Array, course: Cycle) -> float:
    """Fastest shortening between the reference frame and end-systole, 1/s (negative)."""
    rate = strain_rate(np.asarray(curve), frame_times_ms, course.rr_ms)[course.order]
    return _extreme(rate[course.systole], np.nanmin)


def early_diastolic_rate(curve: Array, frame_times_ms: Array, course: Cycle) -> float:
    """Fastest lengthening in the first half of diastole, 1/s (positive)."""
    rate = strain_rate(np.asarray(curve), frame_times_ms, course.rr_ms)[course.order]
    end = course.es_time_ms + EARLY_DIASTOLE * (course.rr_ms - course.es_time_ms)
    return _extreme(rate[~course.systole & (course.times_ms <= end)], np.nanmax)


def _extreme(values: Array, pick: np.ufunc | object) -> float:
    finite = values[np.isfinite(values)]
    return float(pick(finite)) if len(finite) else float("nan")  # type: ignore[operator]
