"""index.html: many cases as a table that can be sorted and filtered, with plots whose points open their case."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from LaMoDCore.heart.notes import SEVERITIES, Severity
from LaMoDCore.report.html.comparison import Comparison
from LaMoDCore.report.html.page_shell import rendered
from LaMoDCore.report.numbering import reason_on_page
from LaMoDCore.report.wording import RESEARCH_USE
from LaMoDCore.runtime.plain_text import counted

#: File of a case's picture, next to its page.
THUMBNAIL = "thumbnail.webp"
#: Words for the worst note of a case.
NO_NOTES = "No notes"
_SEVERITY_WORDS = {"error": "Error", "warning": "Warning", "info": "Note", None: NO_NOTES}


@dataclass(frozen=True)
class Measure:
    """A number of each case.

    Attributes:
        name: heading of its column.
        unit: unit; values in % are stored as fractions; "" for counts.
        digits: decimals that are shown.
        is_signed: whether a plus sign is shown.
    """

    name: str
    unit: str
    digits: int = 0
    is_signed: bool = False

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True)
class Headings:
    """What the columns of an index are called, and what it lists.

    Attributes:
        title: title of the page.
        done: word for cases without a failure, such as "predicted".
        picture: of the thumbnails.
        about: of `CohortEntry.about`.
        state: of `CohortEntry.contours`.
        notes: of the worst note.
        remarks: sentences below the title.
    """

    title: str = "Strain of a cohort"
    done: str = "predicted"
    picture: str = "Ecc at ES"
    about: str = "Slices"
    state: str = "Contours"
    notes: str = "Notes"
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class CohortEntry:
    """One case of a cohort.

    Attributes:
        id: its name.
        page: address of its page relative to the index; "" without one.
        picture: its thumbnail as a WebP file; empty without one.
        measures: numbers by key; fractions as in strain.json, NaN where unknown.
        about: what the heart is, such as the number and levels of its slices.
        contours: how its contours were made.
        severity: the worst severity of its notes; None without notes.
        note: the first note of that severity.
        failure: why the case has no result; "" if it has one.
        lacks: what it lacks for a result without being a failure, such as "a truth"; "" for nothing.
    """

    id: str
    page: str = ""
    picture: bytes = b""
    measures: Mapping[str, float] = field(default_factory=dict)
    about: str = ""
    contours: str = ""
    severity: Severity | None = None
    note: str = ""
    failure: str = ""
    lacks: str = ""


def cohort_page(
    entries: Sequence[CohortEntry],
    measures: Mapping[str, Measure],
    headings: Headings | None = None,
    comparisons: Sequence[Comparison] = (),
) -> str:
    """The text of index.html.

    Args:
        entries: the cases, in the order of the cohort.
        measures: numbers of the cases, in the order of the columns; one that no case has is left out.
        headings: names of the columns.
        comparisons: values of methods and references, for scatter and Bland–Altman plots.

    Raises:
        LaMoDInputError: Bokeh is not installed.
    """
    words = headings or Headings()
    known = {key: m for key, m in measures.items() if any(np.isfinite(e.measures.get(key, np.nan)) for e in entries)}
    listed = [entry for entry in entries if entry.measures or not entry.failure]
    number = {entry.id: n for n, entry in enumerate(listed)}
    data = {
        "measures": [measure.title for measure in known.values()],
        "formats": [{"digits": measure.digits, "signed": measure.is_signed} for measure in known.values()],
        "cases": [
            {
                "id": entry.id,
                "page": entry.page,
                "values": [_shown(entry, key, measure) for key, measure in known.items()],
            }
            for entry in listed
        ],
        "comparisons": [each.plotted(number) for each in comparisons],
    }
    methods = list(dict.fromkeys(each.method for each in comparisons))
    return rendered(
        "index.html.jinja",
        data,
        scripts=["charts.js", "case_plot.js", "cohort.js"],
        styles=["page.css", "cohort.css"],
        headings=words,
        facts=_facts(entries, words.done),
        research_use=RESEARCH_USE,
        measures=[(key, measure.name, measure.unit) for key, measure in known.items()],
        rows=[_row(entry, known) for entry in entries],
        has_pictures=any(entry.picture for entry in entries),
        has_about=any(entry.about for entry in entries),
        has_state=any(entry.contours for entry in entries),
        quantities=list(dict.fromkeys(each.quantity for each in comparisons)),
        methods=methods,
        several_methods=len(methods) > 1,
    )


def _facts(entries: Sequence[CohortEntry], done: str) -> str:
    failed = sum(bool(entry.failure) for entry in entries)
    lacking = Counter(entry.lacks for entry in entries if entry.lacks and not entry.failure)
    parts = [f"{len(entries) - failed - lacking.total()} {done}", f"{failed} failed"]
    parts += [f"{number} without {what}" for what, number in lacking.items()]
    return f"{counted(len(entries), 'case')}: {', '.join(parts)}"


def _row(entry: CohortEntry, measures: Mapping[str, Measure]) -> dict[str, Any]:
    rank = -1 if entry.severity is None else SEVERITIES.index(entry.severity)
    return {
        "id": entry.id,
        "page": entry.page,
        "picture": base64.b64encode(entry.picture).decode(),
        "cells": [(_text(entry, key, each), _sort_value(entry, key, each)) for key, each in measures.items()],
        "about": entry.about,
        "contours": entry.contours,
        "severity": "error" if entry.failure else entry.severity or "none",
        "rank": len(SEVERITIES) if entry.failure else rank,
        "word": "Failed" if entry.failure else _SEVERITY_WORDS[entry.severity],
        "note": _sentence(entry.failure) or entry.note,
    }


def _sentence(reason: str) -> str:
    return reason_on_page(reason[:1].upper() + reason[1:])


def _shown(entry: CohortEntry, key: str, measure: Measure) -> float | None:
    """A number in the unit in which it is shown."""
    value = entry.measures.get(key, np.nan)
    return round(value * (100 if measure.unit == "%" else 1), 3) + 0.0 if np.isfinite(value) else None


def _sort_value(entry: CohortEntry, key: str, measure: Measure) -> str:
    value = _shown(entry, key, measure)
    return "" if value is None else str(value)


def _text(entry: CohortEntry, key: str, measure: Measure) -> str:
    value = entry.measures.get(key, np.nan)
    if not np.isfinite(value):
        return "–"
    value *= 100 if measure.unit == "%" else 1
    text = f"{value:{'+' if measure.is_signed else '-'}.{measure.digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("+-")  # zero has no sign
