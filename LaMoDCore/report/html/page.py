"""report.html: a result as one file that shows the beating heart in any browser, without the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.results.segments_csv import segments_text
from LaMoDCore.report.bullseye import rings_of
from LaMoDCore.report.html.bullseye_drawing import sectors_of, wall_names
from LaMoDCore.report.html.content import page_texts
from LaMoDCore.report.html.long_axis import DrawnLines
from LaMoDCore.report.html.page_shell import rendered
from LaMoDCore.report.html.script_data import QUANTITIES, script_data
from LaMoDCore.report.numbers import Row, number, segment_peaks

SCRIPTS = (
    "packed_arrays.js",
    "segment_table.js",
    "cine_view.js",
    "slice_view.js",
    "long_axis_view.js",
    "charts.js",
    "player.js",
    "viewer.js",
)


@dataclass(frozen=True)
class PageParts:
    """What a page shows apart from the result.

    Attributes:
        segments_csv: text of segments.csv, if the file exists; otherwise it is made of the result.
        drawn: whether the masks of the case are the drawn ones at every frame, whose contours are shown.
        names: whether the names of slices and input files are shown, which may identify a patient.
        patient: lines about the patient; empty for none.
        long_axis: lines of the long-axis views of the result.
        reference: rows of true or measured numbers for the table.
        warning: a line for the head of the page; "" for none.
        limits: ends of the colour scales by quantity of `COLOUR_RANGES`, in its unit, in place of these.
    """

    segments_csv: str | None = None
    drawn: bool = True
    names: bool = False
    patient: Sequence[str] = ()
    long_axis: Sequence[DrawnLines] = ()
    reference: Sequence[Row] = ()
    warning: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)


def write_html_report(result: StrainResult, path: Path, parts: PageParts | None = None) -> None:
    """Write the page.

    It contains no date and no path, and no name unless asked: the same result gives the same bytes.

    Args:
        result: the result to show; with the images of its case, if it has any.
        path: the file.
        parts: what else the page shows.

    Raises:
        LaMoDInputError: Bokeh is not installed.
        OSError: the file cannot be written.
    """
    path.write_text(html_report(result, parts), "utf-8", newline="")


def html_report(result: StrainResult, parts: PageParts | None = None) -> str:
    """The text of `write_html_report`."""
    more = parts or PageParts()
    rings = rings_of(result, *segment_peaks(result))
    text = segments_text(result) if more.segments_csv is None else more.segments_csv
    data = script_data(result, rings, text, drawn=more.drawn, long_axis=more.long_axis)
    for name, limit in more.limits.items():
        part = data["long_axis"] if name == "longitudinal" else data["quantities"][name]
        if part is not None:
            part["limit"] = limit
    data["peaks"] = {name: _percent(peaks) for name, peaks in _peaks(result).items()}
    texts = page_texts(result, names=more.names)
    return rendered(
        "report.html.jinja",
        data,
        scripts=SCRIPTS,
        styles=["page.css", "report.css"],
        print_style="report_print.css",
        **{
            **texts,
            "rows": [*texts["rows"], *more.reference],
            "warnings": [*([more.warning] if more.warning else []), *texts["warnings"]],
            "names": [*more.patient, *texts["names"]],
        },
        table_file="segments.csv",
        quantities=QUANTITIES,
        sectors=sectors_of(rings),
        walls=wall_names(rings[0]),
        long_axis_limit=f"{(data['long_axis'] or {}).get('limit', 0):g}",
        rings=len(rings),
        frames=result.case.frames,
        slices=[(z + 1, cine.level) for z, cine in enumerate(result.case.slices)],
        views=[view["label"] for view in (data["long_axis"] or {}).get("views", [])],
        drawn=more.drawn,
        has_pictures=any(cine.cine is not None for cine in result.case.slices),
    )


def _peaks(result: StrainResult) -> dict[str, list[Array]]:
    """Peak of each segment of each slice: Ecc as in the report, Err of the summary."""
    parts = [part["segments"] for part in result.summary["slices"]]
    err = [np.array([number(row["err_peak"]) for row in rows]) for rows in parts]
    return {"ecc": segment_peaks(result)[0], "err": err}


def _percent(slices: Sequence[Array]) -> list[list[float | None]]:
    return [[round(100 * float(v), 4) + 0.0 if np.isfinite(v) else None for v in values] for values in slices]
