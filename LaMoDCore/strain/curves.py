"""Strain over time: means over regions, peaks, times to peak and rates.

A curve is [T] in the frame order of the cine; it is evaluated cyclically from the reference frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.geometry import Array

Direction = Literal["shortening", "thickening"]
#: Part of diastole, counted from end-systole, that is searched for the early-diastolic rate.
EARLY_DIASTOLE = 0.5


def region_means(values: Array, labels: Array, count: int) -> Array:
    """Mean over the finite pixels of every label at every frame.

    Args:
        values: [T, H, W], NaN where there is no value.
        labels: int [H, W], 0 = none, 1…count.
        count: number of labels.

    Returns:
        float64 [count, T], NaN where a region has no value.
    """
    return region_statistics(values, labels, count)[0]


def region_statistics(values: Array, labels: Array, count: int) -> tuple[Array, Array]:
    """Mean and standard deviation over the finite pixels of every label at every frame: two float64 [count, T]."""
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
    """Order and times of the frames, starting at the reference frame.

    Attributes:
        order: int [n], indices of the valid frames in the order of time.
        times_ms: float [n], time since the reference frame.
        rr_ms: length of the cycle.
        es_frame: end-systole, a frame index.
    """

    order: Array
    times_ms: Array
    rr_ms: float
    es_frame: int

    @property
    def es_time_ms(self) -> float:
        """Time of end-systole since the reference frame."""
        return float(self.times_ms[self.order == self.es_frame][0])

    @property
    def systole(self) -> Array:
        """bool [n]: True up to and including end-systole."""
        return np.asarray(self.times_ms <= self.es_time_ms)


def cycle(
    frame_times_ms: Array, rr_ms: float, reference_frame: int, es_frame: int, valid_frames: Array | None = None
) -> Cycle:
    """Order the valid frames in time from the reference frame; end-systole and the reference frame always count."""
    since = np.mod(frame_times_ms - frame_times_ms[reference_frame], rr_ms)
    order = np.argsort(since, kind="stable")
    if valid_frames is not None:
        keep = np.asarray(valid_frames, dtype=bool).copy()
        keep[[reference_frame, es_frame]] = True
        order = order[keep[order]]
    return Cycle(order, since[order], rr_ms, es_frame)


def slice_cycle(slice_: CineSlice, reference_frame: int, es_frame: int) -> Cycle:
    """`cycle` with the times and valid frames of a slice."""
    return cycle(slice_.frame_times_ms, slice_.rr_ms, reference_frame, es_frame, slice_.valid_frames)


def heart_cycle(case: Case, es_frame: int) -> Cycle:
    """`cycle` of the whole heart, on its clock; see `Case.rr_ms`."""
    return cycle(case.frame_times_ms, case.rr_ms, case.reference_frame, es_frame, case.slices[0].valid_frames)


@dataclass(frozen=True)
class Peak:
    """The extreme value of a curve; NaN and −1 where it has no finite value.

    Attributes:
        value: strain as a fraction.
        frame: index of its frame.
        time_ms: since the reference frame.
        time_fraction: the same as a fraction of the cycle.
    """

    value: float
    frame: int
    time_ms: float
    time_fraction: float


def peak(curve: Array, course: Cycle, direction: Direction = "shortening", systolic: bool = False) -> Peak:
    """Find the peak shortening (minimum) or peak thickening or stretch (maximum) of a curve.

    Args:
        curve: [T].
        course: order and times of the frames.
        direction: which extreme.
        systolic: search only up to end-systole (Voigt et al., Eur. Heart J. Cardiovasc. Imaging 16, 2015: "systolic
            peak strain", where "peak" alone may come after aortic valve closure).
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
    """dE/dt in 1/s of periodic curves [..., T]: slope of the parabola through each frame and its two neighbours."""
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
    return _extreme(rate[course.systole], np.min)


def early_diastolic_rate(curve: Array, frame_times_ms: Array, course: Cycle) -> float:
    """Fastest lengthening in the first half of diastole, 1/s (positive)."""
    rate = strain_rate(np.asarray(curve), frame_times_ms, course.rr_ms)[course.order]
    end = course.es_time_ms + EARLY_DIASTOLE * (course.rr_ms - course.es_time_ms)
    return _extreme(rate[~course.systole & (course.times_ms <= end)], np.max)


def _extreme(values: Array, pick: Callable[[Array], np.floating]) -> float:
    finite = values[np.isfinite(values)]
    return float(pick(finite)) if len(finite) else float("nan")
