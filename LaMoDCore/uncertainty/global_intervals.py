"""Intervals of global strain for strain.json: from the global curves of all samples, or bounded by the segments'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice, SliceStrain
from LaMoDCore.io.results.global_interval import BOUND, CALIBRATED, KEY, bounded_half_width
from LaMoDCore.strain.curves import Cycle, heart_cycle, slice_cycle
from LaMoDCore.strain.global_strain import GLOBAL_NUMBERS, heart_sample_curves, sample_spread
from LaMoDCore.uncertainty.calibration import Calibration


def with_global_intervals(
    summary: Mapping[str, Any],
    case: Case,
    strains: Sequence[SliceStrain],
    es_frame: int,
    calibration: Calibration | None,
) -> dict[str, Any]:
    """Add the intervals of GCS and GRS, of the heart and of each slice, to a summary.

    A model whose global strain was not calibrated gets the bound that the segments' intervals permit. Without samples
    or without a calibration there is no interval.

    Args:
        summary: result of `LaMoDCore.strain.summarise`.
        case: the input.
        strains: strain of each slice, with calibrated standard deviations (`intervals.calibrated`).
        es_frame: end-systole.
        calibration: calibration of the model, if it has one.
    """
    if calibration is None:
        return dict(summary)

    def completed(
        values: Mapping[str, Any], slices: Sequence[CineSlice], own: Sequence[SliceStrain], course: Cycle
    ) -> Mapping[str, Any]:
        found = _intervals(values, slices, own, course, calibration)
        return {**values, KEY: found} if found else values

    parts = []
    for part, slice_, strain in zip(summary["slices"], case.slices, strains, strict=True):
        course = slice_cycle(slice_, case.reference_frame, es_frame)
        parts.append({**part, "global": completed(part["global"], [slice_], [strain], course)})
    heart = completed(summary["global"], case.slices, strains, heart_cycle(case, es_frame))
    return {**summary, "global": heart, "slices": parts}


def _intervals(
    values: Mapping[str, Any],
    slices: Sequence[CineSlice],
    strains: Sequence[SliceStrain],
    course: Cycle,
    calibration: Calibration,
) -> dict[str, Any]:
    """The entry of strain.json; empty without samples."""
    samples = heart_sample_curves(slices, strains)
    if not samples:
        return {}
    is_calibrated = all(name in calibration.global_numbers for name in GLOBAL_NUMBERS)
    found: dict[str, Any] = {"basis": CALIBRATED if is_calibrated else BOUND}
    for name, curve in GLOBAL_NUMBERS.items():
        if values[name] is None:
            continue
        if is_calibrated:
            spread = sample_spread(name, samples[curve], course)
            half = calibration.half_width * calibration.global_deviation(name, spread)
        else:
            frame = course.es_frame if name.endswith("_es") else values[f"{name}_frame"]
            half = calibration.half_width * _bound_sd(slices, strains, curve, frame)
        if np.isfinite(half):
            found[name] = [values[name] - half, values[name] + half]
    return found


def _bound_sd(slices: Sequence[CineSlice], strains: Sequence[SliceStrain], curve: str, frame: int) -> float:
    segments = []
    for slice_, strain in zip(slices, strains, strict=True):
        pixels = np.bincount(strain.segment[strain.segment > 0], minlength=len(strain.segment_names) + 1)[1:]
        area = pixels * float(np.prod(slice_.grid.spacing_mm))
        segments.append((strain.segment_curves_std[curve][:, frame], area))
    return bounded_half_width(segments)
