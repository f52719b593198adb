"""Carry contours drawn at end-diastole and end-systole, or at end-diastole alone, to all frames with the cine.

The contour of each frame is sought between the drawn ones: on each ray from the ventricle's centre, a share a(θ, t) of
the path from the end-diastolic to the end-systolic contour. The share is found by matching intensities: along the ray,
from the blood through the wall to its surroundings, they must resemble those where the contours are drawn. Each contour
may then leave the path by a few millimetres where the images support it.

From end-diastole alone the path is assumed: the endocardium moves towards the centre and the wall thickens so that its
area grows by a quarter, as that of drawn walls does (docs/concepts/phantom.md); how far it moves on each ray is still
found from the cine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.cycle.smoothing import smoothing_weights
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.polar import RayContours
from LaMoDCore.heart.ring.shape import RAYS
from LaMoDCore.runtime.errors import LaMoDInputError

#: Depths along a ray at which intensities are compared, in wall thicknesses: 0 the endocardium, 1 the epicardium.
DEPTHS = np.linspace(-0.9, 1.6, 26)
#: Candidate shares of the path, a little beyond both ends: the drawn frames need not be the extremes on every ray.
_SHARES = np.linspace(-0.15, 1.15, 27)
#: Candidate distances from the path, mm, and their usual standard deviation.
_OFFSETS_MM = np.linspace(-3.0, 3.0, 13)
_OFFSET_SD_MM = 1.5
#: Smoothing of the cost over neighbouring rays and frames: contours are smooth along the wall and in time.
_RAYS_SD, _FRAMES_SD = 2.5, 0.6
#: Of the healthy heart that is assumed if only end-diastole is drawn.
_ASSUMED_SHORTENING, _ASSUMED_AREA_GAIN = 0.35, 1.25


@dataclass(frozen=True, eq=False)
class CarriedSlice:
    """A slice with contours on every frame.

    Attributes:
        slice: the drawn frames unchanged, the others carried.
        drawn: bool [T], False for carried contours.
        note: note on carried frames and assumptions; None if every frame was drawn.
    """

    slice: CineSlice
    drawn: Array
    note: Note | None


def carry_contours(
    slice_: CineSlice, drawn: Sequence[int] | None = None, on_progress: Callable[[float], None] = lambda _share: None
) -> CarriedSlice:
    """Carry the drawn contours of a slice to its other frames.

    Args:
        slice_: masks at some frames and the cine at all; frames that are not drawn are empty.
        drawn: the frames to carry from, which do not change; by default all that are drawn.
        on_progress: called with the completed fraction.

    Raises:
        LaMoDInputError: there is no cine, or no closed ring to carry.
    """
    shapes = SliceShapes.of(slice_)
    frames = tuple(drawn) if drawn is not None else tuple(t for t, s in enumerate(shapes.shapes) if not s.is_empty)
    _check(slice_, shapes, frames)
    contours = {t: RayContours.of(shapes.shapes[t]) for t in frames}
    if len(frames) == slice_.frames:
        return CarriedSlice(slice_, np.ones(slice_.frames, dtype=bool), None)
    first, second = _ends(slice_, shapes, frames)
    end_systole = contours[second] if second is not None else _assumed_end_systole(contours[first])
    path = _ContourPath(contours[first], end_systole)
    anchors = {first: 0.0} | ({second: 1.0} if second is not None else {})
    cine = np.asarray(slice_.cine, dtype=np.float64)
    templates = _templates(cine, slice_.grid.spacing_mm, path, anchors)
    on_progress(0.1)
    share = _shares(cine, slice_.grid.spacing_mm, path, templates, anchors, shapes.closes)
    on_progress(0.5)
    offsets = _offsets(cine, slice_.grid.spacing_mm, path, templates, share, anchors, shapes.closes)
    on_progress(0.8)
    myocardium, cavity_masks = slice_.myocardium.copy(), _cavity_of(slice_)
    for t in range(slice_.frames):
        if t not in frames:
            ring = path.at(share[t], offsets[:, t])
            myocardium[t], cavity_masks[t] = ring.rasterise(slice_.grid.shape, slice_.grid.spacing_mm)
    on_progress(1.0)
    carried = replace(slice_, myocardium=myocardium, cavity=cavity_masks)
    return CarriedSlice(carried, np.isin(np.arange(slice_.frames), frames), _note(slice_.frames, len(frames)))


@dataclass(frozen=True, eq=False)
class _ContourPath:
    """From one drawn contour to another, ray by ray about a moving centre."""

    start: RayContours
    end: RayContours

    def at(self, share: Array, offsets_mm: Array | None = None) -> RayContours:
        """Contours at a share [RAYS] of the path, endo- and epicardium [2, RAYS] mm away from it."""
        a = np.asarray(share)
        extra = np.zeros((2, RAYS)) if offsets_mm is None else offsets_mm
        center = self.start.center_mm + float(np.mean(a)) * (self.end.center_mm - self.start.center_mm)
        endo = self.start.endo_mm + a * (self.end.endo_mm - self.start.endo_mm) + extra[0]
        epi = self.start.epi_mm + a * (self.end.epi_mm - self.start.epi_mm) + extra[1]
        endo = np.maximum(endo, 1.0)
        return RayContours(center, endo, np.maximum(epi, endo + 1.5))


def _check(slice_: CineSlice, shapes: SliceShapes, frames: tuple[int, ...]) -> None:
    if slice_.cine is None:
        raise LaMoDInputError(
            slice_.name,
            "contours of some frames cannot be carried to the others without the cine, which shows how the wall moves",
            "give the cine with --cine, or draw every frame",
        )
    if not frames:
        raise LaMoDInputError(
            slice_.name, "no frame is drawn", "draw end-diastole and, for better results, end-systole"
        )
    open_frames = [t for t in frames if not shapes.is_whole[t]]
    if open_frames:
        raise LaMoDInputError(
            slice_.name,
            f"the myocardium of frame {open_frames[0]} is not a closed ring around a cavity",
            "close the contour there before it is carried to other frames",
        )


def _ends(slice_: CineSlice, shapes: SliceShapes, frames: tuple[int, ...]) -> tuple[int, int | None]:
    """The drawn frames with the largest and with the smallest cavity; None if only one is drawn."""
    areas = shapes.measure("cavity_mm2")
    ordered = sorted(frames, key=lambda t: areas[t])
    return ordered[-1], (ordered[0] if len(ordered) > 1 else None)


def _assumed_end_systole(start: RayContours) -> RayContours:
    endo = start.endo_mm * (1 - _ASSUMED_SHORTENING)
    area = _ASSUMED_AREA_GAIN * (start.epi_mm**2 - start.endo_mm**2)
    return RayContours(start.center_mm, endo, np.sqrt(endo**2 + area))


def _profile(image: Array, spacing_mm: tuple[float, float], ring: RayContours) -> Array:
    """[RAYS, DEPTHS]: intensities along each ray as a function of the depth in the wall."""
    angle = np.arange(RAYS) * 2 * np.pi / RAYS
    wall = ring.epi_mm - ring.endo_mm
    # at most 10 mm inside the cavity and outside the wall, so that rays of a thick wall do not pass the centre
    beyond = np.minimum(wall, 10.0)
    depth = np.where(
        DEPTHS < 0,
        ring.endo_mm[:, None] + DEPTHS * np.minimum(beyond, ring.endo_mm)[:, None],
        np.where(
            DEPTHS > 1,
            ring.epi_mm[:, None] + (DEPTHS - 1) * beyond[:, None],
            ring.endo_mm[:, None] + DEPTHS * wall[:, None],
        ),
    )
    x = (ring.center_mm[0] + depth * np.cos(angle)[:, None]) / spacing_mm[0]
    y = (ring.center_mm[1] + depth * np.sin(angle)[:, None]) / spacing_mm[1]
    return np.asarray(ndimage.map_coordinates(image, [y, x], order=1, mode="nearest"))


def _templates(cine: Array, spacing_mm: tuple[float, float], path: _ContourPath, anchors: dict[int, float]) -> Array:
    """[2, RAYS, DEPTHS]: profiles of the drawn frames at the start and at the end of the path.

    Smoothed along the wall, because rotation moves other tissue under a ray.
    """
    profiles = [
        _profile(cine[t], spacing_mm, path.at(np.full(RAYS, a))) for t, a in sorted(anchors.items(), key=_share_of)
    ]
    smooth = [ndimage.gaussian_filter1d(profile, 1.0, axis=0, mode="wrap") for profile in profiles]
    return np.stack([smooth[0], smooth[-1]])


def _share_of(anchor: tuple[int, float]) -> float:
    return anchor[1]


def _difference(profile: Array, templates: Array, share: Array | float) -> Array:
    """[RAYS]: mean squared difference from the template at a share of the path, in units of the template's variance."""
    a = np.clip(np.broadcast_to(share, (RAYS,)), 0.0, 1.0)[:, None]
    wanted = (1 - a) * templates[0] + a * templates[1]
    return np.asarray(((profile - wanted) ** 2).mean(axis=1) / max(float(templates.var()), 1e-9))


