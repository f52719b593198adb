"""The contours of a long-axis slice as a file holds them, before they are completed over the cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import MIN_FRAMES
from LaMoDCore.heart.geometry import SHORT_AXIS_COSINE, Array, SliceGrid
from LaMoDCore.heart.long_axis.carrying import carry_lines
from LaMoDCore.heart.long_axis.recognise import kind_in_name
from LaMoDCore.heart.long_axis.view import LongAxisView, stacked
from LaMoDCore.heart.long_axis.wall_lines import WallLines
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.faults import frame_list
from LaMoDCore.runtime.errors import LaMoDInputError

#: If more than this share of the frames is not drawn, contours were intentionally drawn at some frames.
PARTIAL_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class DrawnView:
    """Lines of the drawn frames of one slice.

    Attributes:
        name: display name.
        grid: pixel grid to whose in-plane mm the lines refer.
        lines: by frame, from 0.
        frame_times_ms, rr_ms: of all frames.
        cine: float32 [T, H, W] on `grid`, if given.
        located: whether the position in the patient is known.
    """

    name: str
    grid: SliceGrid
    lines: Mapping[int, WallLines]
    frame_times_ms: Array
    rr_ms: float
    cine: Array | None = None
    located: bool = True


def completed(drawn: DrawnView, source: Path) -> tuple[LongAxisView, list[Note]]:
    """The view with lines on every frame: contours of end-diastole and end-systole are carried with the cine.

    Raises:
        LaMoDInputError: frames are missing and cannot be carried, or the plane is that of a short-axis slice.
    """
    frames = len(drawn.frame_times_ms)
    if drawn.located and abs(drawn.grid.axis_cosine) > SHORT_AXIS_COSINE:
        raise LaMoDInputError(
            source,
            f"{drawn.name} is a short-axis slice by its orientation, and was given as a long-axis slice",
            "give short-axis slices as masks and long-axis slices as long axis",
        )
    if frames < MIN_FRAMES:
        raise LaMoDInputError(
            source,
            f"{drawn.name} has {frames} frames and at least {MIN_FRAMES} are needed",
            "give contours over the whole cycle, or the cine of contours at end-diastole and end-systole",
        )
    missing = [t for t in range(frames) if t not in drawn.lines]
    notes: list[Note] = []
    if not missing:
        lines = [drawn.lines[t] for t in range(frames)]
    elif len(missing) <= PARTIAL_SHARE * frames:
        raise LaMoDInputError(
            source,
            f"{frame_list(missing)} of {drawn.name} {'has' if len(missing) == 1 else 'have'} no contours",
            "draw them, or leave this slice out",
        )
    elif drawn.cine is None or len(drawn.lines) < 2:
        what = "the cine, which shows how the wall moves" if drawn.cine is None else "end-systole"
        raise LaMoDInputError(
            source,
            f"only {frame_list(sorted(drawn.lines))} of {drawn.name} {'is' if len(drawn.lines) == 1 else 'are'} drawn, "
            f"and they cannot be carried to the other frames without {what}",
            "draw end-diastole and end-systole and give the cine, or draw every frame",
        )
    else:
        lines = carry_lines(drawn.lines, drawn.cine, drawn.grid.spacing_mm)
        text = (
            f"The contours were drawn at {len(drawn.lines)} frames of a long-axis view and carried to the other "
            f"{len(missing)} with the cine."
        )
        notes.append(note("contours_carried", text, source=drawn.name))
    endo, epi, annulus = stacked(lines)
    view = LongAxisView(
        name=drawn.name,
        grid=drawn.grid,
        endo_mm=endo,
        epi_mm=epi,
        annulus_mm=annulus,
        frame_times_ms=drawn.frame_times_ms,
        rr_ms=drawn.rr_ms,
        kind=kind_in_name(drawn.name),
        cine=drawn.cine,
        drawn=~np.isin(np.arange(frames), missing),
        located=drawn.located,
    )
    return view, notes
