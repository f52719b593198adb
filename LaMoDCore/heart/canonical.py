"""Convert a slice from its own grid and frames to the canonical image, the networks' input, and back.

Canonical: 40 frames evenly over one R–R interval, frame 0 at end-diastole, periodic; 128×128 pixels of 1 mm
in the slice's own plane, centred on the ventricle, seen from the apex (`geometry.canonical_grid`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cropped import Cropped
from LaMoDCore.heart.geometry import (
    CANONICAL_SIZE,
    CANONICAL_SPACING_MM,
    Array,
    SliceGrid,
    affine_2d,
    canonical_grid,
    vector_rotation,
)
from LaMoDCore.heart.image_operators import interpolate_images
from LaMoDCore.heart.ring.mask import cavity, epicardial_region, signed_distance_mm, with_gaps_closed
from LaMoDCore.runtime.errors import LaMoDInputError

FRAMES = 40
SIZE, SPACING_MM = CANONICAL_SIZE, CANONICAL_SPACING_MM

#: Beyond this distance from a contour its exact value carries no information.
_DISTANCE_LIMIT_MM = 12.0
#: Displacement fades to zero over this distance from the border of the canonical image.
_BORDER_FADE_MM = 6.0


@dataclass(frozen=True, eq=False)
class CanonicalSlice:
    """A slice as the networks' input, with the geometry for the inverse mapping.

    Attributes:
        occupancy: float32 [40, 128, 128], the share of each pixel that is myocardium (0…1, anti-aliased).
        grid: the canonical grid in LPS.
        source_grid: the slice's own grid.
        phases: [T], time of each frame of the slice after the reference frame, in fractions 0 ≤ phase < 1 of the cycle.
        reference_frame: the slice's frame that is canonical frame 0.
    """

    occupancy: Array
    grid: SliceGrid
    source_grid: SliceGrid
    phases: Array
    reference_frame: int


def periodic_weights(phases_in: npt.ArrayLike, phases_out: npt.ArrayLike) -> Array:
    """Matrix of interpolation over the cycle: ``values_out = weights @ values_in``.

    Periodic cubic spline through the frames; linear if frames are missing (a gap of more than twice the median step, as
    after the last frame of a DENSE scan), because a spline would overshoot there.

    Args:
        phases_in: [n] distinct times as fractions of the cycle, in any order.
        phases_out: [m] times as fractions of the cycle.

    Returns:
        [m, n]; its rows sum to 1.
    """
    from scipy.interpolate import CubicSpline  # only here, as its import takes long

    given = np.mod(np.asarray(phases_in, dtype=np.float64), 1.0)
    wanted = np.mod(np.asarray(phases_out, dtype=np.float64), 1.0)
    order = np.argsort(given, kind="stable")
    knots = given[order]
    steps = np.diff(np.append(knots, knots[0] + 1.0))
    if (steps < 1e-9).any():
        raise ValueError("two frames have the same time in the cycle")
    wanted = np.where(wanted < knots[0], wanted + 1.0, wanted)
    knots = np.append(knots, knots[0] + 1.0)
    unit = np.eye(given.size)[:, order]
    values = np.concatenate([unit, unit[:, :1]], axis=1).T
    if given.size >= 4 and steps.max() <= 2.0 * np.median(steps) + 1e-9:
        weights = CubicSpline(knots, values, bc_type="periodic")(wanted)
    else:
        left = np.clip(np.searchsorted(knots, wanted, side="right") - 1, 0, knots.size - 2)
        share = ((wanted - knots[left]) / (knots[left + 1] - knots[left]))[:, None]
        weights = (1 - share) * values[left] + share * values[left + 1]
    return np.asarray(weights)


def cycle_phases(frame_times_ms: Array, rr_ms: float, reference_frame: int) -> Array:
    """[T]: time of each frame after the reference frame, as a fraction of the cycle in 0 ≤ phase < 1."""
    phases = np.mod((frame_times_ms - frame_times_ms[reference_frame]) / rr_ms, 1.0)
    return np.asarray(np.where(phases > 1.0 - 1e-9, 0.0, phases))


def contour_distances_mm(mask: Array, spacing_mm: tuple[float, float]) -> Array:
    """Signed distances from epicardium and endocardium, float32 [2, H, W] in mm, negative inside each.

    Both contours are interpolated in time separately, because interpolating the distance from the ring would thin the
    wall. The distances are smoothed by half a pixel to remove the staircase of the mask. Gaps in a thin wall are closed
    first: a ring with a gap has no cavity and would distort the interpolated contours of neighbouring frames.
    """
    ring = with_gaps_closed(mask)
    distances = [
        signed_distance_mm(epicardial_region(ring), spacing_mm),
        signed_distance_mm(cavity(ring), spacing_mm),
    ]
    smooth = [
        ndimage.gaussian_filter(np.clip(d, -_DISTANCE_LIMIT_MM * 3, _DISTANCE_LIMIT_MM * 3), 0.5) for d in distances
    ]
    return np.stack(smooth).astype(np.float32)


def occupancy_from_distances(distances_mm: Array, pixel_mm: float = SPACING_MM) -> Array:
    """Share of each pixel inside the ring, from [..., 2, H, W] epi- and endocardial distances, [..., H, W]."""
    ring = np.maximum(distances_mm[..., 0, :, :], -distances_mm[..., 1, :, :])
    return np.asarray(np.clip(0.5 - ring / pixel_mm, 0.0, 1.0), dtype=np.float32)


def to_canonical(slice_: CineSlice, reference_frame: int = 0, target: SliceGrid | None = None) -> CanonicalSlice:
    """Resample a slice's myocardium to the canonical grid and cycle.

    Args:
        slice_: the slice; frames that are not valid are interpolated from their neighbours.
        reference_frame: the slice's frame that becomes canonical frame 0.
        target: a canonical grid of the same plane to use instead of the one centred on this mask.

    Raises:
        LaMoDInputError: the ventricle does not fit into the canonical image.
    """
    grid = slice_.grid
    region = epicardial_region(with_gaps_closed(slice_.myocardium[reference_frame]))
    if not region.any():
        raise LaMoDInputError(
            slice_.name,
            f"frame {reference_frame} (end-diastole) has no myocardium",
            "draw it, or leave out this slice",
        )
    rows, columns = np.nonzero(region)
    target = target or canonical_grid(grid, (columns.mean(), rows.mean()))
    _refuse_if_cut(slice_, grid, target)

    phases = cycle_phases(slice_.frame_times_ms, slice_.rr_ms, reference_frame)
    used = np.flatnonzero(slice_.valid_frames)
    matrix, offset = affine_2d(target, grid)  # canonical (x, y) -> own (x, y)
    box = _box_around_walls(slice_.myocardium[used], grid.spacing_mm)
    matrix_yx, offset_yx = matrix[::-1, ::-1], offset[::-1] - [side.start for side in box]
    resampled = np.empty((used.size, 2, SIZE, SIZE), dtype=np.float32)
    for index, frame in enumerate(used):
        distances = np.clip(
            contour_distances_mm(slice_.myocardium[frame][box], grid.spacing_mm),
            -_DISTANCE_LIMIT_MM,
            _DISTANCE_LIMIT_MM,
        )
        for contour in range(2):
            resampled[index, contour] = ndimage.affine_transform(
                distances[contour],
                matrix_yx,
                offset_yx,
                output_shape=(SIZE, SIZE),
                order=1,
                mode="constant",
                cval=_DISTANCE_LIMIT_MM,
            )
    weights = periodic_weights(phases[used], np.arange(FRAMES) / FRAMES).astype(np.float32)
    distances_mm = np.tensordot(weights, resampled, axes=1)
    return CanonicalSlice(occupancy_from_distances(distances_mm), target, grid, phases, reference_frame)


def _box_around_walls(masks: Array, spacing_mm: tuple[float, float]) -> tuple[slice, slice]:
    """The part of masks [T, H, W] outside which both contours are further away than `_DISTANCE_LIMIT_MM`."""
    sides = []
    for axis, pixel_mm in ((1, spacing_mm[1]), (2, spacing_mm[0])):
        drawn = np.flatnonzero(masks.any(axis=(0, 3 - axis)))
        margin = int(np.ceil(_DISTANCE_LIMIT_MM / pixel_mm)) + 4  # the smoothing reaches two pixels
        first, last = (drawn[0], drawn[-1]) if len(drawn) else (0, masks.shape[axis] - 1)
        sides.append(slice(max(int(first) - margin, 0), min(int(last) + margin + 1, masks.shape[axis])))
    return sides[0], sides[1]


def _refuse_if_cut(slice_: CineSlice, grid: SliceGrid, target: SliceGrid) -> None:
    matrix, offset = affine_2d(grid, target)
    rows, columns = np.nonzero(slice_.myocardium.any(axis=0))
    xy = np.stack([columns, rows], axis=-1) @ matrix.T + offset
    if (xy < 1.0).any() or (xy > SIZE - 2.0).any():
        extent = float((xy.max(axis=0) - xy.min(axis=0)).max() * SPACING_MM)
        raise LaMoDInputError(
            slice_.name,
            f"its myocardium spans {extent:.0f} mm and does not fit into the {SIZE * SPACING_MM:.0f} mm of the "
            "networks' input",
            "check the pixel spacing and remove pixels that do not belong to the left ventricle",
        )


def displacement_to_source(displacement_mm: Array, canonical: CanonicalSlice) -> Array:
    """Resample canonical displacement to the slice's own pixels and frame times.

    Cubic spline in space, periodic cubic spline in time; vectors are rotated to the slice's axes. Zero at the reference
    frame; fades to zero towards the border of the canonical image and is zero beyond it.

    Args:
        displacement_mm: [40, 2, 128, 128], in-plane (x, y) mm on the canonical grid.
        canonical: the result of `to_canonical`.

    Returns:
        float32 [T, 2, H, W], (x, y) mm along the columns and rows of the slice's grid.
    """
    return np.array(cropped_to_source(displacement_mm, canonical).whole())


def cropped_to_source(displacement_mm: Array, canonical: CanonicalSlice) -> Cropped:
    """`displacement_to_source` without the pixels outside the canonical image."""
    source, target = canonical.source_grid, canonical.grid
    weights = periodic_weights(np.arange(FRAMES) / FRAMES, canonical.phases)
    frames = np.tensordot(weights, np.asarray(displacement_mm, dtype=np.float64), axes=1)
    frames[canonical.reference_frame] = 0.0

    matrix, offset = affine_2d(source, target)
    height, width = source.shape
    xy = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) @ matrix.T + offset
    inside: Array = np.asarray(((xy >= 0.0) & (xy <= SIZE - 1.0)).all(axis=-1))
    moved = interpolate_images(frames, xy[inside]) * _fade(xy[inside])
    rows, columns = (_span(np.any(inside, axis=axis)) for axis in (1, 0))
    inside = inside[rows, columns]
    own = np.zeros((*frames.shape[:2], *inside.shape), dtype=np.float32)
    own[:, :, inside] = _rotated(moved, vector_rotation(target, source))
    return Cropped(own, (rows.start, columns.start), source.shape)


def _span(present: Array) -> slice:
    """From the first to the last index where a line is True."""
    found = np.flatnonzero(present)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)


def _fade(points: Array) -> Array:
    """Share [P] of the displacement that is kept at canonical pixels (x, y) [P, 2]: 0 at the border."""
    border_mm = np.minimum(points, SIZE - 1.0 - points).min(axis=-1) * SPACING_MM
    share = np.clip(border_mm / _BORDER_FADE_MM, 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def _rotated(vectors: Array, rotation: Array) -> Array:
    """Vectors [T, 2, P] rotated by [2, 2]."""
    x, y = vectors[:, 0], vectors[:, 1]
    return np.stack([rotation[0, 0] * x + rotation[0, 1] * y, rotation[1, 0] * x + rotation[1, 1] * y], axis=1)


def displacement_to_canonical(displacement_mm: Array, valid: Array, canonical: CanonicalSlice) -> tuple[Array, Array]:
    """Resample measured displacement (DENSE, a phantom's truth) to the canonical grid and cycle, for training.

    Pixels without a measurement get their nearest neighbour's value before resampling, so that the rim of the wall is
    not lost; the returned mask excludes them again.

    Args:
        displacement_mm: [T, 2, H, W] on the slice's own grid; any value where it is not valid.
        valid: bool [T, H, W].
        canonical: the result of `to_canonical` for the same slice.

    Returns:
        float32 [40, 2, 128, 128] mm along the canonical (x, y), and whether it is valid, bool [40, 128, 128].
    """
    source, target = canonical.source_grid, canonical.grid
    matrix, offset = affine_2d(target, source)
    columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    xy = np.stack([columns, rows], axis=-1) @ matrix.T + offset
    coordinates = np.moveaxis(xy[..., ::-1], -1, 0)
    used = np.flatnonzero(valid.any(axis=(1, 2)))
    fields = np.empty((used.size, 2, SIZE, SIZE))
    share = np.empty((used.size, SIZE, SIZE))
    for index, frame in enumerate(used):
        if index == 0 or not np.array_equal(valid[frame], valid[used[index - 1]]):
            nearest = ndimage.distance_transform_edt(~valid[frame], return_distances=False, return_indices=True)
        for channel in range(2):
            filled = displacement_mm[frame, channel][tuple(nearest)]
            fields[index, channel] = ndimage.map_coordinates(filled, coordinates, order=1, mode="nearest")
        share[index] = ndimage.map_coordinates(valid[frame].astype(float), coordinates, order=1)
    wanted = np.arange(FRAMES) / FRAMES
    phases = canonical.phases[used]
    weights = periodic_weights(phases, wanted)
    turned = np.einsum("ab,tbhw->tahw", vector_rotation(source, target), np.tensordot(weights, fields, axes=1))
    covered = _covered_phases(phases, wanted)
    seen = (np.tensordot(np.clip(weights, 0, None), share, axes=1) > 0.5) & covered[:, None, None]
    return turned.astype(np.float32), seen


def _covered_phases(phases: Array, wanted: Array) -> Array:
    """Whether each wanted phase lies in a gap between frames of at most 1.5 median steps, bool [m]."""
    knots = np.sort(phases)
    gaps = np.diff(np.append(knots, knots[0] + 1.0))
    limit = 1.5 * np.median(gaps)
    left = np.searchsorted(knots, np.where(wanted < knots[0], wanted + 1.0, wanted), side="right") - 1
    on_frame = np.isclose(wanted[:, None], knots[None, :], atol=1e-6).any(axis=1)
    return np.asarray((gaps[np.clip(left, 0, knots.size - 1)] <= limit) | on_frame)
