"""index.html: the cases of a cohort as a table that can be sorted and filtered, and a scatter plot."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from LaMoDCore.heart.notes import SEVERITIES, Severity
from LaMoDCore.report.html.page_shell import rendered
from LaMoDCore.report.style import percent
from LaMoDCore.report.wording import RESEARCH_USE
from LaMoDCore.runtime.plain_text import counted

#: File of a case's picture, next to its page.
THUMBNAIL = "thumbnail.webp"
#: Numbers of a case: key -> name and unit; strains and fractions are shown in per cent.
MEASURES = {
    "gcs_peak": ("GCS, peak", "%"),
    "grs_peak": ("GRS, peak", "%"),
    "ef": ("EF", "%"),
    "rr_ms": ("R–R", "ms"),
}
_SEVERITY_WORDS = {"error": "Error", "warning": "Warning", "info": "Note", None: "No notes"}


@dataclass(frozen=True)
class CohortEntry:
    """One case of a cohort.

    Attributes:
        id: its name.
        page: address of its page relative to the index; "" without one.
        picture: its thumbnail as a WebP file; empty without one.
        measures: the keys of `MEASURES`; strains and fractions as in strain.json, NaN where unknown.
        slices: number and levels of its slices.
        contours: how its contours were made.
        severity: the worst severity of its notes; None without notes.
        note: the first note of that severity.
        failure: why the case has no result; "" if it has one.
    """

    id: str
    page: str = ""
    picture: bytes = b""
    measures: dict[str, float] = field(default_factory=dict)
    slices: str = ""
    contours: str = ""
    severity: Severity | None = None
    note: str = ""
    failure: str = ""


def cohort_page(entries: Sequence[CohortEntry]) -> str:
    """The text of index.html.

    Args:
        entries: the cases, in the order of the cohort.

    Raises:
        LaMoDInputError: Bokeh is not installed.
    """
    known = [key for key in MEASURES if any(np.isfinite(entry.measures.get(key, np.nan)) for entry in entries)]
    rows = [_row(entry, known) for entry in entries]
    points = {
        "measures": {key: f"{MEASURES[key][0]} ({MEASURES[key][1]})" for key in known},
        "cases": [
            {"id": entry.id, "page": entry.page, "values": [_shown(entry, key) for key in known]}
            for entry in entries
            if not entry.failure
        ],
    }
    failed = sum(bool(entry.failure) for entry in entries)
    return rendered(
        "index.html.jinja",
        points,
        scripts=["charts.js", "cohort.js"],
        styles=["page.css", "cohort.css"],
        title="Strain of a cohort",
        facts=f"{counted(len(entries), 'case')}: {len(entries) - failed} predicted, {failed} failed",
        research_use=RESEARCH_USE,
        measures=[(key, *MEASURES[key]) for key in known],
        rows=rows,
    )


def _row(entry: CohortEntry, measures: Sequence[str]) -> dict[str, object]:
    rank = -1 if entry.severity is None else SEVERITIES.index(entry.severity)
    return {
        "id": entry.id,
        "page": entry.page,
        "picture": base64.b64encode(entry.picture).decode(),
        "status": "failed" if entry.failure else "predicted",
        "cells": [(_text(entry, key), _sort_value(entry, key)) for key in measures],
        "slices": entry.slices,
        "contours": entry.contours,
        "severity": "error" if entry.failure else entry.severity or "none",
        "rank": len(SEVERITIES) if entry.failure else rank,
        "word": "Failed" if entry.failure else _SEVERITY_WORDS[entry.severity],
        "note": entry.failure or entry.note,
    }


def _shown(entry: CohortEntry, key: str) -> float | None:
    """A number in the unit in which it is shown."""
    value = entry.measures.get(key, np.nan)
    return round(value * (100 if MEASURES[key][1] == "%" else 1), 3) + 0.0 if np.isfinite(value) else None


def _sort_value(entry: CohortEntry, key: str) -> str:
    value = _shown(entry, key)
    return "" if value is None else str(value)


def _text(entry: CohortEntry, key: str) -> str:
    value = entry.measures.get(key, np.nan)
    if not np.isfinite(value):
        return "–"
    if key in ("gcs_peak", "grs_peak"):
        return percent(value)
    return f"{value * (100 if MEASURES[key][1] == '%' else 1):.0f}"
