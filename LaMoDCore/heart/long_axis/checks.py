"""Checks of the landmarks of long-axis views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.cycle.shapes import expected_from_neighbours
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.heart.long_axis.view import VIEW_NAMES, LongAxisView
from LaMoDCore.heart.notes import Note, note

#: Apices of the views of one heart are closer than this, or one of the views does not pass through the apex.
APEX_DISTANCE_MM = 10.0
#: A given annulus point is within this distance of an end of the wall; the aortic root is 20–30 mm wide.
_FARTHEST_ANNULUS_MM = 40.0
#: On two real cines with 25 frames the largest deviation from the neighbours is 3.6 % of the length.
_LARGEST_JUMP = 0.05


def annulus_fault(endo_mm: Array, annulus_mm: Array) -> str:
    """Why given annulus points do not fit a contour, as a clause; "" if they do.

    Args:
        endo_mm: [N, 2] in order.
        annulus_mm: [n, 2].
    """
    if len(annulus_mm) != 2:
        return f"it has {len(annulus_mm)} point{'' if len(annulus_mm) == 1 else 's'} of the mitral annulus instead of 2"
    ends = endo_mm[[0, -1]]
    far = endo_mm[int(np.argmax(np.linalg.norm(endo_mm - ends.mean(axis=0), axis=1)))]
    to_ends = np.linalg.norm(annulus_mm[:, None] - ends[None], axis=-1).min(axis=1)
    if (np.linalg.norm(annulus_mm - far, axis=1) < to_ends).any():
        return "a point of the mitral annulus lies at the apex: annulus and apex seem to be exchanged"
    if to_ends.max() > _FARTHEST_ANNULUS_MM:
        return f"a point of the mitral annulus lies {to_ends.max():.0f} mm from the ends of the wall"
    return ""


def length_jumps(view: LongAxisView) -> list[Note]:
    """Note frames whose endocardium is longer or shorter than its neighbours in time by 5 % of its length."""
    lengths = length_mm(view.endo_mm)
    expected = expected_from_neighbours(lengths, closes=True)
    off = np.abs(lengths - expected) / float(np.median(lengths))
    which = VIEW_NAMES[view.kind] if view.kind else "long-axis"
    text = f"The length of the endocardium of the {which} view jumps."
    return [
        note("long_axis_length_jump", text, frame=int(t), source=view.name) for t in np.flatnonzero(off > _LARGEST_JUMP)
    ]


def foreshortened(views: Sequence[LongAxisView], frames: Sequence[int]) -> list[Note]:
    """Note views whose apex lies farther than 10 mm from that of the others along the long axis.

    A plane that misses the apex shows a shorter ventricle; views are compared along the axis, because they are
    acquired in different breath-holds.

    Args:
        views: the views.
        frames: end-diastole of each.
    """
    if len(views) < 2:
        return []
    axes = [view.axis_lps(frame) for view, frame in zip(views, frames, strict=True)]
    direction = np.sum([(apex - base) / np.linalg.norm(apex - base) for base, apex in axes], axis=0)
    direction /= np.linalg.norm(direction)
    depths = np.array([float(apex @ direction) for _, apex in axes])
    notes = []
    for index, view in enumerate(views):
        others = float(np.max(np.delete(depths, index)))
        if others - depths[index] > APEX_DISTANCE_MM:
            which = VIEW_NAMES[view.kind] if view.kind else f"view {index + 1}"
            text = (
                f"The {which} view seems foreshortened: its apex lies {others - depths[index]:.0f} mm nearer to the "
                "base than that of another view."
            )
            notes.append(note("long_axis_foreshortened", text, source=view.name))
    return notes
