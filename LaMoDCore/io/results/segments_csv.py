"""segments.csv: one row per slice, segment and frame.

Columns: ``slice`` (counted from 1, the most basal), ``level``, ``segment`` (1…6, or 1…4 at the apex),
``aha`` (16-segment model; empty where walls are not known), ``name``, ``frame`` (counted from 0, in the cine's order),
``time_ms``, ``ecc``, ``err`` (Green-Lagrange strain, fractions, mean over the segment's pixels of the reference frame;
as engineering strain, -0.18 is -0.20), ``ecc_std``,
``err_std`` (standard deviation of that mean; empty with one sample), ``ecc_low``, ``ecc_high``, ``err_low``,
``err_high`` (limits of its 90 % interval; empty with one sample and for a model whose intervals are not calibrated).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import LEVELS, Level, StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.bounded_reads import check_regular
from LaMoDCore.runtime.errors import LaMoDInputError


@dataclass(frozen=True)
class SegmentRow:
    """One row; NaN where the file has an empty cell."""

    slice: int
    level: Level
    segment: int
    aha: int | None
    name: str
    frame: int
    time_ms: float
    ecc: float
    err: float
    ecc_std: float = float("nan")
    err_std: float = float("nan")
    ecc_low: float = float("nan")
    ecc_high: float = float("nan")
    err_low: float = float("nan")
    err_high: float = float("nan")


COLUMNS = tuple(field.name for field in fields(SegmentRow))
_INTEGERS = ("slice", "segment", "frame")


def segment_rows(result: StrainResult) -> Iterator[SegmentRow]:
    """The rows of the table, ordered by slice, segment and frame."""
    for index, (cine, strain) in enumerate(zip(result.case.slices, result.slices, strict=True)):
        columns = dict(strain.segment_curves)
        for name, deviation in strain.segment_curves_std.items():
            columns[f"{name}_std"] = deviation
            limits = interval(strain.segment_curves[name], deviation, result.summary)
            if limits is not None:
                columns[f"{name}_low"], columns[f"{name}_high"] = limits
        for s, (name, aha) in enumerate(zip(strain.segment_names, strain.segment_aha, strict=True)):
            for frame in range(cine.frames):
                values = {column: float(curves[s, frame]) for column, curves in columns.items()}
                time_ms = float(cine.frame_times_ms[frame])
                yield SegmentRow(index + 1, cine.level, s + 1, aha, name, frame, time_ms, **values)


def interval(values: Array, deviation: Array | None, summary: Mapping[str, Any]) -> tuple[Array, Array] | None:
    """Limits (low, high) of the calibrated interval of curves, or None if there is none.

    Args:
        values: the curves.
        deviation: their calibrated standard deviation; None with one sample.
        summary: summary of the result; its ``uncertainty`` has the interval's half width in standard deviations.
    """
    uncertainty = summary.get("uncertainty", {})
    if deviation is None or not uncertainty.get("calibrated"):
        return None
    half = float(uncertainty["half_width_sd"]) * np.asarray(deviation)
    return np.asarray(values - half), np.asarray(values + half)


def write_segments_csv(result: StrainResult, path: Path) -> None:
    """Write the table as UTF-8 with a header line and Unix line ends."""
    path.write_text(segments_text(result), encoding="utf-8", newline="")


def segments_text(result: StrainResult) -> str:
    """The contents of segments.csv."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in segment_rows(result))
    return text.getvalue()


def read_segments_csv(path: str | Path) -> tuple[SegmentRow, ...]:
    """Read what `write_segments_csv` wrote, in the file's order. Values have six decimals, times three.

    Raises:
        LaMoDInputError: the file is missing or damaged, or lacks a column.
    """
    if not os.path.exists(path):
        raise LaMoDInputError(path, "the file does not exist", "choose a folder that `lamod predict` wrote")
    try:
        check_regular(Path(path))
        with Path(path).open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise LaMoDInputError(path, f"it lacks the column {missing[0]}", "predict again")
            return tuple(_row(cells) for cells in reader)
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise LaMoDInputError(path, f"it cannot be read ({error})", "predict again") from error


def _cells(row: SegmentRow) -> list[str]:
    return [
        f"{value:.3f}" if column == "time_ms" else _text(value)
        for column, value in zip(COLUMNS, astuple(row), strict=True)
    ]


def _text(value: float | int | str | None) -> str:
    if isinstance(value, float):
        return f"{value + 0.0:.6f}" if np.isfinite(value) else ""
    return "" if value is None else str(value)


def _row(cells: Mapping[str, str]) -> SegmentRow:
    level = cells["level"]
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}")
    values: dict[str, Any] = {name: int(cells[name]) for name in _INTEGERS}
    values["aha"] = int(cells["aha"]) if cells["aha"] else None
    texts = (*values, "level", "name")
    values |= {name: float(cells[name] or "nan") for name in COLUMNS if name not in texts}
    return SegmentRow(level=level, name=cells["name"], **values)
