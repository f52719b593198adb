"""report.html of long-axis views without short-axis slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from LaMoDCore import __version__
from LaMoDCore.heart.colour_ranges import COLOUR_RANGES
from LaMoDCore.heart.notes import Note, grouped
from LaMoDCore.io.results.long_axis_files import long_axis_table
from LaMoDCore.report.html.content import definition_rows, provenance_rows, severity_rows
from LaMoDCore.report.html.long_axis import DrawnLines, long_axis_data, view_name
from LaMoDCore.report.html.packing import LENGTH_UNIT_MM
from LaMoDCore.report.html.page_shell import rendered
from LaMoDCore.report.html.script_data import colour_table
from LaMoDCore.report.long_axis_numbers import STRAIN_DEFINITION, carried_line, long_axis_rows, volume_rows
from LaMoDCore.report.numbers import number
from LaMoDCore.report.style import STRAIN_COLOURS, percent
from LaMoDCore.report.wording import NOTES_HEADING, RESEARCH_USE, line_of_group

SCRIPTS = (
    "packed_arrays.js",
    "segment_table.js",
    "cine_view.js",
    "long_axis_view.js",
    "charts.js",
    "player.js",
    "long_axis_page.js",
)
_DEFINITION = (
    "MAPSE: largest displacement of an annulus point towards the apex. Blue shortens, red stretches; the three "
    "segments of a wall share one strain. 90 % interval: errors of synthetic readers."
)


def long_axis_html(
    content: Mapping[str, Any],
    lines: Sequence[DrawnLines],
    notes: Sequence[Note] = (),
    *,
    names: bool = False,
    patient: Sequence[str] = (),
    warning: str = "",
    limit_percent: float = COLOUR_RANGES["longitudinal"],
) -> str:
    """The text of the page; the same result gives the same text.

    Args:
        content: content of strain.json, with ``long_axis``.
        lines: lines of its views in the same order, with their images if there are any; empty for numbers alone.
        notes: notes on the views.
        names: whether the names of views and input files are shown, which may identify a patient.
        patient: lines about the patient; empty for none.
        warning: a line for the head of the page; "" for none.
        limit_percent: longitudinal strain at both ends of the colour scale.

    Raises:
        LaMoDInputError: Bokeh is not installed.
    """
    numbers = content["long_axis"]
    provenance = content.get("provenance") or {}
    data = _script_data(numbers, lines)
    data["long_axis"]["limit"] = limit_percent
    rows, volumes = long_axis_rows(numbers), volume_rows(content)
    labels = [view_name(part["view"], place) for place, part in enumerate(numbers["views"])]
    views = [view["label"] for view in data["long_axis"]["views"]]
    return rendered(
        "long_axis.html.jinja",
        data,
        scripts=SCRIPTS,
        styles=["page.css", "report.css"],
        print_style="report_print.css",
        title="Longitudinal strain",
        facts=_facts(numbers, labels),
        contours="",
        names=[*patient, *([str(part["name"]) for part in numbers["views"]] if names else [])],
        answer=[rows[0], *(row for row in volumes if row.name == "EF")],
        research_use=RESEARCH_USE,
        warnings=[line for line in (warning, carried_line(numbers)) if line],
        rows=[*rows, *volumes],
        notes_heading=NOTES_HEADING,
        notes=severity_rows((group.note.severity, line_of_group(group, 1)) for group in grouped(notes)),
        definitions=[STRAIN_DEFINITION, _DEFINITION],
        all_definitions=definition_rows([numbers]),
        provenance=f"LaMoD {provenance.get('lamod_version') or __version__}",
        provenance_rows=provenance_rows(provenance, names=names),
        table_file="long_axis.csv",
        segments=_segment_table(numbers, labels),
        views=views,
        limit=f"{limit_percent:g}",
        frames=data["frames"],
        has_pictures=any(each.cine is not None for each in lines),
    )


def _script_data(numbers: Mapping[str, Any], lines: Sequence[DrawnLines]) -> dict[str, Any]:
    """Data of the page's script; the clock is that of the view with the most frames."""
    clock = max(numbers["views"], key=lambda part: len(part["frame_times_ms"]))
    return {
        "frames": len(clock["frame_times_ms"]),
        "ed": int(clock["reference_frame"]),
        "es": int(clock["es_frame"]),
        "times_ms": [round(float(time), 3) for time in clock["frame_times_ms"]],
        "rr_ms": round(number(clock["rr_ms"]), 3),
        "unit_mm": LENGTH_UNIT_MM,
        "colours": colour_table(STRAIN_COLOURS),
        "long_axis": long_axis_data(numbers, lines),
        "long_axis_csv": long_axis_table(numbers),
    }


def _facts(numbers: Mapping[str, Any], labels: Sequence[str]) -> str:
    count = f"{len(labels)} long-axis views" if len(labels) > 1 else "One long-axis view"
    names = ", ".join(dict.fromkeys(labels))
    cycle = number(numbers["rr_ms"])
    return f"{count} ({names}) · drawn contours, not predicted · R–R {cycle:.0f} ms"


def _segment_table(numbers: Mapping[str, Any], labels: Sequence[str]) -> list[dict[str, str]]:
    """One row per view and segment."""
    return [
        {
            "view": label,
            "wall": str(row["wall"]),
            "level": str(row["level"]),
            "aha": "" if row["aha"] is None else str(row["aha"]),
            "peak": percent(number(row["strain_systolic_peak"])),
            "es": percent(number(row["strain_es"])),
        }
        for label, part in zip(labels, numbers["views"], strict=True)
        for row in part["segments"]
    ]
