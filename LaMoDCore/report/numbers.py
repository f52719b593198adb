"""The table of the report: numbers from strain.json, each with its unit, frame and definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.results.global_interval import global_interval
from LaMoDCore.report.numbering import frames_text
from LaMoDCore.report.style import percent

#: Confidence of intervals for which a result does not record it.
CONFIDENCE = 0.9


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: name of the quantity.
        value: value with its unit.
        when: frame and time, or "".
        definition: definition in words.
    """

    name: str
    value: str
    when: str
    definition: str


def segment_peaks(result: StrainResult) -> tuple[list[Array], list[Array]]:
    """Peak Ecc [S] of the segments of each slice (the peak stretch if a segment stretches more than it shortens), and
    the time [S] in ms from end-diastole to peak shortening; NaN where unknown.
    """
    parts = [part["segments"] for part in result.summary["slices"]]
    values = [np.array([segment_peak(row) for row in rows]) for rows in parts]
    times = [np.array([number(row["time_to_peak_ms"]) for row in rows]) for rows in parts]
    return values, times


def has_stretch(result: StrainResult) -> bool:
    """Whether a segment's value in the bullseye is its systolic stretch instead of its peak shortening."""
    rows = [row for part in result.summary["slices"] for row in part["segments"]]
    return any(segment_peak(row) > 0 and segment_peak(row) != number(row["ecc_peak"]) for row in rows)


def segment_peak(row: Mapping[str, Any]) -> float:
    """The peak Ecc, or systolic stretch, of a segment in strain.json; LaMoD 1.x stored the peak alone."""
    return number(row.get("ecc_extreme", row.get("ecc_peak")))


def table_rows(result: StrainResult) -> list[Row]:
    """The rows of the table. Unknown values are left out, except for GLS, which is listed as not available.

    With long-axis views GLS comes first: it is measured on drawn contours, and the rows after it are predicted.
    """
    heart: Mapping[str, Any] = result.summary["global"]
    indices: Mapping[str, Any] = result.summary["indices"]
    at_es = _when(result, result.es_frame)
    clock = clock_text(result)
    rows = [
        Row(
            "GCS, peak",
            f"{percent(number(heart['gcs_peak']))} %",
            _when(result, heart["gcs_peak_frame"]),
            _with_interval("minimum of the mean Ecc", result, "gcs_peak"),
        ),
        Row(
            "GCS at end-systole",
            f"{percent(number(heart['gcs_es']))} %",
            at_es,
            _with_interval("ES: smallest cavity", result, "gcs_es"),
        ),
        Row("Time to peak GCS", _unit(heart["gcs_time_to_peak_ms"], "ms", 0), clock, "from end-diastole"),
        Row(
            "GRS, peak",
            f"{percent(number(heart['grs_peak']))} %",
            _when(result, heart["grs_peak_frame"]),
            _with_interval("maximum of the mean Err", result, "grs_peak"),
        ),
        Row("Mean displacement", _unit(_mean_motion(result), "mm", 1), at_es, "in-plane |u| from end-diastole"),
        Row(
            "In-plane area change",
            "× " + _unit(_mean_jacobian(result), "", 2),
            at_es,
            "mean in-plane det F",
        ),
    ]
    peaks = np.concatenate(segment_peaks(result)[0])
    if np.isfinite(peaks).any():
        extremes = f"{percent(float(np.nanmin(peaks)))} … {percent(float(np.nanmax(peaks)))} %"
        meaning = "strongest shortening … greatest systolic stretch" if has_stretch(result) else "strongest … weakest"
        rows.append(Row("Segments' peak Ecc", extremes, "", meaning))
    spread = _unit(indices["sd_time_to_peak_ms"], "ms", 0)
    rows.append(Row("SD of time to peak", spread, clock, "of the segments' peak Ecc (n − 1)"))
    if indices["twist_es_degrees"] is not None:
        twist = _unit(indices["twist_es_degrees"], "°", 1)
        rows.append(Row("Twist, inferred", twist, at_es, f"{_twist_text(result)} rotation; masks do not show it"))
    rows = [*_long_axis_rows(result), *rows]
    if "long_axis" not in result.summary:
        rows.append(Row("GLS", "not available", "", "short-axis slices do not show it"))
    return [row for row in rows if "–" not in row.value]


