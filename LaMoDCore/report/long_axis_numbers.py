"""The tables of the long-axis page: numbers from strain.json, each with its line, frame and definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from LaMoDCore.heart.long_axis.view import VIEW_NAMES
from LaMoDCore.report.numbers import Row, gls_interval_text, number
from LaMoDCore.report.style import percent

_LINES = (("mid_wall", "mid-wall"), ("endocardial", "endocardial"), ("epicardial", "epicardial"))

#: What strain of a long-axis view means.
STRAIN_DEFINITION = (
    "Strain: engineering strain of the length of a drawn line, L / L_ED − 1, not of material points; −20 % is −18 % as "
    "Green–Lagrange strain. Mid-wall: half-way between both contours at end-diastole; later it divides the wall's "
    "volume in the same ratio. GLS: systolic peak of the mean curve of the views on common phases."
)


def carried_line(numbers: Mapping[str, Any]) -> str:
    """Which views have contours that were carried between drawn frames; "" without any."""
    parts = numbers["views"]
    carried = [number for number, part in enumerate(parts, start=1) if part.get("frames_carried")]
    if not carried:
        return ""
    which = "all views" if len(carried) == len(parts) else "view " + ", ".join(str(number) for number in carried)
    return f"Contours of {which} were carried between drawn frames; times and rates are not given."


def long_axis_rows(numbers: Mapping[str, Any]) -> list[Row]:
    """Rows of strain and of the annulus; GLS of the mid-wall first.

    Args:
        numbers: ``long_axis`` of strain.json.
    """
    gls, rows = numbers["gls"], []
    for name, words in _LINES:
        time = number(gls[f"{name}_time_to_peak_ms"])
        when = f"{time:.0f} ms after ED" if np.isfinite(time) else ""
        rows.append(
            Row(f"GLS, {words}", f"{percent(number(gls[name]))} %", when, f"peak; {gls_interval_text(gls, name)}")
        )
    es = f"{number(numbers['es_time_ms']):.0f} ms after ED"
    rows.insert(1, Row("GLS at end-systole", f"{percent(number(gls['mid_wall_es']))} %", es, "mid-wall"))
    as_green = f"{percent(number(gls['mid_wall_green_lagrange']))} %"
    rows.append(Row("GLS, Green–Lagrange", as_green, "", "mid-wall peak as E = e + ½e²"))
    for place, part in enumerate(numbers["views"], start=1):
        name = VIEW_NAMES.get(part["view"], f"view {place}")
        mapse = ", ".join(f"{number(value):.0f}" for value in part["mapse_mm"].values())
        rows.append(Row(f"MAPSE, {name}", f"{mapse} mm", "", " and ".join(part["mapse_mm"])))
        lengths = part["length_mm"]
        drift = number(part["drift"]["mid_wall"])
        remark = f"strain of the last frame {percent(drift)} %" if np.isfinite(drift) else "end of the beat is missing"
        text = f"{lengths[part['reference_frame']]:.0f} → {lengths[part['es_frame']]:.0f} mm"
        rows.append(Row(f"Length, {name}", text, remark, "annulus to apex, ED → ES"))
    return rows


def volume_rows(summary: Mapping[str, Any]) -> list[Row]:
    """Volumes by discs of the long-axis views, next to those of the short-axis slices.

    Args:
        summary: content of strain.json.
    """
    discs: Mapping[str, Any] = summary["long_axis"].get("volumes") or {}
    short: Mapping[str, Any] = summary.get("function") or {}
    if not discs:
        return []
    words = "biplane discs" if discs["method"] == "biplane" else "discs of one view"
    rows = []
    for name, key, unit, factor in (("EDV", "edv_ml", "ml", 1), ("ESV", "esv_ml", "ml", 1), ("EF", "ef", "%", 100)):
        value = number(discs[key]) * factor
        other = number(short.get(key)) * factor
        compared = f"short axis {other:.0f} {unit}" if np.isfinite(other) else ""
        rows.append(Row(name, f"{value:.0f} {unit}", compared, "" if compared else words))
    return rows
