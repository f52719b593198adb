"""report.html: a result as one file that shows the beating heart in any browser, without the network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.results.segments_csv import segments_text
from LaMoDCore.report.bullseye import rings_of
from LaMoDCore.report.html.bokeh_script import bokeh_files
from LaMoDCore.report.html.bullseye_drawing import sectors_of, wall_names
from LaMoDCore.report.html.content import page_texts
from LaMoDCore.report.html.script_data import QUANTITIES, script_data
from LaMoDCore.report.numbers import number, segment_peaks

if TYPE_CHECKING:
    from jinja2 import Environment

_ASSETS = Path(__file__).parent / "assets"
#: The page's own scripts, in the order in which they are loaded; the first one comes before Bokeh's.
FIRST_SCRIPT = "style_nonce.js"
SCRIPTS = ("packed_arrays.js", "segment_table.js", "slice_view.js", "charts.js", "viewer.js")
#: Characters of JSON that would end a script element or begin a comment in it.
_UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


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
    libraries = [file.read_text(encoding="utf-8") for file in bokeh_files()]
    rings = rings_of(result, *segment_peaks(result))
    text = segments_text(result) if segments_csv is None else segments_csv
    data = script_data(result, rings, text, drawn=drawn)
    data["peaks"] = {name: _percent(peaks) for name, peaks in _peaks(result).items()}
    scripts = [_asset(FIRST_SCRIPT), *libraries, "\n".join(_asset(name) for name in SCRIPTS)]
    data_text = embedded_json(data)
    style = _asset("page.css")
    nonce = _digest(style + data_text)[:22]
    page = _environment().get_template("report.html.jinja")
    return page.render(
        **page_texts(result, names=names),
        policy=content_security_policy(scripts, nonce),
        nonce=nonce,
        style=style,
        scripts=scripts,
        data=data_text,
        quantities=QUANTITIES,
        sectors=sectors_of(rings),
        walls=wall_names(rings[0]),
        rings=len(rings),
        frames=result.case.frames,
        slices=[(z + 1, cine.level) for z, cine in enumerate(result.case.slices)],
        drawn=drawn,
        has_pictures=any(cine.cine is not None for cine in result.case.slices),
    )


def embedded_json(data: Any) -> str:
    """JSON that is safe within a script element: plain ASCII without ``<``, ``>`` and ``&``."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)


def content_security_policy(scripts: Sequence[str], nonce: str) -> str:
    """A policy that permits these inline scripts, the styles with a nonce, and images that the page contains."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'nonce-{nonce}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _peaks(result: StrainResult) -> dict[str, list[Array]]:
    """Peak of each segment of each slice: Ecc as in the report, Err of the summary."""
    parts = [part["segments"] for part in result.summary["slices"]]
    err = [np.array([number(row["err_peak"]) for row in rows]) for rows in parts]
    return {"ecc": segment_peaks(result)[0], "err": err}


def _percent(slices: Sequence[Array]) -> list[list[float | None]]:
    return [[round(100 * float(v), 4) + 0.0 if np.isfinite(v) else None for v in values] for values in slices]


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
