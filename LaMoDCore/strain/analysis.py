"""Strain of one slice from its motion, and end-systole of a case from its masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.case import Case, CineSlice, DisplacementSamples, SliceMotion, SliceStrain
from LaMoDCore.heart.cropped import cropped
from LaMoDCore.heart.cycle.plateau import middle_of_smallest
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity_area_mm2, is_closed_ring
from LaMoDCore.heart.wall_fields import WallFields
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain.curves import region_means
from LaMoDCore.strain.segments import SegmentMap, label_segments
from LaMoDCore.strain.tensor import (
    FIELD_NAMES,
    SlopeCache,
    material_directions,
    strain_components,
)

CURVES = ("ecc", "err")


def slice_strain(
    slice_: CineSlice,
    motion: SliceMotion,
    reference_frame: int,
    rv_insertion_lps: npt.ArrayLike | None = None,
    *,
    support_mm: float | None = None,
    walls_known: bool = True,
) -> SliceStrain:
    """Compute strain fields, segments and curves of one slice, with their standard deviations over the samples.

    Args:
        slice_: the slice; only the mask of the reference frame is used.
        motion: Lagrangian motion from that frame.
        reference_frame: end-diastole.
        rv_insertion_lps: [3] anterior RV insertion point of the heart; the slice's own point takes precedence.
        support_mm: radius of the gradient's fit, see `compute_strain`.
        walls_known: whether segments are named; see `Case.walls_known`.

    Raises:
        LaMoDInputError: the reference frame's myocardium is empty or nowhere two pixels thick.
    """
    inside = np.asarray(slice_.myocardium[reference_frame], dtype=bool)
    _check(slice_.name, inside, reference_frame)
    insertion = slice_.insertion_else(rv_insertion_lps)
    segments = label_segments(inside, slice_.grid, slice_.level, insertion, walls_known=walls_known)
    slopes = SlopeCache(inside, slice_.grid.spacing_mm, support_mm=support_mm)
    directions = material_directions(inside, slice_.grid.spacing_mm, segments.center_xy, slice_.grid.view_sign)

    def components(displacement: Array) -> dict[str, Array]:
        """Displacement [F, 2, P] -> each component [P, F]."""
        return strain_components(slopes.deformation_gradient(displacement.transpose(2, 0, 1)), directions)

    on_pixels = components(motion.displacement_on(inside).astype(np.float64))
    fields = WallFields(inside, {name: on_pixels[name].T.astype(np.float32) for name in FIELD_NAMES})
    if not np.isfinite(fields.on_wall("ecc")).any():
        raise LaMoDInputError(
            slice_.name,
            f"the motion from frame {reference_frame} has no strain anywhere in the myocardium",
            "draw a wall that is at least two pixels thick and provide a motion that is finite in it",
        )
    spread = _spread(motion.samples_mm, components, segments, inside)
    return SliceStrain(
        myocardium=inside,
        segment=segments.labels,
        displacement_mm=cropped(motion, "displacement_mm").stored(),
        fields=fields,
        fields_std=spread.fields,
        displacement_covariance_mm2=spread.displacement_covariance_mm2,
        global_curves_samples=spread.global_curves,
        segment_names=segments.names,
        segment_aha=segments.aha,
        segment_curves={n: region_means(fields[n], segments.labels, len(segments.names)) for n in CURVES},
        segment_curves_std=spread.curves,
        global_curves={n: region_means(fields[n], inside.astype(np.int16), 1)[0] for n in CURVES},
    )


def end_systole(case: Case) -> int:
    """Find the frame of the smallest total cavity area over the slices, one for the whole case.

    Of several frames with the smallest cavity, the middle one is used; see `middle_of_smallest`. Where the ring of a
    slice is open, its area is interpolated linearly in time from the frames with a closed ring; a slice whose ring is
    never closed is ignored. Frames that were not acquired are never end-systole.

    Raises:
        LaMoDInputError: no slice has a closed ring.
    """
    total = np.zeros(case.frames)
    counted = False
    for slice_ in case.slices:
        area = _cavity_areas(slice_)
        known = np.isfinite(area)
        if not known.any():
            continue
        times = slice_.frame_times_ms
        total += np.interp(times, times[known], area[known], period=slice_.rr_ms)
        counted = True
    if not counted:
        raise LaMoDInputError(
            case.slices[0].name,
            "no frame of any slice has a myocardium that encloses a cavity, so end-systole cannot be found",
            "draw the myocardium as a closed ring",
        )
    acquired = np.all([slice_.valid_frames for slice_ in case.slices], axis=0)
    return middle_of_smallest(total, acquired if acquired.any() else None)


def _cavity_areas(slice_: CineSlice) -> Array:
    """[T] mm²: area enclosed by the ring; where the ring is open, of the drawn cavity, otherwise NaN."""
    pixel = float(np.prod(slice_.grid.spacing_mm))
    closed = np.array([is_closed_ring(frame) for frame in slice_.myocardium])
    area = np.where(closed, cavity_area_mm2(slice_.myocardium, slice_.grid.spacing_mm), np.nan)
    if slice_.cavity is not None:
        drawn = slice_.cavity.sum(axis=(1, 2)) * pixel
        area = np.where(~closed & (drawn > 0), drawn, area)
    return np.where(slice_.valid_frames, area, np.nan)


def _check(name: str, inside: Array, frame: int) -> None:
    if not inside.any():
        raise LaMoDInputError(
            name,
            f"the myocardium of frame {frame}, the reference frame, is empty",
            "draw it there, or choose another end-diastolic frame",
        )


@dataclass(frozen=True, eq=False)
class _Spread:
    """Standard deviations and covariance over the samples, and the global curves of each; empty with one sample."""

    fields: WallFields | Mapping[str, Array] = field(default_factory=dict)
    curves: Mapping[str, Array] = field(default_factory=dict)
    global_curves: Mapping[str, Array] = field(default_factory=dict)
    displacement_covariance_mm2: Array | None = None


def _spread(
    samples_mm: DisplacementSamples | None,
    components: Callable[[Array], dict[str, Array]],
    segments: SegmentMap,
    inside: Array,
) -> _Spread:
    """Spread (n − 1) of every field, curve and displacement over the samples, on the pixels of the wall only."""
    if samples_mm is None or len(samples_mm) < 2:
        return _Spread()
    count = len(samples_mm)
    moved = _on_wall(samples_mm, inside)  # [N, T, 2, P]
    frames, pixels = moved.shape[1], moved.shape[3]
    values = components(moved.reshape(count * frames, 2, pixels))  # [P, N·T]
    fields = {
        name: values[name].reshape(pixels, count, frames).std(axis=1, ddof=1).T.astype(np.float32)
        for name in FIELD_NAMES
    }
    member = segments.labels[inside][:, None] == np.arange(1, len(segments.names) + 1)
    curves = {name: _means(values[name], member).reshape(-1, count, frames).std(axis=1, ddof=1) for name in CURVES}
    whole = np.ones((pixels, 1))
    global_curves = {name: _means(values[name], whole).reshape(count, frames) for name in CURVES}
    offset = moved - moved.mean(axis=0)
    x, y = offset[:, :, 0], offset[:, :, 1]
    covariance = np.stack([(x * x).sum(axis=0), (y * y).sum(axis=0), (x * y).sum(axis=0)], axis=1) / (count - 1)
    fields["displacement_mm"] = np.sqrt(covariance[:, :2]).astype(np.float32)
    return _Spread(WallFields(inside, fields), curves, global_curves, covariance.astype(np.float32))


def _on_wall(samples_mm: DisplacementSamples, inside: Array) -> Array:
    """The samples at the wall's pixels, float64 [N, T, 2, P]."""
    at_pixels = getattr(samples_mm, "at_pixels", None)
    if at_pixels is not None:
        return np.asarray(at_pixels(inside), dtype=np.float64)
    return np.stack([np.asarray(sample)[:, :, inside] for sample in samples_mm]).astype(np.float64)


def _means(values: Array, member: Array) -> Array:
    """Means over segments [S, T] of values [P, T] with membership [P, S], ignoring NaN pixels."""
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = member.T.astype(np.float64)
        return np.asarray((weights @ np.where(finite, values, 0.0)) / (weights @ finite))
