"""segments.csv: one row a slice, segment and frame.

Columns: ``slice`` (counted from 1, the most basal), ``level``, ``segment`` (1…6, or 1…4 at the apex),
``aha`` (16-segment model), ``name``, ``frame`` (0-based, the cine's own), ``time_ms``, ``ecc``, ``err``
(Green-Lagrange strain, fractions, mean over the segment's pixels of the reference frame), ``ecc_std``,
``err_std`` (SD of that mean; empty with one sample), ``ecc_low``, ``ecc_high``, ``err_low``, ``err_high`` (the ends of
its 90 % interval; empty with one sample and for a model whose intervals are not calibrated).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.uncertainty.intervals import interval

COLUMNS = (
    *("slice", "level", "segment", "aha", "name", "frame", "time_ms", "ecc", "err", "ecc_std", "err_std"),
    *("ecc_low", "ecc_high", "err_low", "err_high"),
)


def segment_rows(result: StrainResult) -> Iterator[dict[str, Any]]:
    """The table's rows by column name; numbers as text, missing ones empty."""
    for index, (cine, strain) in enumerate(zip(result.case.slices, result.slices, strict=True)):
        spread = strain.segment_curves_std
        ends = {
            name: interval(strain.segment_curves[name], spread.get(name), result.summary) for name in ("ecc", "err")
        }
        for s, (name, aha) in enumerate(zip(strain.segment_names, strain.segment_aha, strict=True)):
            for frame in range(cine.frames):
                yield {
                    "slice": index + 1,
                    "level": cine.level,
                    "segment": s + 1,
                    "aha": aha,
                    "name": name,
                    "frame": frame,
                    "time_ms": f"{float(cine.frame_times_ms[frame]):.3f}",
                    "ecc": _text(strain.segment_curves["ecc"][s, frame]),
                    "err": _text(strain.segment_curves["err"][s, frame]),
                    "ecc_std": _text(spread["ecc"][s, frame]) if spread else "",
                    "err_std": _text(spread["err"][s, frame]) if spread else "",
                    **{
                        f"{name}_{end}": "" if pair is None else _text(pair[number][s, frame])
                        for name, pair in ends.items()
                        for number, end in enumerate(("low", "high"))
                    },
                }


def write_segments_csv(result: StrainResult, path: Path) -> None:
    """Write the table as UTF-8 with a header line and Unix line ends."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(segment_rows(result))


def _text(value: float) -> str:
    return f"{float(value) + 0.0:.6f}" if np.isfinite(value) else ""