def _shares(
    cine: Array,
    spacing_mm: tuple[float, float],
    path: _ContourPath,
    templates: Array,
    anchors: dict[int, float],
    closes: bool,
) -> Array:
    """[T, RAYS]: the share of the path at which each frame is most similar to the drawn ones."""
    cost = np.empty((len(cine), RAYS, _SHARES.size))
    for t, image in enumerate(cine):
        for index, share in enumerate(_SHARES):
            profile = _profile(image, spacing_mm, path.at(np.full(RAYS, share)))
            cost[t, :, index] = _difference(profile, templates, share)
    for t, a in anchors.items():
        cost[t] = 4.0 * (_SHARES - a) ** 2
    share = _best(_spread(cost, closes), _SHARES)
    return _smooth_in_time(share, {t: np.full(RAYS, a) for t, a in anchors.items()}, closes)


def _offsets(
    cine: Array,
    spacing_mm: tuple[float, float],
    path: _ContourPath,
    templates: Array,
    share: Array,
    anchors: dict[int, float],
    closes: bool,
) -> Array:
    """[2, T, RAYS] mm: distances of endo- and epicardium from the path."""
    found = np.zeros((2, len(cine), RAYS))
    for contour in (0, 1):
        cost = np.empty((len(cine), RAYS, _OFFSETS_MM.size))
        for t, image in enumerate(cine):
            for index, offset in enumerate(_OFFSETS_MM):
                offsets = found[:, t].copy()
                offsets[contour] = offset
                profile = _profile(image, spacing_mm, path.at(share[t], offsets))
                cost[t, :, index] = _difference(profile, templates, share[t])
        penalty = 0.1 * (_OFFSETS_MM / _OFFSET_SD_MM) ** 2
        best = _best(_spread(cost, closes) + penalty, _OFFSETS_MM)
        found[contour] = _smooth_in_time(best, dict.fromkeys(anchors, np.zeros(RAYS)), closes)
    return found


