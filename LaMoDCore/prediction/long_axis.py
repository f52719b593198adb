"""Long-axis numbers next to a short-axis prediction, or alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore import __version__
from LaMoDCore.function.biplane import best_pair, disc_diameters_mm, disc_volumes
from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.long_axis.end_diastole import at_phases, common_phases
from LaMoDCore.heart.long_axis.view import LongAxisView
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.long_axis.reader import SAME_RR, LongAxisCase
from LaMoDCore.io.results.long_axis_files import write_long_axis_files
from LaMoDCore.io.results.strain_json import SCHEMA_VERSION
from LaMoDCore.prediction.writer import CONTENTS
from LaMoDCore.report.html.bokeh_script import check_bokeh
from LaMoDCore.runtime.json_file import json_values, write_json
from LaMoDCore.runtime.output.new_folder import new_folder
from LaMoDCore.strain.long_axis.short_axis import SlicePosition
from LaMoDCore.strain.long_axis.summary import long_axis_summary

_VOLUMES = "method of discs: V = π/4 Σ a b L/20 of two views, or π/4 Σ a² L/20 of one, which assumes round discs"


def long_axis_numbers(views: Sequence[LongAxisView]) -> dict[str, Any]:
    """``long_axis`` of strain.json: strain, and volumes by discs.

    End-systole is that of the views. Short-axis slices of another breath-hold have another one, which would cut off the
    systolic peak.

    Args:
        views: views of one heart.
    """
    return {**long_axis_summary(views), "volumes": json_values(volumes(views))}


def volumes(views: Sequence[LongAxisView]) -> dict[str, Any]:
    """Volumes by discs over common phases, their extremes and the ejection fraction."""
    pair = best_pair(views)
    phases = common_phases(views)
    discs = [disc_diameters_mm(views[k]) for k in pair]
    diameters = [at_phases(d, views[k], phases) for (d, _), k in zip(discs, pair, strict=True)]
    lengths = [at_phases(length, views[k], phases) for (_, length), k in zip(discs, pair, strict=True)]
    volume = disc_volumes(diameters, lengths)
    edv, esv = float(volume[0]), float(volume.min())
    return {
        "method": "biplane" if len(pair) == 2 else "single plane",
        "definition": _VOLUMES,
        "views": [views[k].kind for k in pair],
        "volume_ml": volume,
        "edv_ml": edv,
        "esv_ml": esv,
        "stroke_volume_ml": edv - esv,
        "ef": (edv - esv) / edv,
    }


def with_long_axis(
    result: StrainResult, long_axis: LongAxisCase, positions: Sequence[SlicePosition] = ()
) -> StrainResult:
    """The result with ``long_axis`` in its summary, and the notes on the views; the short-axis numbers are unchanged.

    Both have their own end-systole; a difference is noted.

    Args:
        result: the prediction of the short-axis slices.
        long_axis: the views.
        positions: of the slices between annulus and apex.
    """
    case = result.case
    numbers = long_axis_numbers(long_axis.views)
    since = (case.frame_times_ms[result.es_frame] - case.frame_times_ms[case.reference_frame]) / case.rr_ms
    es_ms = float(np.mod(since, 1.0)) * case.rr_ms
    numbers["short_axis_es_time_ms"] = es_ms
    frame_ms = max(each.rr_ms / each.frames for each in long_axis.views), case.rr_ms / len(case.frame_times_ms)
    notes = [*long_axis.notes, *end_systole_notes(numbers, es_ms, case.rr_ms, max(frame_ms))]
    numbers["short_axis"] = json_values([_position(each, result.es_frame) for each in positions])
    provenance = dict(result.summary["provenance"])
    provenance["inputs"] = [*provenance["inputs"], *_records(long_axis)]
    summary = {**result.summary, "long_axis": numbers, "provenance": provenance}
    return replace(result, summary=summary, findings=(*result.findings, *notes))


def end_systole_notes(numbers: Mapping[str, Any], es_ms: float, rr_ms: float, frame_ms: float) -> list[Note]:
    """Note that long-axis views and short-axis slices reach end-systole at other times or have other cycles.

    Args:
        numbers: ``long_axis`` of strain.json.
        es_ms, rr_ms: end-systole since end-diastole and R–R interval of the short-axis slices.
        frame_ms: duration of a frame; a difference of two frames is noted.
    """
    own_es, own_rr = float(numbers["es_time_ms"]), float(numbers["rr_ms"])
    if abs(own_es - es_ms) <= 2 * frame_ms and abs(own_rr - rr_ms) <= SAME_RR * min(own_rr, rr_ms):
        return []
    text = (
        f"End-systole is {own_es:.0f} ms after end-diastole in the long-axis views (R–R {own_rr:.0f} ms) and "
        f"{es_ms:.0f} ms in the short-axis slices (R–R {rr_ms:.0f} ms); each was measured at its own."
    )
    return [note("long_axis_end_systole_differs", text)]


def _position(position: SlicePosition, es_frame: int) -> dict[str, Any]:
    return {
        "depth_mm": position.depth_mm,
        "fraction": position.fraction,
        "level": position.level,
        "from_axis_mm": position.from_axis_mm,
        "descent_es_mm": float(position.descent_mm[es_frame]),
        "descent_mm": position.descent_mm,
        "frames_outside": np.flatnonzero(position.outside),
    }


def _records(long_axis: LongAxisCase) -> list[dict[str, str]]:
    return [{"name": record.name, "sha256": record.sha256} for record in long_axis.inputs]


def write_long_axis_alone(
    long_axis: LongAxisCase, out: str | Path, *, report: bool = True, html: bool = False, command: str = "predict"
) -> tuple[Mapping[str, Any], list[Path]]:
    """Write strain.json, long_axis.npz, long_axis.csv and the report of views without short-axis slices.

    Args:
        long_axis: the views.
        out: the folder; see `LaMoDCore.prediction.writer.write_result`.
        report: False leaves out report.png and report.pdf.
        html: whether to write report.html, a page for browsers.
        command: name of the command or program, for the folder's marker.

    Returns:
        The content of strain.json, and the files.

    Raises:
        LaMoDInputError: `out` cannot be written, or a page is wanted and Bokeh is not installed.
    """
    if html:
        check_bokeh()
    numbers = long_axis_numbers(long_axis.views)
    content: Mapping[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "long_axis": numbers,
        "provenance": {"lamod_version": __version__, "inputs": _records(long_axis)},
        "notes": [each.to_dict() for each in long_axis.notes],
    }
    with new_folder(out, CONTENTS, command) as folder:
        write_json(folder / "strain.json", json_values(content))
        files = ["strain.json", *write_long_axis_files(long_axis.views, numbers, folder)]
        if report:
            from LaMoDCore.report.report_files import write_long_axis_report

            pages = folder / "report.png", folder / "report.pdf"
            files += write_long_axis_report(long_axis.views, content, long_axis.notes, *pages)
        if html:
            from LaMoDCore.report.html.long_axis import lines_of_views
            from LaMoDCore.report.html.long_axis_page import long_axis_html

            text = long_axis_html(json_values(content), lines_of_views(long_axis.views), long_axis.notes)
            (folder / "report.html").write_text(text, encoding="utf-8", newline="")
            files.append("report.html")
    return content, [Path(out) / name for name in files]
