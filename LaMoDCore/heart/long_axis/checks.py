"""Checks of the landmarks of long-axis views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.cycle.shapes import expected_from_neighbours
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.heart.long_axis.view import VIEW_KINDS, VIEW_NAMES, LongAxisView
from LaMoDCore.heart.notes import Note, note

#: Apices of the views of one heart are closer than this, or one of the views does not pass through the apex.
APEX_DISTANCE_MM = 10.0
#: A given annulus point is within this distance of an end of the wall; the aortic root is 20–30 mm wide.
_FARTHEST_ANNULUS_MM = 40.0
#: The annulus points of two real cines are 20 mm apart at least, along the line between the ends of the wall at least
#: 0.4 of its length.
_NEAREST_ANNULUS_MM, _LEAST_ANNULUS_SHARE = 8.0, 0.25
#: They are at most 3 mm nearer to the apex than the middle between the ends of the wall.
_DEEPEST_ANNULUS_MM = 15.0
#: A given apex is on the endocardium, on the epicardium or between them, as far as it is drawn.
_FARTHEST_APEX_MM = 10.0
#: A given apex is misplaced if it is farther than this along the endocardium from the point that is farthest from the
#: annulus, and nearer to the annulus than that point. On a real cine with given points they differ by up to 3 mm.
_APEX_ALONG_MM, _APEX_NEARER_MM = 15.0, 5.0
#: Shares of the endocardium before the apex; on two real cines 0.46 to 0.56.
_APEX_SHARES = (0.35, 0.65)
#: An annulus point or the length of the ventricle differs from its neighbours in time by more than this, both alone and
#: relative to the contour. On two real cines with points on all frames the largest difference is 3.7 mm.
_LANDMARK_JUMP_MM = 5.0
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
    opening = ends[1] - ends[0]
    width = max(float(np.linalg.norm(opening)), 1e-9)
    apart = annulus_mm[1] - annulus_mm[0]
    if np.linalg.norm(apart) < _NEAREST_ANNULUS_MM or abs(apart @ opening) < _LEAST_ANNULUS_SHARE * width**2:
        return "both points of the mitral annulus lie at the same end of the wall"
    middle = ends.mean(axis=0)
    depth = float(((annulus_mm - middle) @ ((far - middle) / max(float(np.linalg.norm(far - middle)), 1e-9))).max())
    if depth > _DEEPEST_ANNULUS_MM:
        return f"a point of the mitral annulus lies {depth:.0f} mm below the ends of the wall, inside the ventricle"
    return ""


def apex_fault(endo_mm: Array, epi_mm: Array, apex_mm: Array) -> str:
    """Why a given apex does not fit the contours, as a clause; "" if it does.

    Args:
        endo_mm, epi_mm: [N, 2], [M, 2] in order.
        apex_mm: [2].
    """
    away = min(float(np.linalg.norm(line - apex_mm, axis=1).min()) for line in (endo_mm, epi_mm))
    if away > _FARTHEST_APEX_MM:
        return f"the apex lies {away:.0f} mm from the contours"
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(endo_mm, axis=0), axis=1))])
    depth = np.linalg.norm(endo_mm - endo_mm[[0, -1]].mean(axis=0), axis=1)
    here = int(np.argmin(np.linalg.norm(endo_mm - apex_mm, axis=1)))
    far = int(np.argmax(depth))
    off = abs(float(along[here] - along[far]))
    misplaced = off > _APEX_ALONG_MM and depth[far] - depth[here] > _APEX_NEARER_MM
    if misplaced or not _APEX_SHARES[0] <= along[here] / along[-1] <= _APEX_SHARES[1]:
        return f"the apex lies {off:.0f} mm along the wall from the point that is farthest from the mitral annulus"
    return ""


def length_jumps(view: LongAxisView) -> list[Note]:
    """Note frames whose endocardium is longer or shorter than its neighbours in time by 5 % of its length."""
    lengths = length_mm(view.endo_mm)
    off = _off_neighbours(lengths, view) / float(np.median(lengths))
    which = VIEW_NAMES[view.kind] if view.kind else "long-axis"
    text = f"The length of the endocardium of the {which} view jumps."
    return [
        note("long_axis_length_jump", text, frame=int(t), source=view.name) for t in np.flatnonzero(off > _LARGEST_JUMP)
    ]


def _off_neighbours(values: Array, view: LongAxisView) -> Array:
    """Distance of values [T, ...] from those of the frames before and after; 0 at ends that have one neighbour."""
    off = np.abs(values - expected_from_neighbours(values, closes=view.covers_cycle))
    if not view.covers_cycle:
        off[[0, -1]] = 0.0
        for t in (1, -2):  # they have one neighbour fewer on one side, which would shift the median
            off[t] = np.abs(values[t] - 0.5 * (values[t - 1] + values[t + 1]))
    return np.asarray(off)


def landmark_jumps(view: LongAxisView) -> list[Note]:
    """Note frames whose annulus points or apex differ from the neighbours in time, and not because the contour does.

    Landmarks that were placed at some frames and those of the contours at the others make such a difference, which
    changes MAPSE and volumes.
    """
    reference = int(np.argmax(view.cavity_mm2()))
    middle, apex = view.annulus_mm[reference].mean(axis=0), view.apex_mm[reference]
    axis = (apex - middle) / np.linalg.norm(apex - middle)
    ends = view.endo_mm[:, [0, -1]]
    far = np.linalg.norm(view.endo_mm - ends.mean(axis=1, keepdims=True), axis=-1).max(axis=1)
    length = np.linalg.norm(view.apex_mm - view.annulus_mm.mean(axis=1), axis=-1)
    values = np.column_stack([view.annulus_mm @ axis, length])  # [T, 3]
    offsets = np.column_stack([(view.annulus_mm - ends) @ axis, length - far])
    jumps = np.minimum(_off_neighbours(values, view), _off_neighbours(offsets, view))
    which = VIEW_NAMES[view.kind] if view.kind else "long-axis"
    text = f"The mitral annulus or the apex of the {which} view jumps relative to the contour."
    return [
        note("long_axis_landmark_jump", text, frame=int(t), source=view.name)
        for t in np.flatnonzero(jumps.max(axis=1) > _LANDMARK_JUMP_MM)
    ]


def repeated_views(views: Sequence[LongAxisView]) -> list[Note]:
    """Note slices of the same view, which count as one."""
    notes = []
    for kind in VIEW_KINDS:
        same = [view for view in views if view.kind == kind]
        if len(same) > 1:
            text = f"{len(same)} slices show the {VIEW_NAMES[kind]} view; they count as one view, their mean."
            notes.append(note("long_axis_view_repeated", text, source=", ".join(view.name for view in same)))
    return notes


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
