"""function.csv and thickness.csv: volumes per frame, wall thickness per segment, as strain.json holds them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.runtime.bounded_reads import check_regular
from LaMoDCore.runtime.errors import LaMoDInputError

FUNCTION_COLUMNS = ("frame", "time_ms", "volume_ml")
THICKNESS_COLUMNS = ("slice", "level", "segment", "aha", "name", "ed_mm", "es_mm", "thickening")


@dataclass(frozen=True)
class ThicknessRow:
    """One row of thickness.csv: slice counted from 1; NaN for empty cells."""

    slice: int
    level: str
    segment: int
    aha: int | None
    name: str
    ed_mm: float
    es_mm: float
    thickening: float


def write_function_csv(result: StrainResult, path: Path) -> None:
    """Write the volume of the drawn slices at each frame; frames count from 0."""
    times = result.case.frame_times_ms
    volumes = result.summary.get("function", {}).get("volume_ml", [])
    rows = (
        {"frame": frame, "time_ms": f"{float(time):.3f}", "volume_ml": f"{float(volume):.3f}"}
        for frame, (time, volume) in enumerate(zip(times, volumes, strict=False))
    )
    _write(path, FUNCTION_COLUMNS, rows)


def read_function_csv(path: str | Path) -> list[tuple[int, float, float]]:
    """(frame, time in ms, volume in ml) of each row.

    Raises:
        LaMoDInputError: the file is missing or damaged.
    """
    return [(int(r["frame"]), float(r["time_ms"]), float(r["volume_ml"])) for r in _rows(path, FUNCTION_COLUMNS)]


def write_thickness_csv(result: StrainResult, path: Path) -> None:
    """Write the wall thickness at end-diastole and end-systole and the thickening of each segment."""
    rows = (
        {
            "slice": number,
            "level": cine.level,
            **{key: row[key] for key in ("segment", "aha", "name")},
            **{key: _number(row[key]) for key in ("ed_mm", "es_mm", "thickening")},
        }
        for number, (cine, part) in enumerate(zip(result.case.slices, result.summary["slices"], strict=True), start=1)
        for row in part.get("thickness", [])
    )
    _write(path, THICKNESS_COLUMNS, rows)


def read_thickness_csv(path: str | Path) -> list[ThicknessRow]:
    """The rows of thickness.csv.

    Raises:
        LaMoDInputError: the file is missing or damaged.
    """
    return [
        ThicknessRow(
            slice=int(row["slice"]),
            level=row["level"],
            segment=int(row["segment"]),
            aha=int(row["aha"]) if row["aha"] else None,
            name=row["name"],
            ed_mm=float(row["ed_mm"] or "nan"),
            es_mm=float(row["es_mm"] or "nan"),
            thickening=float(row["thickening"] or "nan"),
        )
        for row in _rows(path, THICKNESS_COLUMNS)
    ]


def _write(path: Path, columns: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _rows(path: str | Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        check_regular(Path(path))
        with Path(path).open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            rows = list(reader)
            if tuple(reader.fieldnames or ()) != columns:
                raise ValueError(f"its columns are not {', '.join(columns)}")
            return rows
    except (OSError, ValueError, csv.Error) as error:
        raise LaMoDInputError(path, f"it cannot be read ({error})", "predict again") from error


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.4f}"
