"""Longitudinal strain of a heart as strain.json holds it under ``long_axis``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.end_diastole import at_phases, common_phases, end_systolic_phase, reference_frame
from LaMoDCore.heart.long_axis.mid_wall import mid_wall_mm
from LaMoDCore.heart.long_axis.view import LINE_NAMES, LongAxisView, by_kind
from LaMoDCore.runtime.json_file import json_values
from LaMoDCore.strain import curves
from LaMoDCore.strain.long_axis.annulus import annulus_displacement_mm, mapse_mm
from LaMoDCore.strain.long_axis.interval import gls_interval
from LaMoDCore.strain.long_axis.line_strain import (
    LEVELS,
    engineering_strain,
    green_lagrange,
    line_lengths_mm,
    segment_lengths_mm,
    ventricle_length_mm,
)
from LaMoDCore.strain.long_axis.segments import aha_number, bullseye

DEFINITIONS = {
    "strain": "engineering strain of the length of a drawn line, L / L_ED − 1, fraction; not the strain of material "
    "points",
    "green_lagrange": "the same as E = ½((1 + e)² − 1)",
    "lines": "from one end of the wall over the apex to the other: endocardial and epicardial contour, and mid_wall, "
    "half-way between them at end-diastole and dividing the wall's volume in the same ratio later",
    "gls": "systolic peak, the minimum up to end-systole, of the mean curve of the views on common phases; slices of "
    "the same view count as one, their mean",
    "es": "value at end-systole, the phase of the smallest cavity area of these views relative to end-diastole, mean "
    "over the views; short-axis slices have their own",
    "phases": "since end-diastole of each view, in fractions of its own R–R interval; times use the median R–R "
    "interval",
    "segments": "thirds of each wall by length of the mid-wall line, so that the three segments of a wall share one "
    "strain",
    "bullseye": "systolic peak of mid-wall strain, AHA segments 1 to 17; 14 and 16 are means of two views where both "
    "show them, 17 is the mean of 13 to 16",
    "mapse": "largest displacement of an annulus point towards the apex, along the end-diastolic long axis, mm",
    "length": "from the middle of the annulus to the endocardial apex, mm",
    "drift": "strain of the last frame, which precedes the first one of the next beat; null without its end",
    "rates": "slope of the curve, 1/s: fastest shortening up to end-systole, fastest lengthening in the first half of "
    "diastole; none of contours that were carried between drawn frames",
    "interval": "90 % interval for the strain of the tissue given a reader's errors, from synthetic readers; it does "
    "not contain the effect of trabeculae that are left out of the wall",
}
_GIVEN_ES = "value at end-systole, a phase of the cycle that was given"


def long_axis_summary(views: Sequence[LongAxisView], es_phase: float | None = None) -> dict[str, Any]:
    """Numbers of one or more long-axis views of one heart.

    Args:
        views: the views.
        es_phase: end-systole since end-diastole as a fraction of the cycle; by default the views' smallest cavity.

    Returns:
        ``long_axis`` of strain.json: strings, numbers, lists and None for unknown values.
    """
    phases = common_phases(views)
    es = end_systolic_phase(views, phases) if es_phase is None else es_phase
    rr_ms = float(np.median([view.rr_ms for view in views]))
    course = _course(phases, es, rr_ms)
    own = [_strains(view) for view in views]
    groups = by_kind(views)
    mean = {
        name: _mean([at_phases(each[name], view, phases) for each, view in zip(own, views, strict=True)], groups)
        for name in LINE_NAMES
    }
    parts = [_view(view, strains, es) for view, strains in zip(views, own, strict=True)]
    gls = _values(mean, phases * rr_ms, course, all(view.drawn.all() for view in views))
    ed_lengths = [
        {name: float(lengths[reference_frame(view)]) for name, lengths in line_lengths_mm(view).items()}
        for view in views
    ]
    gls["interval"] = {
        name: gls_interval(gls[name], name, [float(np.mean([ed_lengths[k][name] for k in group])) for group in groups])
        for name in LINE_NAMES
    }
    by_aha: list[dict[int, list[float]]] = []
    for group in groups:
        found: dict[int, list[float]] = {}
        for row in (row for k in group for row in parts[k]["segments"] if row["aha"] is not None):
            found.setdefault(row["aha"], []).append(row["strain_systolic_peak"])
        by_aha.append({aha: [float(np.mean(here))] for aha, here in found.items()})
    summary: dict[str, Any] = json_values(
        {
            "definitions": DEFINITIONS if es_phase is None else {**DEFINITIONS, "es": _GIVEN_ES},
            "rr_ms": rr_ms,
            "es_phase": es,
            "es_time_ms": course.es_time_ms,
            "gls": gls,
            "curves": {"time_ms": phases * rr_ms, **mean},
            "views": parts,
            "bullseye": bullseye(by_aha),
        }
    )
    return summary


def _mean(values: Sequence[Array], groups: Sequence[Sequence[int]]) -> Array:
    """Mean of the views; slices of the same view count as one."""
    return np.asarray(np.mean([np.mean([values[k] for k in group], axis=0) for group in groups], axis=0))


def _course(phases: Array, es_phase: float, rr_ms: float) -> curves.Cycle:
    """The cycle of phases [T] from end-diastole, with end-systole at the nearest of them."""
    away = np.abs(phases - es_phase)
    return curves.cycle(phases * rr_ms, rr_ms, 0, int(np.argmin(np.minimum(away, 1 - away))))


def _strains(view: LongAxisView) -> dict[str, Array]:
    reference = reference_frame(view)
    return {name: engineering_strain(length, reference) for name, length in line_lengths_mm(view).items()}


def _values(strains: dict[str, Array], times_ms: Array, course: curves.Cycle, drawn: bool) -> dict[str, Any]:
    """Peak, end-systolic value, time and rates of each line; the latter only where every frame was drawn."""
    found: dict[str, Any] = {}
    for name, curve in strains.items():
        peak = curves.peak(curve, course, systolic=True)
        at_es = float(curve[course.es_frame])
        found[name] = peak.value
        found[f"{name}_green_lagrange"] = float(green_lagrange(np.array(peak.value)))
        found[f"{name}_es"] = at_es
        found[f"{name}_es_green_lagrange"] = float(green_lagrange(np.array(at_es)))
        found[f"{name}_time_to_peak_ms"] = peak.time_ms if drawn else None
        found[f"{name}_systolic_rate_per_s"] = curves.systolic_rate(curve, times_ms, course) if drawn else None
        rate = curves.early_diastolic_rate(curve, times_ms, course) if drawn else None
        found[f"{name}_early_diastolic_rate_per_s"] = rate
    return found


def _view(view: LongAxisView, strains: dict[str, Array], es_phase: float) -> dict[str, Any]:
    reference = reference_frame(view)
    since = np.mod(view.phases - view.phases[reference], 1.0)
    away = np.abs(since - es_phase)
    es_frame = int(np.argmin(np.minimum(away, 1 - away)))
    course = curves.cycle(view.frame_times_ms, view.rr_ms, reference, es_frame)
    last = int(course.order[-1])
    excursion = mapse_mm(view, reference)
    return {
        "name": view.name,
        "view": view.kind,
        "walls": list(view.walls),
        "rr_ms": view.rr_ms,
        "reference_frame": reference,
        "es_frame": es_frame,
        "frame_times_ms": view.frame_times_ms,
        "frames_carried": int((~view.drawn).sum()),
        "gls": _values(strains, view.frame_times_ms, course, bool(view.drawn.all())),
        "curves": dict(strains),
        "line_length_mm": line_lengths_mm(view),
        "length_mm": ventricle_length_mm(view),
        "mapse_mm": {wall: float(value) for wall, value in zip(view.walls, excursion, strict=True)},
        "annulus_displacement_mm": dict(zip(view.walls, annulus_displacement_mm(view, reference), strict=True)),
        "drift": {name: float(curve[last]) if view.covers_cycle else None for name, curve in strains.items()},
        "segments": _segments(view, reference, course),
    }


def _segments(view: LongAxisView, reference: int, course: curves.Cycle) -> list[dict[str, Any]]:
    rows, drawn = [], bool(view.drawn.all())
    for index, lengths in enumerate(segment_lengths_mm(mid_wall_mm(view))):
        wall, level = view.walls[index // 3], index % 3
        curve = engineering_strain(lengths, reference)
        peak, systolic = curves.peak(curve, course), curves.peak(curve, course, systolic=True)
        rows.append(
            {
                "segment": index + 1,
                "wall": wall,
                "level": LEVELS[level],
                "aha": aha_number(wall, level),
                "strain_peak": peak.value,
                "strain_systolic_peak": systolic.value,
                "strain_es": float(curve[course.es_frame]),
                "time_to_peak_ms": peak.time_ms if drawn else None,
                "systolic_rate_per_s": curves.systolic_rate(curve, view.frame_times_ms, course) if drawn else None,
                "early_diastolic_rate_per_s": curves.early_diastolic_rate(curve, view.frame_times_ms, course)
                if drawn
                else None,
            }
        )
    return rows
