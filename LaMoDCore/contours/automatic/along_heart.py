"""Compare the contours of neighbouring slices: the ventricle's centre and radius change steadily along its axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from LaMoDCore.contours.automatic.slice_contours import UNSURE, SliceContours
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.frame_stack import FrameStack

#: Centres of slices lie within this distance of a straight line through all of them, mm.
_OFF_LINE_MM = 18.0
_FEWEST_SLICES = 4
#: A ring differs from the mean of its neighbours by at most this in its centre and in its mean outer radius, mm. Slices
#: are acquired in different breath-holds, which shifts them by several millimetres.
_OFF_CENTER_MM, _OFF_RADIUS_MM = 10.0, 5.0
_REASON = "the ring does not fit those of the neighbouring slices"


def center_lps_of(stack: FrameStack, contours: SliceContours) -> Array:
    """[3] LPS mm: centre of the ventricle, the mean over the cycle.

    Raises:
        ValueError: no ventricle was found in the slice.
    """
    if contours.rings is None:
        raise ValueError("a slice without a ventricle has no centre")
    return stack.slice_grid(0).pixel_to_lps(contours.grid.to_cine(contours.rings.center_xy.mean(axis=0)))


def along_the_heart(stacks: Sequence[FrameStack], drawn: Sequence[SliceContours]) -> list[SliceContours]:
    """Leave out slices in which another structure was found; mark frames that do not fit their neighbours as unsure.

    Args:
        stacks: cine slices.
        drawn: their contours.
    """
    return _marked_where_unsteady(stacks, _on_one_line(stacks, drawn))


def _on_one_line(stacks: Sequence[FrameStack], drawn: Sequence[SliceContours]) -> list[SliceContours]:
    """Slices whose ventricle lies far from the line through the others' are left out: another structure was found."""
    found = [k for k, contours in enumerate(drawn) if contours.rings is not None]
    if len(found) < _FEWEST_SLICES:
        return list(drawn)
    points = np.array([center_lps_of(stacks[k], drawn[k]) for k in found])
    normal = stacks[found[0]].slice_grid(0).normal
    depth = points @ normal
    kept = list(drawn)
    inside = np.ones(len(found), dtype=bool)
    for _ in range(3):
        design = np.stack([np.ones(inside.sum()), depth[inside]], axis=1)
        line, *_rest = np.linalg.lstsq(design, points[inside], rcond=None)
        distance = np.linalg.norm(points - np.stack([np.ones_like(depth), depth], axis=1) @ line, axis=1)
        worst = int(np.argmax(np.where(inside, distance, 0.0)))
        if distance[worst] <= _OFF_LINE_MM or inside.sum() <= 3:
            break
        inside[worst] = False
    for k, is_inside in zip(found, inside, strict=True):
        if not is_inside:
            kept[k] = drawn[k].left_out("another structure than the left ventricle was found")
    return kept


def _marked_where_unsteady(stacks: Sequence[FrameStack], drawn: list[SliceContours]) -> list[SliceContours]:
    """Lower the confidence in frames whose ring is off the mean of the neighbouring slices'.

    Neighbours of a wrong ring are off by half as much, so that the worst slice is marked first and then ignored.
    """
    normal = stacks[0].slice_grid(0).normal
    left = [k for k, contours in enumerate(drawn) if contours.verdict == "used"]
    left.sort(key=lambda k: float(stacks[k].slice_grid(0).center_lps @ normal))
    marked = list(drawn)
    while len(left) >= _FEWEST_SLICES:
        off = {left[n]: _off(stacks, drawn, left[n - 1 : n + 2]) for n in range(1, len(left) - 1)}
        worst = max(off, key=lambda k: float(off[k].max()))
        unsteady = off[worst] > 1.0
        if not unsteady.any():
            break
        contours = drawn[worst]
        marked[worst] = replace(
            contours,
            confidence=np.where(unsteady, np.minimum(contours.confidence, UNSURE / 2), contours.confidence),
            frame_reasons=tuple(
                reason or (_REASON if is_off else "")
                for reason, is_off in zip(contours.frame_reasons, unsteady, strict=True)
            ),
        )
        left.remove(worst)
    return marked


def _off(stacks: Sequence[FrameStack], drawn: Sequence[SliceContours], three: Sequence[int]) -> Array:
    """[T]: distance of the middle one of three rings from the mean of the other two, as a share of the limits."""
    before, middle, after = three
    frames = len(drawn[middle].confidence)
    phases = np.arange(frames) / frames
    rings = {k: _ring_at(stacks[k], drawn[k], phases) for k in three}
    normal = stacks[middle].slice_grid(0).normal
    depth = {k: float(stacks[k].slice_grid(0).center_lps @ normal) for k in three}
    span = depth[after] - depth[before]
    share = (depth[middle] - depth[before]) / span if abs(span) > 1e-6 else 0.5
    expected = (1 - share) * rings[before] + share * rings[after]
    difference = rings[middle] - expected
    across = difference[:, :3] - (difference[:, :3] @ normal)[:, None] * normal
    shifted, resized = np.linalg.norm(across, axis=1) / _OFF_CENTER_MM, np.abs(difference[:, 3]) / _OFF_RADIUS_MM
    return np.asarray(np.maximum(shifted, resized))


def _ring_at(stack: FrameStack, contours: SliceContours, phases: Array) -> Array:
    """[P, 4]: centre in LPS mm and mean outer radius in mm at phases of the cycle."""
    if contours.rings is None:
        raise ValueError("a slice without a ventricle has no ring")
    frames = len(contours.confidence)
    centers = stack.slice_grid(0).pixel_to_lps(contours.grid.to_cine(contours.rings.center_xy))
    values = np.concatenate([centers, contours.rings.epi.radius_mm.mean(axis=1, keepdims=True)], axis=1)
    own = np.arange(frames) / frames
    return np.stack([np.interp(phases, own, column, period=1.0) for column in values.T], axis=1)
