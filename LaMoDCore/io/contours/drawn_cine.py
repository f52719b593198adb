"""The cine on which contours without a pixel grid were drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.contours.curves import IN_PLANE_MM
from LaMoDCore.io.images.frame_stack import FrameStack


def cine_of_contours(
    points_lps: Array, frames: Collection[int], cines: Sequence[FrameStack]
) -> tuple[FrameStack | None, list[Note]]:
    """The cine in the plane of contours: one whose frames are all drawn, else one that has the frames, else any.

    Args:
        points_lps: [N, 3] of all contours.
        frames: on which they were drawn, from 0.
        cines: slices of cines.

    Returns:
        the cine, None if none lies in the plane, and a note if several are possible, of which the first one is taken.
    """
    near = [cine for cine in cines if np.abs(cine.slice_grid(0).distance_mm(points_lps)).max() <= IN_PLANE_MM]
    if not near:
        return None, []
    drawn, last = len(set(frames)), max(frames, default=-1)
    all_drawn = [cine for cine in near if cine.frames.shape[0] == drawn == last + 1]
    possible = all_drawn or [cine for cine in near if cine.frames.shape[0] > last] or near
    notes = []
    if len(possible) > 1:
        text = f"{len(possible)} cine series lie in the plane of the contours; the first one was used."
        notes.append(note("several_cines", text, source=possible[0].name))
    return possible[0], notes
