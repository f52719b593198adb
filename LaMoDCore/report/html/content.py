"""The texts of the page: heading, numbers, table of segments, notes, definitions and provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.notes import Severity
from LaMoDCore.io.results.segments_csv import interval
from LaMoDCore.report.html.long_axis import view_name
from LaMoDCore.report.numbering import frames_text
from LaMoDCore.report.numbers import function_rows, number, segment_peak, table_rows
from LaMoDCore.report.style import WALL_COLOURS, percent
from LaMoDCore.report.wording import (
    NOTES_HEADING,
    RESEARCH_USE,
    contour_line,
    definition_lines,
    is_reviewed,
    note_entries,
    provenance_line,
    slices_left_out,
    warning_line,
)

_SEVERITY_WORDS = {"error": "Error", "warning": "Warning", "info": "Note"}
_LONGEST_VALUE = 400
#: Rows that are repeated at the head of the page.
_ANSWER = ("GLS, systolic peak", "GCS, peak", "GRS, peak", "EF")


def page_texts(result: StrainResult, *, names: bool) -> dict[str, Any]:
    """Everything that the page writes.

    Args:
        result: the result.
        names: whether the names of slices and input files are shown, which may identify a patient.
    """
    rows, function = table_rows(result), function_rows(result)
    return {
        "title": "Myocardial strain",
        "answer": [row for row in (*rows, *function) if row.name in _ANSWER],
        "facts": facts_line(result),
        "research_use": RESEARCH_USE,
        "warnings": [line for line in (warning_line(result), _unreviewed(result)) if line],
        "contours": contour_line(result) if is_reviewed(result) else "",
        "names": [cine.name for cine in result.case.slices] if names else [],
        "rows": rows,
        "function": function,
        "long_axis": _long_axis(result),
        "segments": _segment_table(result),
        "confidence": _confidence(result),
        "notes_heading": NOTES_HEADING,
        "notes": severity_rows(note_entries(result)),
        "definitions": definition_lines(result),
        "all_definitions": definition_rows(
            [result.summary, *(result.summary.get(key) or {} for key in ("function", "long_axis"))]
        ),
        "provenance": provenance_line(result),
        "provenance_rows": _provenance_rows(result, names=names),
    }


def severity_rows(entries: Iterable[tuple[Severity, str]]) -> list[dict[str, str]]:
    """Notes with the word of their severity."""
    return [{"severity": severity, "word": _SEVERITY_WORDS[severity], "text": text} for severity, text in entries]


def facts_line(result: StrainResult) -> str:
    """Slices, frames and cycle in one line."""
    cines = result.case.slices
    levels = ", ".join(dict.fromkeys(cine.level for cine in cines))
    count = f"{len(cines)} short-axis slices" if len(cines) > 1 else "One short-axis slice"
    missing = slices_left_out(result)
    left_out = f", {missing} left out" if missing else ""
    shortest, longest = min(cine.rr_ms for cine in cines), max(cine.rr_ms for cine in cines)
    cycle = "–".join(dict.fromkeys(f"{rr:.0f}" for rr in (shortest, longest)))
    return f"{count} ({levels}){left_out} · {cines[0].frames} frames · R–R {cycle} ms"


def _unreviewed(result: StrainResult) -> str:
    return "" if is_reviewed(result) else contour_line(result)


def _segment_table(result: StrainResult) -> list[dict[str, str]]:
    """One row per slice and segment: peak and end-systolic Ecc and Err, time to peak, thickness."""
    rows = []
    for z, part in enumerate(result.summary["slices"]):
        strain = result.slices[z]
        limits = interval(
            strain.segment_curves["ecc"], strain.segment_curves_std.get("ecc"), result.summary
        )  # fmt: skip
        thickness = {row["segment"]: row for row in part.get("thickness", [])}
        for s, found in enumerate(part["segments"]):
            wall = thickness.get(found["segment"], {})
            between = ""
            if limits is not None:
                low, high = (percent(each[s, result.es_frame]) for each in limits)
                between = f"{low} … {high}"
            rows.append(
                {
                    "slice": str(z + 1),
                    "level": part["level"],
                    "name": found["name"],
                    "aha": "" if found["aha"] is None else str(found["aha"]),
                    "colour": WALL_COLOURS.get(found["name"], ""),
                    "ecc_peak": percent(segment_peak(found)),
                    "time_ms": _digits(found["time_to_peak_ms"], 0),
                    "ecc_es": percent(number(found["ecc_es"])),
                    "interval": between,
                    "err_es": percent(number(found["err_es"]), 0),
                    "thickness_mm": _digits(wall.get("ed_mm"), 1),
                    "thickening": percent(number(wall.get("thickening")), 0),
                }
            )
    return rows


def _confidence(result: StrainResult) -> str:
    about = result.summary.get("uncertainty", {})
    return f"{about['confidence']:.0%}".replace("%", " %") if about.get("calibrated") else ""


def _long_axis(result: StrainResult) -> list[dict[str, str]]:
    """One row per long-axis view, and one for their mean."""
    found: Mapping[str, Any] | None = result.summary.get("long_axis")
    if found is None:
        return []
    rows = [
        {
            "view": view_name(view["view"], place),
            "gls": percent(number(view["gls"]["mid_wall"])),
            "interval": "",
            "mapse": ", ".join(f"{wall} {_digits(value, 0)}" for wall, value in view["mapse_mm"].items()),
        }
        for place, view in enumerate(found["views"])
    ]
    low, high = (percent(number(limit)) for limit in found["gls"]["interval"]["mid_wall"])
    mean = {"view": "mean", "gls": percent(number(found["gls"]["mid_wall"])), "interval": f"{low} … {high}"}
    return [*rows, {**mean, "mapse": ""}]


def definition_rows(parts: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Term and meaning of everything that parts of strain.json define."""
    found = [part.get("definitions", {}) for part in parts]
    return [(str(key).replace("_", " "), _cut(text)) for part in found for key, text in part.items()]


def _provenance_rows(result: StrainResult, *, names: bool) -> list[tuple[str, str]]:
    found = result.summary.get("provenance")
    frames = [
        ("reference frame", frames_text([result.case.reference_frame])),
        ("end-systole", frames_text([result.es_frame])),
    ]
    known = found if isinstance(found, Mapping) else result.motion.provenance
    return [*frames, *provenance_rows(known, names=names)]


def provenance_rows(known: Mapping[str, Any], *, names: bool) -> list[tuple[str, str]]:
    """All of the provenance as text; names of files only if asked for."""
    rows = []
    for key, value in known.items():
        label = str(key).replace("_", " ")
        if key == "inputs":
            rows += [
                (f"input {n}" + (f": {_cut(entry.get('name', ''))}" if names else ""), f"SHA-256 {entry.get('sha256')}")
                for n, entry in enumerate(value or [], start=1)
            ]
        elif isinstance(value, Mapping):
            rows += [(f"{label}: {str(part).replace('_', ' ')}", _cut(entry)) for part, entry in value.items()]
        elif value is not None:
            rows.append((label, _cut(value)))
    return rows


def _cut(value: Any) -> str:
    text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _digits(value: Any, digits: int) -> str:
    known = number(value)
    return f"{known:.{digits}f}".replace("-", "−") if np.isfinite(known) else "–"
