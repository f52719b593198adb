"""long_axis.npz and long_axis.csv: the lines of long-axis views in the patient, and their strain over time."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.long_axis.mid_wall import lines_mm
from LaMoDCore.heart.long_axis.view import LINE_NAMES, VIEW_KINDS, LongAxisView, ViewKind
from LaMoDCore.heart.notes import Note
from LaMoDCore.io.results.long_axis_schema import long_axis_faults
from LaMoDCore.io.results.stable_npz import write_stable_npz
from LaMoDCore.io.results.strain_json import read_strain_json
from LaMoDCore.runtime.array_files import read_npz
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.schema import refuse_faults

COLUMNS = ("view", "kind", "frame", "time_ms", *(f"{name}_strain" for name in LINE_NAMES), "length_mm")
_REMEDY = "predict again"


@dataclass(frozen=True, eq=False)
class StoredView:
    """One view of a stored result, LPS mm.

    Attributes:
        kind: the view; None where it is not known.
        grid: pixel grid of the images on which it was drawn.
        lines_lps: endocardial, mid_wall, epicardial: [T, P, 3], from the first wall over the apex to the second.
        annulus_lps: [T, 2, 3].
        frame_times_ms: [T].
        numbers: the view's entry of strain.json.
    """

    kind: ViewKind | None
    grid: SliceGrid
    lines_lps: Mapping[str, Array]
    annulus_lps: Array
    frame_times_ms: Array
    numbers: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class StoredLongAxis:
    """The long-axis part of a result folder.

    Attributes:
        summary: ``long_axis`` of strain.json.
        views: its views.
        notes: notes of the whole result.
        provenance: ``provenance`` of strain.json; empty without it.
    """

    summary: Mapping[str, Any]
    views: tuple[StoredView, ...]
    notes: tuple[Note, ...]
    provenance: Mapping[str, Any]


def write_long_axis_files(views: Sequence[LongAxisView], summary: Mapping[str, Any], folder: Path) -> list[str]:
    """Write long_axis.npz and long_axis.csv; the same views give the same bytes.

    Args:
        views: the views.
        summary: their `long_axis_summary`.
        folder: an existing folder.

    Returns:
        The names of the files.
    """
    write_stable_npz(folder / "long_axis.npz", _arrays(views))
    (folder / "long_axis.csv").write_text(long_axis_table(summary), encoding="utf-8", newline="")
    return ["long_axis.npz", "long_axis.csv"]


def long_axis_table(summary: Mapping[str, Any]) -> str:
    """The text of long_axis.csv: strain and length of each view at each frame.

    Args:
        summary: ``long_axis`` of strain.json.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, part in enumerate(summary["views"], start=1):
        for frame, (time, length) in enumerate(zip(part["frame_times_ms"], part["length_mm"], strict=True)):
            strains = [f"{part['curves'][name][frame]:.6f}" for name in LINE_NAMES]
            writer.writerow([number, part["view"] or "", frame, f"{time:.3f}", *strains, f"{length:.3f}"])
    return text.getvalue()


def _arrays(views: Sequence[LongAxisView]) -> Iterator[tuple[str, Array]]:
    for number, view in enumerate(views, start=1):
        for name, line in lines_mm(view).items():
            yield f"view_{number}_{name}_lps", view.lps(line).astype(np.float32)
        yield f"view_{number}_annulus_lps", view.lps(view.annulus_mm).astype(np.float32)
        yield f"view_{number}_frame_times_ms", np.asarray(view.frame_times_ms, dtype=np.float64)
        yield f"view_{number}_ijk_to_lps", view.grid.ijk_to_lps
        yield f"view_{number}_shape", np.array(view.grid.shape)


def read_long_axis(folder: str | Path) -> StoredLongAxis | None:
    """Read the long-axis part of a result folder; None if it has none.

    Raises:
        LaMoDInputError: a file is missing or damaged.
    """
    home = Path(folder)
    stored = read_strain_json(home / "strain.json")
    summary = stored.summary.get("long_axis")
    if summary is None:
        return None
    refuse_faults(long_axis_faults(summary), home / "strain.json", _REMEDY)
    path = home / "long_axis.npz"
    if not os.path.exists(path):
        raise LaMoDInputError(path, "the file does not exist", _REMEDY)
    arrays = read_npz(path, remedy=_REMEDY)
    views = []
    try:
        for number, part in enumerate(summary["views"], start=1):
            own = f"view_{number}_"
            height, width = arrays[f"{own}shape"].tolist()
            times = arrays[f"{own}frame_times_ms"]
            lines = {name: arrays[f"{own}{name}_lps"] for name in LINE_NAMES}
            if any(line.shape != (len(times), *lines[LINE_NAMES[0]].shape[1:]) for line in lines.values()):
                raise ValueError("its arrays have shapes that do not fit together")
            kind = cast(ViewKind | None, part["view"] if part["view"] in VIEW_KINDS else None)
            grid = SliceGrid((int(height), int(width)), arrays[f"{own}ijk_to_lps"])
            views.append(StoredView(kind, grid, lines, arrays[f"{own}annulus_lps"], times, part))
    except (KeyError, TypeError, ValueError) as error:
        raise LaMoDInputError(path, f"it does not fit strain.json ({error})", _REMEDY) from error
    provenance = stored.summary.get("provenance")
    return StoredLongAxis(summary, tuple(views), stored.notes, provenance if isinstance(provenance, Mapping) else {})