def _spread(cost: Array, closes: bool) -> Array:
    """A cost [T, RAYS, candidates] smoothed over neighbouring rays and frames."""
    along = ndimage.gaussian_filter1d(cost, _RAYS_SD, axis=1, mode="wrap")
    return np.asarray(ndimage.gaussian_filter1d(along, _FRAMES_SD, axis=0, mode="wrap" if closes else "nearest"))


def _best(cost: Array, candidates: Array) -> Array:
    """The candidate with the lowest cost, refined with a parabola through its neighbours: [T, RAYS]."""
    index = np.clip(np.argmin(cost, axis=-1), 1, candidates.size - 2)
    low, here, high = (np.take_along_axis(cost, (index + k)[..., None], axis=-1)[..., 0] for k in (-1, 0, 1))
    bend = low - 2 * here + high
    step = np.clip(0.5 * (low - high) / np.where(bend > 1e-12, bend, np.inf), -1.0, 1.0)
    return np.asarray(candidates[index] + step * (candidates[1] - candidates[0]))


def _smooth_in_time(values: Array, anchors: dict[int, Array], closes: bool) -> Array:
    fixed = values.copy()
    for t, value in anchors.items():
        fixed[t] = value
    return np.asarray(smoothing_weights(len(values), tuple(anchors), 0.5, closes) @ fixed)


def _cavity_of(slice_: CineSlice) -> Array:
    from LaMoDCore.heart.ring.mask import cavity

    if slice_.cavity is not None:
        return slice_.cavity.copy()
    return np.stack([cavity(plane) for plane in slice_.myocardium])


def _note(frames: int, drawn: int) -> Note:
    text = (
        f"The contours were drawn at {drawn} frame{'' if drawn == 1 else 's'} and carried to the other "
        f"{frames - drawn} with the cine."
    )
    if drawn == 1:
        text = (
            f"{text[:-1]}; the wall's path was assumed (its area grows by a quarter), how far it moves was read from "
            "the images."
        )
    return note("contours_carried", text)
