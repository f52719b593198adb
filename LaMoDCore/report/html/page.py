"""report.html: a result as one file that shows the beating heart in any browser, without the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.results.segments_csv import segments_text
from LaMoDCore.report.bullseye import rings_of
from LaMoDCore.report.html.bullseye_drawing import sectors_of, wall_names
from LaMoDCore.report.html.content import page_texts
from LaMoDCore.report.html.page_shell import rendered
from LaMoDCore.report.html.script_data import QUANTITIES, script_data
from LaMoDCore.report.numbers import number, segment_peaks

SCRIPTS = ("packed_arrays.js", "segment_table.js", "slice_view.js", "charts.js", "viewer.js")


def write_html_report(
    result: StrainResult, path: Path, *, segments_csv: str | None = None, drawn: bool = True, names: bool = False
) -> None:
    """Write the page.

    It contains no date and no path, and no name unless asked: the same result gives the same bytes.

    Args:
        result: the result to show; with the images of its case, if it has any.
        path: the file.
        segments_csv: text of segments.csv, if the file exists; otherwise it is made of the result.
        drawn: whether the masks of the case are the drawn ones at every frame, whose contours are shown.
        names: whether the names of slices and input files are shown, which may identify a patient.

    Raises:
        LaMoDInputError: Bokeh is not installed.
        OSError: the file cannot be written.
    """
    path.write_text(html_report(result, segments_csv=segments_csv, drawn=drawn, names=names), "utf-8", newline="")


def html_report(
    result: StrainResult, *, segments_csv: str | None = None, drawn: bool = True, names: bool = False
) -> str:
    """The text of `write_html_report`."""
    rings = rings_of(result, *segment_peaks(result))
    text = segments_text(result) if segments_csv is None else segments_csv
    data = script_data(result, rings, text, drawn=drawn)
    data["peaks"] = {name: _percent(peaks) for name, peaks in _peaks(result).items()}
    return rendered(
        "report.html.jinja",
        data,
        scripts=SCRIPTS,
        styles=["page.css", "report.css"],
        **page_texts(result, names=names),
        quantities=QUANTITIES,
        sectors=sectors_of(rings),
        walls=wall_names(rings[0]),
        rings=len(rings),
        frames=result.case.frames,
        slices=[(z + 1, cine.level) for z, cine in enumerate(result.case.slices)],
        drawn=drawn,
        has_pictures=any(cine.cine is not None for cine in result.case.slices),
    )


def _peaks(result: StrainResult) -> dict[str, list[Array]]:
    """Peak of each segment of each slice: Ecc as in the report, Err of the summary."""
    parts = [part["segments"] for part in result.summary["slices"]]
    err = [np.array([number(row["err_peak"]) for row in rows]) for rows in parts]
    return {"ecc": segment_peaks(result)[0], "err": err}


def _percent(slices: Sequence[Array]) -> list[list[float | None]]:
    return [[round(100 * float(v), 4) + 0.0 if np.isfinite(v) else None for v in values] for values in slices]
