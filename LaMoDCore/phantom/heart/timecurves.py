"""Dimensionless curves of shortening and motion over one cycle, 0 at end-diastole and 1 at their peak."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from LaMoDCore.heart.geometry import Array


@dataclass(frozen=True)
class CycleTiming:
    """Times of the events of one cycle, in fractions of R–R.

    Attributes:
        end_systole: time of the smallest cavity area (0.28–0.50; 0.32–0.42 at rest, later at higher heart rate).
        relaxation: length of isovolumic relaxation (60–100 ms).
        rapid_filling: length of early filling after it (120–250 ms; longer where relaxation is slow).
        kick_start: onset of atrial contraction (0.78–0.90).
        diastasis: shortening left after early filling, as a share of the peak (0.08–0.40).
        kick_share: part of ``diastasis`` that is left for the atrial kick; the rest fills slowly before it.
    """

    end_systole: float
    relaxation: float
    rapid_filling: float
    kick_start: float
    diastasis: float
    kick_share: float


def periodic_curve(times: npt.ArrayLike, values: npt.ArrayLike, phases: npt.ArrayLike) -> Array:
    """Monotone cubic interpolation (Fritsch and Carlson 1980) through knots of one period, at phases [T].

    Args:
        times: rising, in [0, 1); the first is 0.
        values: values at these times.
        phases: any real numbers; taken modulo 1.
    """
    knots, heights = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if knots[0] != 0 or knots[-1] >= 1 or (np.diff(knots) <= 0).any():
        raise ValueError(f"knots must rise from 0 to below 1, got {knots}")
    return np.asarray(_monotone(tuple(knots), tuple(heights))(np.mod(phases, 1.0)))


@lru_cache(maxsize=1024)
def _monotone(knots: tuple[float, ...], heights: tuple[float, ...]) -> PchipInterpolator:
    """The interpolator, cached: sites of a slice share most of their curves, which are evaluated at several phases."""
    times = np.asarray(knots)
    return PchipInterpolator(np.concatenate([times - 1, times, times + 1]), np.tile(heights, 3))


def _diastole(timing: CycleTiming, peak: float) -> tuple[list[float], list[float]]:
    """Knots after the peak: isovolumic relaxation, early filling, diastasis and the atrial kick.

    A late peak shortens relaxation and early filling; at high heart rates there is no diastasis.
    """
    early = peak + timing.relaxation
    filled = early + timing.rapid_filling
    latest = timing.kick_start - 0.02
    if filled > latest:
        squeeze = (latest - peak) / (filled - peak)
        early, filled = peak + timing.relaxation * squeeze, latest
    times = [early, filled, timing.kick_start]
    return times, [0.88, timing.diastasis, timing.diastasis * timing.kick_share]


def contraction(timing: CycleTiming, phases: npt.ArrayLike, delay: float = 0.0, prestretch: float = 0.0) -> Array:
    """Shortening [T] of a site that is activated late and stretched before.

    Args:
        timing: phases of the cycle.
        phases: [T].
        delay: delay of electrical activation, in fractions of R–R; the peak is delayed by 0.6 of it.
        prestretch: lengthening before activation, as a share of the peak.
    """
    peak = timing.end_systole + 0.6 * max(delay, 0.0)
    start = 0.03 + max(delay, 0.0)
    span = peak - start
    times = [0.0, start, start + 0.3 * span, start + 0.6 * span, start + 0.82 * span, peak]
    values = [0.0, 0.02 - prestretch, 0.30 - 0.5 * prestretch, 0.72, 0.94, 1.0]
    later, left = _diastole(timing, peak)
    return periodic_curve(times + later, values + left, phases)


def septal_flash(timing: CycleTiming, phases: npt.ArrayLike, flash: float, rebound: float, late: float) -> Array:
    """Septum in left bundle branch block [T]: early shortening, rebound stretch, late weak shortening.

    Args:
        timing: phases of the cycle.
        phases: [T].
        flash: shortening at the flash (0.08–0.11 of R–R), as a share of a normal peak.
        rebound: shortening during contraction of the lateral wall (negative: longer than at end-diastole).
        late: shortening at about aortic valve closure.
    """
    peak = timing.end_systole
    times = [0.0, 0.03, 0.09, 0.55 * peak + 0.07, peak + 0.04]
    values = [0.0, 0.3 * flash, flash, rebound, late]
    later, left = _diastole(timing, peak + 0.04)
    return periodic_curve(times + later, values + [late * value for value in left], phases)


def passive_stretch(timing: CycleTiming, phases: npt.ArrayLike, post_systolic: float) -> Array:
    """Shortening of a scar [T]: it bulges as pressure rises (−1 at the peak), recoils, and shortens after systole."""
    peak = timing.end_systole
    times = [0.0, 0.06, 0.35 * peak + 0.05, 0.8 * peak, peak + timing.relaxation]
    values = [0.0, -0.55, -1.0, -0.85, post_systolic]
    later, _ = _diastole(timing, peak + timing.relaxation)
    settled = [0.6 * post_systolic, 0.1 * post_systolic, 0.05 * post_systolic]
    return periodic_curve(times + later, values + settled, phases)


def rotation_curve(timing: CycleTiming, phases: npt.ArrayLike, early: float, recoil: float) -> Array:
    """Rotation [T] over the cycle, 1 at end-systole.

    Args:
        timing: phases of the cycle.
        phases: [T].
        early: opposite rotation at the start of ejection, as a share of the peak (0–0.2).
        recoil: rotation at the end of isovolumic relaxation; untwisting precedes filling (0.4–0.75).
    """
    peak = timing.end_systole
    times = [0.0, 0.18 * peak, 0.5 * peak, 0.82 * peak, peak]
    values = [0.0, -early, 0.38, 0.9, 1.0]
    later, _ = _diastole(timing, peak)
    return periodic_curve(times + later, [*values, recoil, 0.16, 0.06], phases)


def drift_curve(timing: CycleTiming, phases: npt.ArrayLike, return_time: float) -> Array:
    """Bulk translation [T]: 1 at end-systole, with a small overshoot at ``return_time``, during filling."""
    peak = timing.end_systole
    times = [0.0, 0.35 * peak, peak, peak + 0.5 * (return_time - peak), return_time]
    return periodic_curve(times, [0.0, 0.3, 1.0, 0.45, -0.08], phases)
