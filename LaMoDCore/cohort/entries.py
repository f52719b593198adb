"""The cases of a cohort as its index shows them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from LaMoDCore.heart.notes import Note, grouped
from LaMoDCore.io.results.strain_json import notes_of, shareable_notes
from LaMoDCore.report.html.cohort_page import THUMBNAIL, CohortEntry, Measure
from LaMoDCore.report.numbers import number

_PAGE = "report.html"
#: A thumbnail has a few kilobytes; a larger file is not one.
_LARGEST_PICTURE = 1 << 16
#: Numbers of a case in the index.
MEASURES = {
    "gls": Measure("GLS", "%", 1, True),
    "gcs_peak": Measure("GCS, peak", "%", 1, True),
    "grs_peak": Measure("GRS, peak", "%", 1, True),
    "ef": Measure("EF", "%"),
    "rr_ms": Measure("R–R", "ms"),
}


def cohort_entry(case_id: str, folder: Path, summary: Mapping[str, Any]) -> CohortEntry:
    """One predicted case.

    Args:
        case_id: its name.
        folder: folder of its result, ``cases/ID`` of the cohort.
        summary: contents of its strain.json.
    """
    slices, whole = summary.get("slices", []), summary.get("global", {})
    notes = shareable_notes(notes_of(summary), summary)
    first = next(iter(grouped(notes)), None)
    levels = ", ".join(dict.fromkeys(str(part.get("level", "")) for part in slices))
    picture = folder / THUMBNAIL
    is_picture = picture.is_file() and picture.stat().st_size <= _LARGEST_PICTURE
    return CohortEntry(
        id=case_id,
        page=f"cases/{quote(case_id)}/{_PAGE}" if (folder / _PAGE).is_file() else "",
        picture=picture.read_bytes() if is_picture else b"",
        measures={
            "gls": number(((summary.get("long_axis") or {}).get("gls") or {}).get("mid_wall")),
            "gcs_peak": number(whole.get("gcs_peak")),
            "grs_peak": number(whole.get("grs_peak")),
            "ef": number((summary.get("function") or {}).get("ef")),
            "rr_ms": number(slices[0].get("rr_ms")) if slices else float("nan"),
        },
        about=f"{len(slices)} ({levels})" if levels else str(len(slices)),
        contours=contours_text(summary.get("provenance", {}).get("contours"), notes),
        severity=None if first is None else first.note.severity,
        note="" if first is None else first.note.text,
    )


def contours_text(origin: Mapping[str, Any] | None, notes: tuple[Note, ...]) -> str:
    """How the contours were made, and in how many frames an automatic one is unsure."""
    if not origin:
        carried = any(each.code == "contours_carried" for each in notes)
        return "drawn, some carried" if carried else "drawn"
    if origin.get("reviewed") is True:
        return "automatic, reviewed"
    unsure = sum(each.code == "contours_unsure" for each in notes)
    return f"automatic, {unsure} unsure" if unsure else "automatic, not reviewed"
