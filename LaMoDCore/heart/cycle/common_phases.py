"""Interpolate slices of one heart with different numbers of frames to the same phases of the cycle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from LaMoDCore.heart.canonical import contour_distances_mm, periodic_weights
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.contour_origin import ContourOrigin
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.mask import signed_distance_mm

#: Phases that differ by less than this share of a frame step are the same.
_SAME_PHASE = 0.5


def on_common_phases(slices: list[CineSlice]) -> tuple[list[CineSlice], list[Note]]:
    """Interpolate all slices to the phases of the slice with the most frames.

    A slice that has these phases, within half a frame, keeps its frames and times. The others are interpolated: the
    signed distance of each contour by a periodic spline over the cycle, images linearly.

    Returns:
        Slices with equal frame counts, in the same order, and notes that count them from 1.
    """
    model = max(slices, key=lambda s: s.frames)
    result, notes = [], []
    for number, slice_ in enumerate(slices, start=1):
        if _has_phases(slice_, model.phases):
            result.append(slice_)
            continue
        result.append(_resampled(slice_, model.phases))
        text = f"The {slice_.frames} frames were interpolated to the {model.frames} phases of another slice."
        notes.append(note("phases_interpolated", text, slice=number, source=slice_.name))
    return result, notes


def _has_phases(slice_: CineSlice, phases: Array) -> bool:
    if slice_.frames != phases.size:
        return False
    difference = slice_.phases - phases
    return bool(np.abs(difference - np.rint(difference)).max() < _SAME_PHASE / phases.size)


def _resampled(slice_: CineSlice, phases: Array) -> CineSlice:
    weights = periodic_weights(slice_.phases, phases)
    spacing = slice_.grid.spacing_mm
    distances = np.stack([contour_distances_mm(plane, spacing) for plane in slice_.myocardium])
    epi, endo = np.moveaxis(np.tensordot(weights, distances, axes=1), 1, 0)
    return replace(
        slice_,
        myocardium=(epi < 0) & (endo >= 0),
        frame_times_ms=phases * slice_.rr_ms,
        cavity=None if slice_.cavity is None else _region(slice_.cavity, weights, spacing),
        right_ventricle=None if slice_.right_ventricle is None else _region(slice_.right_ventricle, weights, spacing),
        cine=None if slice_.cine is None else _pictures(slice_.cine, slice_.phases, phases),
        valid_frames=_acquired(slice_, phases),
        contour_origin=_origin_at(slice_, phases),
    )


def _region(mask: Array, weights: Array, spacing_mm: tuple[float, float]) -> Array:
    distances = np.stack([signed_distance_mm(plane, spacing_mm) for plane in mask])
    return np.asarray(np.tensordot(weights, np.clip(distances, -36.0, 36.0), axes=1) < 0)


def _pictures(cine: Array, given: Array, wanted: Array) -> Array:
    order = np.argsort(np.mod(given, 1.0))
    knots = np.mod(given, 1.0)[order]
    knots = np.concatenate([[knots[-1] - 1.0], knots, [knots[0] + 1.0]])
    order = np.concatenate([[order[-1]], order, [order[0]]])
    position = np.mod(wanted, 1.0)
    right = np.clip(np.searchsorted(knots, position), 1, knots.size - 1)
    share = ((position - knots[right - 1]) / (knots[right] - knots[right - 1]))[:, None, None]
    return np.asarray((1 - share) * cine[order[right - 1]] + share * cine[order[right]], dtype=np.float32)


def _acquired(slice_: CineSlice, phases: Array) -> Array:
    """Whether each wanted phase lies within one median frame step of an acquired frame, bool [T]."""
    acquired = np.mod(slice_.phases[slice_.valid_frames], 1.0)
    step = float(np.median(np.diff(np.sort(acquired)))) if acquired.size > 1 else 1.0
    difference = phases[:, None] - acquired[None, :]
    return np.asarray(np.abs(difference - np.rint(difference)).min(axis=1) <= step * (1 + 1e-6))


def _origin_at(slice_: CineSlice, phases: Array) -> ContourOrigin | None:
    """The origin of the contours, each frame with the status and confidence of the nearest frame in the cycle."""
    if slice_.contour_origin is None:
        return None
    away = np.abs(slice_.phases[None] - phases[:, None])
    nearest = np.argmin(np.minimum(np.mod(away, 1.0), 1.0 - np.mod(away, 1.0)), axis=1)
    origin = slice_.contour_origin
    return replace(
        origin,
        status=tuple(origin.status[k] for k in nearest),
        confidence=tuple(origin.confidence[k] for k in nearest),
    )
