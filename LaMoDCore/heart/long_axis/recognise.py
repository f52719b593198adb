"""Recognise long-axis views by their position around the long axis, and put their walls in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, Array
from LaMoDCore.heart.long_axis.view import VIEW_KINDS, VIEW_NAMES, LongAxisView, ViewKind
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.pose import RIGHT_VENTRICLE_LPS

#: Angle of each view's first wall from the middle of the septum, degrees, counter-clockwise seen from the apex: the
#: middles of the inferoseptal, inferior and anteroseptal segments (AHA, 60° each).
FIRST_WALL_DEGREES: dict[ViewKind, float] = {"four_chamber": 30.0, "two_chamber": 90.0, "three_chamber": -30.0}
#: From the anterior RV insertion to the middle of the septum. By the AHA's segments it is 60°; the insertion points of
#: the two real series of the tests are 68° and 82° apart, those of the synthetic hearts 118°.
INSERTION_TO_SEPTUM_DEGREES = 45.0
#: Spread of the true middle of the septum about the one from an insertion point, and about the usual one.
_INSERTION_SD_DEGREES, _USUAL_SD_DEGREES = 15.0, 20.0
#: Spread of the planes that are acquired about the middles of the segments.
_PLANE_SD_DEGREES = 15.0
#: Two assignments of views whose costs differ by less than this are both plausible.
_AMBIGUOUS = 1.0
#: Planes that are closer than this show the same view: those of different views are 60° apart.
SAME_VIEW_DEGREES = 25.0
#: The planes of two views are 60° apart; a named view that is farther from its own angle is nearer to another's.
_CONTRADICTED_DEGREES = 45.0
_WORDS: tuple[tuple[ViewKind, str], ...] = (
    ("four_chamber", r"(?<!\d)4 ?-?ch|(?<!\d)4cv|four.?chamber|\b4c\b"),
    ("two_chamber", r"(?<!\d)2 ?-?ch|(?<!\d)2cv|two.?chamber|\b2c\b"),
    ("three_chamber", r"(?<!\d)3 ?-?ch|(?<!\d)3cv|three.?chamber|\b3c\b|lvot|aplax"),
)


@dataclass(frozen=True, eq=False)
class HeartFrame:
    """Directions in LPS that views refer to.

    Attributes:
        to_apex: [3], unit vector.
        to_septum: [3], unit vector across the axis to the middle of the septum.
        measured: whether the septum comes from an RV insertion point; otherwise it is the usual one.
    """

    to_apex: Array
    to_septum: Array
    measured: bool


def heart_frame(views: Sequence[LongAxisView], frames: Sequence[int], insertion_lps: Array | None = None) -> HeartFrame:
    """The heart's directions from its long-axis views, and the anterior RV insertion point [3] if it is known.

    Args:
        views: the views.
        frames: end-diastole of each.
        insertion_lps: LPS mm.
    """
    axes = [view.axis_lps(frame) for view, frame in zip(views, frames, strict=True)]
    to_apex = _unit(np.sum([_unit(apex - base) for base, apex in axes], axis=0))
    if insertion_lps is None:
        return HeartFrame(to_apex, _across(RIGHT_VENTRICLE_LPS, to_apex), False)
    start = _across(insertion_lps - np.mean([base for base, _ in axes], axis=0), to_apex)
    angle = np.radians(INSERTION_TO_SEPTUM_DEGREES)
    return HeartFrame(to_apex, np.cos(angle) * start + np.sin(angle) * np.cross(to_apex, start), True)


def kind_in_name(name: str) -> ViewKind | None:
    """The view that a file's or series' name names, as in ``cine_4ch``; None if it names none or several."""
    found = [kind for kind, words in _WORDS if re.search(words, name.replace("_", " "), re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


def wall_angle_degrees(view: LongAxisView, frame: int, heart: HeartFrame) -> float:
    """Angle of the first wall from the middle of the septum, −180…180, counter-clockwise seen from the apex."""
    first, second = view.lps(view.endo_mm[frame][[0, -1]])
    wall = _across(first - second, heart.to_apex)
    return float(np.degrees(np.arctan2(np.cross(heart.to_septum, wall) @ heart.to_apex, heart.to_septum @ wall)))


def recognised(
    views: Sequence[LongAxisView], frames: Sequence[int], heart: HeartFrame
) -> tuple[list[LongAxisView], list[Note]]:
    """The views with their kind, and their walls in the order of `LaMoDCore.heart.long_axis.view.WALLS`.

    Views without a name get the kinds that fit their angles best; no kind is used twice as long as one is left, but
    slices whose planes are less than 25° apart have the same one. The angle of all views against the septum may differ
    from the expected one, more so if no insertion point is known.

    Args:
        views: the views.
        frames: end-diastole of each.
        heart: the heart's directions.

    Returns:
        the views, in their order, and notes.
    """
    angles = [wall_angle_degrees(view, frame, heart) for view, frame in zip(views, frames, strict=True)]
    unnamed = [index for index, view in enumerate(views) if view.kind is None]
    kinds: list[ViewKind | None] = [view.kind for view in views]
    notes: list[Note] = []
    if unnamed:
        kinds, margin = _assigned(views, angles, heart.measured)
        names = ", ".join(VIEW_NAMES[kind] for index in unnamed if (kind := kinds[index]) is not None)
        which = "" if len(unnamed) == len(views) else "Unnamed "
        text = f"{which or 'The '}long-axis views were recognised by their position: {names}."
        severity = "warning" if margin < _AMBIGUOUS else None
        if severity:
            text = f"{text[:-1]}; another assignment fits nearly as well."
        notes.append(note("long_axis_views_recognised", text, severity=severity))  # type: ignore[arg-type]
    result = []
    for view, kind, angle in zip(views, kinds, angles, strict=True):
        if kind is None:
            raise ValueError("every view has a kind here")
        plane_away = abs(_wrapped(angle - FIRST_WALL_DEGREES[kind], 180.0))
        if view.kind is not None and plane_away > _CONTRADICTED_DEGREES:
            text = (
                f"A view was given as {VIEW_NAMES[kind]}, but its plane is {plane_away:.0f}° away from the usual one "
                "of this view."
            )
            notes.append(note("long_axis_view_contradicted", text, source=view.name))
        away = abs(_wrapped(angle - FIRST_WALL_DEGREES[kind], 360.0))
        result.append(replace(view if away <= 90 else turned(view), kind=kind))
    return result, notes


def plane_angle_degrees(one: LongAxisView, other: LongAxisView) -> float:
    """Angle between the planes of two views, 0 to 90°; it is known only if both have a position in the patient."""
    return float(np.degrees(np.arccos(min(1.0, abs(float(one.grid.normal @ other.grid.normal))))))


def _assigned(
    views: Sequence[LongAxisView], angles: Sequence[float], measured: bool
) -> tuple[list[ViewKind | None], float]:
    """The kinds of all views, the same one in nearly the same plane, and the margin of `_best_assignment`."""
    groups: list[list[int]] = []
    for index in sorted(range(len(views)), key=lambda i: views[i].kind is None):
        view = views[index]
        near = (g for g in groups if plane_angle_degrees(view, views[g[0]]) < SAME_VIEW_DEGREES)
        group = next(near, None) if view.kind is None else None
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    first = [group[0] for group in groups]
    best, margin = _best_assignment([angles[i] for i in first], [views[i].kind for i in first], measured)
    kinds: list[ViewKind | None] = [None] * len(views)
    for group, kind in zip(groups, best, strict=True):
        for index in group:
            kinds[index] = kind
    return kinds, margin


def turned(view: LongAxisView) -> LongAxisView:
    """The view with its walls in the other order."""
    return replace(
        view, endo_mm=view.endo_mm[:, ::-1], epi_mm=view.epi_mm[:, ::-1], annulus_mm=view.annulus_mm[:, ::-1]
    )


def is_usual_axis(heart: HeartFrame) -> bool:
    """Whether the apex lies left, anterior or inferior of the base, as in all hearts but mirrored ones."""
    return bool(heart.to_apex @ BASE_TO_APEX_LPS > 0)


def _best_assignment(
    angles: Sequence[float], given: Sequence[ViewKind | None], measured: bool
) -> tuple[tuple[ViewKind | None, ...], float]:
    """The kinds with the lowest cost, and how much lower it is than the next one."""
    free = [kind for kind in VIEW_KINDS if kind not in given]
    unnamed = sum(kind is None for kind in given)
    most = -(-unnamed // len(free)) if free else unnamed
    costs: dict[tuple[ViewKind | None, ...], float] = {}
    for choice in product(free or VIEW_KINDS, repeat=unnamed):
        if any(choice.count(kind) > most for kind in VIEW_KINDS):
            continue
        rest: Iterator[ViewKind] = iter(choice)
        kinds: tuple[ViewKind | None, ...] = tuple(next(rest) if kind is None else kind for kind in given)
        costs[kinds] = _cost(angles, kinds, measured)
    ranked = sorted(costs, key=lambda kinds: (costs[kinds], kinds))
    margin = costs[ranked[1]] - costs[ranked[0]] if len(ranked) > 1 else np.inf
    return ranked[0], float(margin)


def _cost(angles: Sequence[float], kinds: Sequence[ViewKind | None], measured: bool) -> float:
    """Half of the squared deviations from the expected angles in SDs, minimised over a common rotation."""
    deviations = np.array(
        [_wrapped(a - FIRST_WALL_DEGREES[k], 180.0) for a, k in zip(angles, kinds, strict=True) if k is not None]
    )
    common_sd = _INSERTION_SD_DEGREES if measured else _USUAL_SD_DEGREES
    weight = 1 / _PLANE_SD_DEGREES**2
    common = weight * deviations.sum() / (weight * deviations.size + 1 / common_sd**2)
    return float(0.5 * (weight * ((deviations - common) ** 2).sum() + (common / common_sd) ** 2))


def _wrapped(degrees: float, period: float) -> float:
    return float((degrees + period / 2) % period - period / 2)


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _across(vector: Array, axis: Array) -> Array:
    return _unit(vector - (vector @ axis) * axis)
