"""Simulated annotators: contours with errors that are smooth along the wall and in time, as people and engines draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.contours import PolarContours


@dataclass(frozen=True)
class Annotator:
    """The error model of one reader.

    Attributes:
        error_mm: mean absolute distance of a contour from the truth (between observers: 0.8–1.2 mm).
        smoothness: the error's power falls with the harmonic k as exp(−(k / smoothness)²/2).
        habit: share of the error's variance that is constant over the cycle.
        jitter: share that is independent between frames; the rest drifts with ``memory``.
        memory: correlation length of that drift, as a fraction of the cycle.
        shared: correlation of the endo- and the epicardial error.
        thinnest_mm: smallest wall thickness that is drawn.
        bias_mm: (endo, epi) constant offset outwards.
        epi_scale: size of the epicardium's error relative to ``error_mm``.
        systolic_bias_mm: (endo, epi) further offset outwards at end-systole; in other frames in proportion to the
            contraction of the cavity.
    """

    error_mm: float = 1.0
    smoothness: float = 3.0
    habit: float = 0.5
    jitter: float = 0.08
    memory: float = 0.12
    shared: float = 0.3
    thinnest_mm: float = 2.5
    bias_mm: tuple[float, float] = (0.0, 0.0)
    epi_scale: float = 1.0
    systolic_bias_mm: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class _EngineRanges:
    """Ranges of the errors of a contour engine, mm, see ``draw_engine_annotator``.

    ``settling``: share of the deviation of the (endo, epi) bias that is lost by end-systole.
    """

    error_mm: tuple[float, float]
    endo_mm: tuple[float, float]
    wall_mm: tuple[float, float]
    endo_change_mm: tuple[float, float]
    epi_change_mm: tuple[float, float]
    settling: tuple[float, float]


_ENGINE = _EngineRanges((0.22, 0.95), (-0.8, 1.1), (-1.9, 0.2), (0.0, 0.7), (-0.9, 0.3), (0.15, 0.4))
_ENGINE_AT_APEX = _EngineRanges((0.35, 1.4), (-0.9, 1.7), (-1.9, 1.1), (-0.8, 0.9), (-1.7, 0.7), (0.45, 0.45))


def draw_annotator(rng: np.random.Generator) -> Annotator:
    """Draw a reader: error uniform in 0.8…1.2 mm, smoothness 2…6.5, habit 0.3…0.7, jitter 0.03…0.2, memory 0.08…0.2.

    The ranges cover splines through a few points and masks painted pixel by pixel, contours copied from the
    neighbouring frame and contours drawn independently in each frame.
    """
    return Annotator(
        error_mm=rng.uniform(0.8, 1.2),
        smoothness=rng.uniform(2.0, 6.5),
        habit=rng.uniform(0.3, 0.7),
        jitter=rng.uniform(0.03, 0.2),
        memory=rng.uniform(0.08, 0.2),
    )


def draw_careful_annotator(rng: np.random.Generator) -> Annotator:
    """Draw a reader as ``draw_annotator`` does, but with an error uniform in 0.1…1.2 mm."""
    return replace(draw_annotator(rng), error_mm=rng.uniform(0.1, 1.2))


def draw_engine_annotator(rng: np.random.Generator, level: Level = "mid") -> Annotator:
    """Draw a reader that errs as the contour engine `myopari-acdc` does on one slice of a simulated cine.

    The ranges follow the 10th and 90th percentiles over 59 slices (experiments/results/automatic-contours.md, "Errors
    of the engine as a reader"). About their mean the errors are smaller than people's and more constant over the cycle;
    they are larger on the epicardium and at the apex. The mean differs from slice to slice: usually the wall is drawn
    too thin, more so at end-systole. Slices in which the engine follows another structure are not described.

    =============================================  ============  ============
    mm                                             base, mid     apex
    =============================================  ============  ============
    error (endo), log-uniform                      0.22…0.95     0.35…1.4
    endo, bias at end-diastole                     −0.8…1.1      −0.9…1.7
    wall thickness, bias at end-diastole           −1.9…0.2      −1.9…1.1
    endo, change of the bias to end-systole        0…0.7         −0.8…0.9
    epi, change of the bias to end-systole         −0.9…0.3      −1.7…0.7
    deviation of the bias lost by then: endo, epi  15, 40 %      45, 45 %
    =============================================  ============  ============

    Everywhere: the epicardium's error 0.7…2 times as large (log-uniform), smoothness 1.6…3.8, habit 0.5…0.87, jitter
    0…0.12, memory 0.08…0.3, correlation of endo and epi 0…0.7.

    Args:
        rng: the same state gives the same reader.
        level: level of the slice.
    """
    ranges = _ENGINE_AT_APEX if level == "apex" else _ENGINE
    low, high = ranges.error_mm
    error = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    endo, wall = rng.uniform(*ranges.endo_mm), rng.uniform(*ranges.wall_mm)
    endo_middle, wall_middle = np.mean(ranges.endo_mm), np.mean(ranges.wall_mm)
    deviations = endo - endo_middle, endo + wall - endo_middle - wall_middle
    endo_change, epi_change = (
        float(rng.uniform(*change) - settling * deviation)
        for change, settling, deviation in zip(
            (ranges.endo_change_mm, ranges.epi_change_mm), ranges.settling, deviations, strict=True
        )
    )
    return Annotator(
        error_mm=error,
        smoothness=rng.uniform(1.6, 3.8),
        habit=rng.uniform(0.5, 0.87),
        jitter=rng.uniform(0.0, 0.12),
        memory=rng.uniform(0.08, 0.3),
        shared=rng.uniform(0.0, 0.7),
        bias_mm=(endo, endo + wall),
        epi_scale=float(np.exp(rng.uniform(np.log(0.7), np.log(2.0)))),
        systolic_bias_mm=(endo_change, epi_change),
    )


def annotate(
    contours: PolarContours,
    rng: np.random.Generator,
    annotator: Annotator | None = None,
    phases: Array | None = None,
) -> PolarContours:
    """Add a reader's errors to contours.

    The radial error is a Gaussian process, periodic along the contour and over the cycle; it is scaled so
    that its expected absolute value is ``error_mm``, times ``epi_scale`` on the epicardium. The wall remains a ring at
    least ``thinnest_mm`` thick.

    Args:
        contours: the truth, [T, M].
        rng: the same state gives the same contours.
        annotator: the reader's error model; drawn from ``rng`` if None.
        phases: [T] of the frames (evenly over the cycle if None).
    """
    reader = annotator or draw_annotator(rng)
    frames, samples = contours.endo.shape
    times = np.arange(frames) / frames if phases is None else np.asarray(phases)
    errors = [error_process(rng, reader, times, samples) for _ in range(3)]
    own, common, scale = np.sqrt(1 - reader.shared), np.sqrt(reader.shared), reader.epi_scale
    work = contraction_of(contours)[:, None]
    endo = contours.endo + own * errors[0] + common * errors[2] + reader.bias_mm[0] + reader.systolic_bias_mm[0] * work
    epi = contours.epi + own * scale * errors[1] + common * scale * errors[2] + reader.bias_mm[1]
    epi = epi + reader.systolic_bias_mm[1] * work
    endo = np.maximum(endo, np.minimum(2.0, contours.endo))
    middle, half = 0.5 * (endo + epi), 0.5 * np.maximum(epi - endo, reader.thinnest_mm)
    endo = np.maximum(middle - half, np.minimum(2.0, contours.endo))
    return PolarContours(contours.center, endo, np.maximum(middle + half, endo + reader.thinnest_mm))


def contraction_of(contours: PolarContours) -> Array:
    """[T]: 0 where the cavity's area is largest, 1 where it is smallest; 0 throughout if it does not change."""
    area = (contours.endo**2).mean(axis=1)
    span = float(np.ptp(area))
    return np.asarray((area.max() - area) / span) if span > 0 else np.zeros(len(area))


def leave_out_trabeculae(contours: PolarContours, layer_mm: float, compaction: Array) -> PolarContours:
    """The contours of a reader who draws the compact wall only.

    At end-diastole there is blood between the trabeculae, and the contour runs outside of them; at end-systole
    they are compressed, look like the wall and are drawn as wall. The drawn wall is therefore thinner at
    end-diastole, and its area grows by more than the muscle's: on manual contours of nine patients by 1.2–1.5
    at mid level, with walls of 0.14–0.30 of the inner radius.

    Args:
        contours: contours of compact wall and trabeculae together, [T, M].
        layer_mm: thickness of the trabeculated layer at end-diastole; no more than 40 % of the wall is left out.
        compaction: [T], 0 at end-diastole, 1 where the layer is fully compressed.
    """
    spread = layer_mm * (1 - np.clip(compaction, 0, 1))[:, None]
    endo = contours.endo + np.minimum(spread, 0.4 * (contours.epi - contours.endo))
    return PolarContours(contours.center, endo, contours.epi)


def error_process(rng: np.random.Generator, reader: Annotator, times: Array, samples: int) -> Array:
    """[T, M] mm, normal with E|x| = error_mm."""
    order = np.arange(13)
    spectrum = np.exp(-0.25 * (order / reader.smoothness) ** 2)
    spectrum *= reader.error_mm * np.sqrt(np.pi / 2) / np.sqrt((spectrum**2).sum())

    def coefficients(count: int) -> Array:
        return rng.standard_normal((count, 2, order.size))

    distance = np.abs(np.mod(times[:, None] - times[None, :] + 0.5, 1.0) - 0.5)
    covariance = np.exp(-2 * (np.sin(np.pi * distance) / (np.pi * reader.memory)) ** 2 / 2)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    count = times.size
    drift = np.tensordot(root, coefficients(count), axes=1)
    total = (
        np.sqrt(reader.habit) * coefficients(1)
        + np.sqrt(1 - reader.habit - reader.jitter) * drift
        + np.sqrt(reader.jitter) * coefficients(count)
    )
    angle = np.arange(samples) * 2 * np.pi / samples
    waves = np.stack([np.cos(order[:, None] * angle), np.sin(order[:, None] * angle)])
    return np.asarray(np.einsum("tck,ckm->tm", total * spectrum, waves))
