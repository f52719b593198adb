"""`pairing.csv` of a paired dataset: every pair, and every slice that could not be paired with its reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from LaMoDCore.pairing.person import Pair, Unpaired
from LaMoDCore.runtime.plain_text import table_row

PAIRING_FILE = "pairing.csv"
COLUMNS = (
    "subject", "outcome", "side", "slice", "cine_case", "dense_case", "level", "distance_mm", "angle_degrees",
    "shift_mm", "shift_l_mm", "shift_p_mm", "shift_s_mm", "rv_insertion_from", "cine_contours", "dense_contours",
    "cine_contour_convention", "dense_contour_convention",
    "cine_frames", "dense_frames", "cine_rr_ms", "dense_rr_ms", "dense_covers_ms", "reason",
)  # fmt: skip


def pair_row(subject: str, pair: Pair, cine_case: str, dense_case: str) -> dict[str, Any]:
    """The row of a pair."""
    return {
        "subject": subject,
        "outcome": "paired",
        "side": "both",
        "cine_case": cine_case,
        "dense_case": dense_case,
        "level": pair.cine.level,
        "distance_mm": f"{pair.distance_mm:.2f}",
        "angle_degrees": f"{pair.angle_degrees:.2f}",
        "shift_mm": f"{pair.shift_mm:.2f}",
        **{f"shift_{axis}_mm": f"{value:.2f}" for axis, value in zip("lps", pair.shift_lps, strict=True)},
        "rv_insertion_from": pair.insertion,
        "cine_contours": pair.contours[0],
        "dense_contours": pair.contours[1],
        "cine_contour_convention": pair.cine.contour_convention,
        "dense_contour_convention": pair.dense.contour_convention,
        "cine_frames": len(pair.cine.masks),
        "dense_frames": len(pair.dense.masks),
        "cine_rr_ms": f"{pair.cine.rr_ms:.0f}",
        "dense_rr_ms": f"{pair.dense.rr_ms:.0f}",
        "dense_covers_ms": f"{float(pair.dense.frame_times_ms[-1]):.0f}",
    }


def unpaired_row(subject: str, unpaired: Unpaired) -> dict[str, Any]:
    """The row of what could not be paired; it names no file."""
    number = "" if unpaired.slice is None else unpaired.slice
    return {
        "subject": subject,
        "outcome": "not used" if unpaired.is_other else "unpaired",
        "side": unpaired.side,
        "slice": number,
        "reason": unpaired.reason,
    }


def with_rows(present: str, rows: Sequence[Mapping[str, Any]], subjects: Collection[str]) -> str:
    """The text of the table with new rows; earlier rows of the same subjects are replaced."""
    kept = [row for row in csv.DictReader(io.StringIO(present)) if row.get("subject") not in subjects]
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows([*kept, *map(table_row, rows)])
    return out.getvalue()
