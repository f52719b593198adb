"""The end-diastolic frame, to which all motion refers."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.plateau import middle_of_largest
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.mask import cavity_area_mm2
from LaMoDCore.runtime.errors import LaMoDInputError

#: Frame 0 is the reference unless its cavity is smaller than the largest by more than this share of the stroke.
TOLERANCE = 0.15


def total_cavity_area_mm2(slices: list[CineSlice]) -> Array:
    """Cavity area of each frame, summed over the slices, [T]."""
    return np.asarray(np.sum([cavity_area_mm2(s.myocardium, s.grid.spacing_mm) for s in slices], axis=0))


def find_end_diastole(slices: list[CineSlice], area: Array) -> tuple[int, Note | None]:
    """Frame 0, where a triggered cine begins; otherwise the frame with the largest cavity, and a note.

    Of several frames with the largest cavity, the middle one; see `middle_of_largest`.

    Args:
        slices: slices of one heart.
        area: their `total_cavity_area_mm2`.
    """
    usable = np.all([s.valid_frames for s in slices], axis=0)
    largest = float(area[usable].max())
    stroke = largest - float(area[usable].min())
    if usable[0] and largest - area[0] <= TOLERANCE * stroke:
        return 0, None
    frame = middle_of_largest(area, usable)
    text = "The cine does not begin at end-diastole: the frame with the largest cavity was used as the reference."
    return frame, note("reference_frame_found", text, frame=frame)


def named_end_diastole(frame: int, slices: list[CineSlice]) -> int:
    """Check the end-diastolic frame that the user gave.

    Raises:
        LaMoDInputError: there is no such frame, or it was not acquired.
    """
    usable = np.flatnonzero(np.all([s.valid_frames for s in slices], axis=0))
    if frame not in usable:
        raise LaMoDInputError(
            "--reference-frame",
            f"there is no frame {frame} that was acquired in every slice",
            f"give the frame of end-diastole, counted from 0, up to {usable[-1]}",
        )
    return frame
