"""What long-axis views give to short-axis slices: depth, level, through-plane descent, and slices that leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.heart.case import LEVELS, Case, CineSlice, Level
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.end_diastole import at_phases, reference_frame
from LaMoDCore.heart.long_axis.mid_wall import mid_wall_mm
from LaMoDCore.heart.long_axis.view import LongAxisView
from LaMoDCore.heart.long_axis.wall_lines import INTERVALS
from LaMoDCore.heart.notes import Note, note

#: A slice whose centre lies farther than this from the long axis belongs to another position of the patient.
_FARTHEST_FROM_AXIS_MM = 40.0
#: A slice up to this far beyond the apex or the annulus is still the ventricle's: breath-holds differ by this much.
_MARGIN_MM = 10.0


@dataclass(frozen=True, eq=False)
class SlicePosition:
    """A short-axis slice between annulus and apex.

    Attributes:
        depth_mm: distance of the slice's plane from the middle of the annulus at end-diastole, along the long axis; NaN
            if the plane is nearly parallel to that axis.
        fraction: the same as a share of the distance to the endocardial apex.
        level: base, mid or apex: thirds of that distance.
        from_axis_mm: distance of the centre of the slice's wall from the long axis.
        descent_mm: [T] displacement towards the apex of the wall at that depth, at the frames of the short-axis case.
        outside: bool [T], frames in which the middle of the annulus lies below the slice's plane.
    """

    depth_mm: float
    fraction: float
    level: Level
    from_axis_mm: float
    descent_mm: Array
    outside: Array


def slice_positions(case: Case, views: Sequence[LongAxisView]) -> list[SlicePosition]:
    """Position of each slice of a case; its frames are compared with the views' at the same phases since end-diastole.

    The long axis joins the mean of the middles of the annulus and the mean of the apices over the views; its length is
    that of the view that reaches deepest, because a foreshortened view misses the apex.

    Args:
        case: short-axis slices.
        views: long-axis views of the same heart.
    """
    ends = [view.axis_lps(reference_frame(view)) for view in views]
    base = np.mean([middle for middle, _ in ends], axis=0)
    axis = np.mean([apex for _, apex in ends], axis=0) - base
    axis /= np.linalg.norm(axis)
    length = max(float((apex - base) @ axis) for _, apex in ends)
    phases = np.mod((case.frame_times_ms - case.frame_times_ms[case.reference_frame]) / case.rr_ms, 1.0)
    annulus = np.mean(
        [at_phases(_depths(view, view.annulus_mm.mean(axis=1), base, axis), view, phases) for view in views], axis=0
    )
    found = []
    for slice_ in case.slices:
        center = _center_lps(slice_, case.reference_frame)
        cosine = float(axis @ slice_.grid.normal)
        depth = float((center - base) @ slice_.grid.normal) / cosine if abs(cosine) > 0.2 else np.nan
        beside = (center - base) - ((center - base) @ axis) * axis
        descent = np.mean([at_phases(_descent(view, depth, base, axis), view, phases) for view in views], axis=0)
        fraction = depth / length
        level = LEVELS[int(np.clip(3 * fraction, 0, 2))] if np.isfinite(fraction) else slice_.level
        found.append(
            SlicePosition(
                depth_mm=depth,
                fraction=fraction,
                level=level,
                from_axis_mm=float(np.linalg.norm(beside)),
                descent_mm=descent,
                outside=annulus > depth,
            )
        )
    return found


def with_measured_levels(
    case: Case, views: Sequence[LongAxisView], *, levels_given: bool = False
) -> tuple[Case, list[SlicePosition]]:
    """The case with levels measured between annulus and apex, in that order, and the positions of its slices.

    Levels that a person gave are kept (`CineSlice.level_given`); a contradiction is noted. If the slices run from apex
    to base, their order is reversed, and walls are no longer named: the orientation of the files, which gives the view
    from the apex, is wrong.

    Args:
        case: short-axis slices.
        views: long-axis views of the same heart.
        levels_given: whether a person gave the levels of all slices.

    Returns:
        The case and the positions of its slices; none where levels were not measured, because slices or views have no
        position in the patient or no slice lies around the long axis.
    """
    if not all(view.located for view in views) or any(each.code == "orientation_unknown" for each in case.notes):
        text = "Short-axis slices or long-axis views have no position in the patient, so levels were not measured."
        return replace(case, notes=(*case.notes, note("short_axis_not_compared", text))), []
    positions = slice_positions(case, views)
    depths = np.array([each.depth_mm for each in positions])
    far = [n for n, each in enumerate(positions, 1) if each.from_axis_mm > _FARTHEST_FROM_AXIS_MM]
    if len(far) == len(positions) or not np.isfinite(depths).all():
        text = "No short-axis slice lies around the long axis of the long-axis views, so levels were not measured."
        return replace(case, notes=(*case.notes, note("slice_outside_ventricle", text))), []
    notes = list(case.notes)
    if len(depths) > 1 and depths[-1] < depths[0]:
        text = (
            "The long-axis views show the apex at the end of the stack that the orientation of the slices gives as the "
            "base. The slices were put in order; segments have no wall names, and the sign of rotation is doubtful."
        )
        count = len(positions)
        notes = [n if n.slice is None else replace(n, slice=count + 1 - n.slice) for n in notes]
        notes.insert(0, note("base_apex_exchanged", text))
        case, positions = replace(case, slices=case.slices[::-1], walls_known=False), positions[::-1]
    given = [levels_given or slice_.level_given for slice_ in case.slices]
    slices = tuple(
        slice_ if kept else replace(slice_, level=each.level, level_known=True)
        for slice_, each, kept in zip(case.slices, positions, given, strict=True)
    )
    for number, (slice_, each, kept) in enumerate(zip(slices, positions, given, strict=True), 1):
        if kept and slice_.level != each.level:
            text = f"The level was given as {slice_.level}, and the long-axis views show it at {each.level}."
            notes.append(note("levels_contradicted", text, slice=number))
    if not all(given):
        notes = [each for each in notes if each.code != "levels_proposed"]
        measured = [
            f"{f'slice {number} ' if any(given) else ''}{each.level} ({each.depth_mm:.0f} mm)"
            for number, (each, kept) in enumerate(zip(positions, given, strict=True), 1)
            if not kept
        ]
        listing = ", ".join(measured)
        text = f"Levels were measured with the long-axis views, from the base, depth below the annulus: {listing}."
        notes.append(note("levels_measured", text))
    notes += _position_notes(positions)
    return replace(case, slices=slices, notes=tuple(notes)), positions


def _position_notes(positions: Sequence[SlicePosition]) -> list[Note]:
    notes = []
    for number, each in enumerate(positions, start=1):
        length = each.depth_mm / each.fraction if each.fraction else np.inf
        beyond = max(-each.depth_mm, each.depth_mm - length)
        if beyond > _MARGIN_MM or each.from_axis_mm > _FARTHEST_FROM_AXIS_MM:
            text = "The slice lies outside the ventricle of the long-axis views."
            notes.append(note("slice_outside_ventricle", text, slice=number))
        elif each.outside.any():
            text = "The mitral annulus descends beyond this slice, which leaves the ventricle."
            notes += [
                note("slice_leaves_ventricle", text, slice=number, frame=int(t)) for t in np.flatnonzero(each.outside)
            ]
    return notes


def _center_lps(slice_: CineSlice, frame: int) -> Array:
    rows, columns = np.nonzero(slice_.myocardium[frame])
    return slice_.grid.pixel_to_lps(np.array([columns.mean(), rows.mean()]))


def _depths(view: LongAxisView, points_mm: Array, base: Array, axis: Array) -> Array:
    """Depth [...] of in-plane points [..., 2] below the annulus at end-diastole, mm along the long axis."""
    return np.asarray((view.lps(points_mm) - base) @ axis)


def _descent(view: LongAxisView, depth: float, base: Array, axis: Array) -> Array:
    """Displacement [T] along the long axis of the mid-wall at a depth, the mean of both walls.

    The point of each wall is followed at its share of the wall's length from the annulus to the apex. NaN where the
    depth is not known.
    """
    if not np.isfinite(depth):
        return np.full(view.frames, np.nan)
    depths = _depths(view, mid_wall_mm(view), base, axis)
    reference = reference_frame(view)
    moved = []
    for wall in (slice(0, INTERVALS + 1), slice(2 * INTERVALS, INTERVALS - 1, -1)):
        start = depths[reference, wall]
        place = float(np.interp(depth, np.maximum.accumulate(start), np.arange(start.size)))
        low = min(int(place), start.size - 2)
        share = place - low
        at = (1 - share) * depths[:, wall][:, low] + share * depths[:, wall][:, low + 1]
        moved.append(at - at[reference])
    return np.asarray(np.mean(moved, axis=0))