def interval_text(summary: Mapping[str, Any], name: str) -> str:
    """The interval of a global number, such as gcs_peak: ``90 %: −18.0 … −13.4``; "" if there is none.

    A bound, which is wider than a calibrated interval, is named as such.
    """
    found = global_interval(summary["global"], name)
    if found is None:
        return ""
    confidence = f"{summary.get('uncertainty', {}).get('confidence', CONFIDENCE):.0%}".replace("%", " %")
    return f"{confidence}{' at most' if found.is_bound else ''}: {percent(found.low)} … {percent(found.high)}"


def gls_interval_text(gls: Mapping[str, Any], line: str) -> str:
    """The interval of GLS of a line, such as mid_wall: ``90 %: −23.7 … −20.7``.

    Args:
        gls: ``long_axis.gls`` of strain.json.
        line: endocardial, mid_wall or epicardial.
    """
    low, high = (percent(number(limit)) for limit in gls["interval"][line])
    return f"90 %: {low} … {high}"


def _with_interval(definition: str, result: StrainResult, name: str) -> str:
    limits = interval_text(result.summary, name)
    return f"{definition}; {limits}" if limits else definition


def _long_axis_rows(result: StrainResult) -> list[Row]:
    """GLS and its interval from drawn long-axis contours; none without long-axis views."""
    found = result.summary.get("long_axis")
    if found is None:
        return []
    gls = number(found["gls"]["mid_wall"])
    views = len(found["views"])
    meaning = (
        f"L/L_ED − 1 of the mid-wall, {views} long-axis view{'s' if views > 1 else ''}, drawn; "
        f"{gls_interval_text(found['gls'], 'mid_wall')}"
    )
    return [Row("GLS, systolic peak", f"{percent(gls)} %", "", meaning)]


def clock_text(result: StrainResult) -> str:
    """``R–R 950 ms``: the cycle to which the heart's times and rates refer, if those of the slices differ, else ""."""
    cycles = [cine.rr_ms for cine in result.case.slices]
    return f"R–R {result.case.rr_ms:.0f} ms" if max(cycles) > min(cycles) else ""


def _twist_text(result: StrainResult) -> str:
    cines = result.case.slices
    first, last = result.summary["indices"].get("twist_slices") or (1, len(cines))
    if (cines[first - 1].level, cines[last - 1].level) == ("base", "apex"):
        return "apical − basal"
    return f"slice {last} − slice {first}"


def function_rows(result: StrainResult) -> list[Row]:
    """Volumes, ejection fraction and mass of the ventricle; empty if the slices do not cover it."""
    found: Mapping[str, Any] = result.summary.get("function") or {}
    if found.get("edv_ml") is None:
        return []
    rows = [
        Row("EDV", _unit(found["edv_ml"], "ml", 0), frames_text([found["ed_frame"]]), "largest"),
        Row("ESV", _unit(found["esv_ml"], "ml", 0), frames_text([found["es_frame"]]), "smallest"),
        Row("EF", _unit(_hundredfold(found["ef"]), "%", 0), "", "(EDV − ESV) / EDV"),
        Row("SV", _unit(found["stroke_volume_ml"], "ml", 0), "", "stroke: EDV − ESV"),
        Row("Mass", _unit(found["mass_g"], "g", 0), "", "wall at ED × 1.05 g/ml"),
    ]
    return [row for row in rows if "–" not in row.value]


def number(value: Any) -> float:
    """A number from strain.json; null becomes NaN."""
    return float("nan") if value is None else float(value)


def _unit(value: Any, unit: str, digits: int) -> str:
    known = number(value)
    if not np.isfinite(known):
        return "–"
    text = f"{known:.{digits}f}".replace("-", "−")
    return text + (unit if unit in ("", "°") else f" {unit}")


def _when(result: StrainResult, frame: int | None) -> str:
    if frame is None:
        return ""
    return f"{frames_text([frame])}, {result.case.frame_times_ms[frame]:.0f} ms"


def _hundredfold(fraction: Any) -> float:
    return 100 * number(fraction)


def _mean_motion(result: StrainResult) -> float:
    lengths = [np.hypot(*s.displacement_at(result.es_frame)[:, s.myocardium]) for s in result.slices]
    return float(np.concatenate(lengths).mean())


def _mean_jacobian(result: StrainResult) -> float:
    values = np.concatenate([s.fields["jacobian"][result.es_frame][s.myocardium] for s in result.slices])
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
