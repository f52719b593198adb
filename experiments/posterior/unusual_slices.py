"""Slices unlike any training heart (shapes, sizes, motions, orientation), and changes that should raise no flag.

Each change maps masks bool [T, H, W] of one slice, from end-diastole, 1 mm pixels, and a random generator to masks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.ring.mask import cavity

Change = Callable[[Array, np.random.Generator], Array]


def reversed_in_time(masks: Array, rng: np.random.Generator) -> Array:
    return masks[np.r_[0, masks.shape[0] - 1 : 0 : -1]]


def shuffled(masks: Array, rng: np.random.Generator) -> Array:
    return masks[np.r_[0, 1 + rng.permutation(len(masks) - 1)]]


def twice_as_fast(masks: Array, rng: np.random.Generator) -> Array:
    return np.concatenate([masks[::2], masks[::2]])[: len(masks)]


def without_motion(masks: Array, rng: np.random.Generator) -> Array:
    return np.repeat(masks[:1], len(masks), axis=0)


def from_end_systole(masks: Array, rng: np.random.Generator) -> Array:
    """The frame with the smallest cavity is taken for end-diastole."""
    return np.roll(masks, -int(np.argmin([cavity(mask).sum() for mask in masks])), axis=0)


def expanding(masks: Array, rng: np.random.Generator) -> Array:
    """The end-diastolic ring, which expands as the real one contracts."""
    areas = np.array([max(int(cavity(mask).sum()), 9) for mask in masks], dtype=float)
    return np.concatenate([_resized(masks[:1], factor, factor) for factor in np.sqrt(areas[0] / areas).clip(0.7, 1.6)])


def swinging(masks: Array, rng: np.random.Generator) -> Array:
    """The whole heart moves 8 mm to either side, as with breathing."""
    path_mm = 8 * np.sin(2 * np.pi * np.arange(len(masks)) / len(masks))
    return np.stack(
        [ndimage.shift(m.astype(np.float32), (0, x), order=1) > 0.5 for m, x in zip(masks, path_mm, strict=True)]
    )


def diastolic_frames_in_systole(masks: Array, rng: np.random.Generator) -> Array:
    made = masks.copy()
    made[round(0.35 * len(masks)) : round(0.43 * len(masks))] = masks[0]
    return made


def upside_down(masks: Array, rng: np.random.Generator) -> Array:
    return masks[:, ::-1]


def two_hearts(masks: Array, rng: np.random.Generator) -> Array:
    return masks | (ndimage.shift(masks.astype(np.float32), (0, 0, 38), order=0) > 0.5)


def square_heart(masks: Array, rng: np.random.Generator) -> Array:
    """Every frame's outlines are replaced by squares of the same area."""
    made = np.zeros_like(masks)
    for frame, mask in enumerate(masks):
        filled = ndimage.binary_fill_holes(mask)
        row, column = ndimage.center_of_mass(filled)
        outer, inner = np.sqrt(filled.sum()) / 2, np.sqrt((filled & ~mask).sum()) / 2
        far = np.maximum(*np.abs(np.mgrid[: mask.shape[0], : mask.shape[1]] - np.array([row, column])[:, None, None]))
        made[frame] = (far <= outer) & (far > inner)
    return made


def open_ring(masks: Array, rng: np.random.Generator) -> Array:
    made = masks.copy()
    made[:, : masks.shape[1] // 2 - 6, masks.shape[2] // 2 - 6 : masks.shape[2] // 2 + 6] = False
    return made


def without_cavity(masks: Array, rng: np.random.Generator) -> Array:
    """The blood pool is labelled as muscle too."""
    return np.stack([ndimage.binary_fill_holes(mask) for mask in masks])


def oblong_pixels(masks: Array, rng: np.random.Generator) -> Array:
    """Pixels of 1 × 1.35 mm that are read as square ones."""
    return _resized(masks, 1.0, 1.35)


def oblong_upright(masks: Array, rng: np.random.Generator) -> Array:
    return _resized(masks, 1.35, 1.0)


def swinging_upright(masks: Array, rng: np.random.Generator) -> Array:
    return swinging(masks.swapaxes(1, 2), rng).swapaxes(1, 2)


def one_frame_displaced(masks: Array, rng: np.random.Generator) -> Array:
    """One systolic frame is displaced by 10 mm."""
    made = masks.copy()
    frame = round(0.25 * len(masks))
    made[frame] = ndimage.shift(masks[frame].astype(np.float32), (0, 10), order=1) > 0.5
    return made


def thick_wall(masks: Array, rng: np.random.Generator) -> Array:
    """The epicardial contour is 6 mm too far outside."""
    outside = np.stack([ndimage.distance_transform_edt(~ndimage.binary_fill_holes(mask)) for mask in masks])
    return masks | ((outside > 0) & (outside <= 6))


def lumpy(masks: Array, rng: np.random.Generator) -> Array:
    """Every frame has irregular contours: edges displaced by 3 mm over about a centimetre."""
    made = []
    for mask in masks:
        depth = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
        noise = ndimage.gaussian_filter(rng.standard_normal(mask.shape), 5.0)
        made.append(depth + 3.0 * noise / noise.std() > 0)
    return np.stack(made)


def systole_only(masks: Array, rng: np.random.Generator) -> Array:
    """The recording ends at end-systole, and its frames are read as a whole beat."""
    last = int(np.argmin([cavity(mask).sum() for mask in masks]))
    return masks[np.linspace(0, max(last, 1), len(masks)).round().astype(int)]


def growing(masks: Array, rng: np.random.Generator) -> Array:
    """The pixel size changes by a third during the beat."""
    return np.concatenate([_resized(masks[t : t + 1], f, f) for t, f in enumerate(np.linspace(1, 1.33, len(masks)))])


def triangular(masks: Array, rng: np.random.Generator) -> Array:
    """Rings deformed into triangles by a fifth of their radius."""
    rows, columns = np.mgrid[: masks.shape[1], : masks.shape[2]].astype(float)
    made = np.zeros_like(masks)
    for frame, mask in enumerate(masks):
        if mask.any():
            row, column = ndimage.center_of_mass(ndimage.binary_fill_holes(mask))
            factor = 1 + 0.2 * np.cos(3 * np.arctan2(rows - row, columns - column))
            at = np.stack([row + (rows - row) / factor, column + (columns - column) / factor])
            made[frame] = ndimage.map_coordinates(mask.astype(np.float32), at, order=1) > 0.5
    return made


def resized(factor: float) -> Change:
    return lambda masks, rng: _resized(masks, factor, factor)


def _resized(masks: Array, rows: float, columns: float) -> Array:
    middle = (np.array(masks.shape[1:]) - 1) / 2
    matrix = np.diag([1 / rows, 1 / columns])
    offset = middle - matrix @ middle
    return np.stack([ndimage.affine_transform(m.astype(np.float32), matrix, offset, order=1) > 0.5 for m in masks])


UNUSUAL: dict[str, Change] = {
    "reversed in time": reversed_in_time,
    "frames shuffled": shuffled,
    "two beats": twice_as_fast,
    "no motion": without_motion,
    "upside down": upside_down,
    "two hearts": two_hearts,
    "square rings": square_heart,
    "open ring": open_ring,
    "scaled × 0.5": resized(0.5),
    "scaled × 0.7": resized(0.7),
    "scaled × 1.4": resized(1.4),
    "starting at end-systole": from_end_systole,
    "expanding in systole": expanding,
    "swinging ±8 mm": swinging,
    "diastolic frames in systole": diastolic_frames_in_systole,
    "no cavity": without_cavity,
    "oblong pixels": oblong_pixels,
}
#: Kinds that were added after the flag's respects were settled: an independent test.
HELD_OUT: dict[str, Change] = {
    "oblong pixels, 1.35 × 1": oblong_upright,
    "swinging ±8 mm, up and down": swinging_upright,
    "one frame displaced by 10 mm": one_frame_displaced,
    "epicardium 6 mm outside": thick_wall,
    "lumpy contours": lumpy,
    "systole only": systole_only,
    "pixel size growing by a third": growing,
    "triangular rings": triangular,
    "scaled × 0.4": resized(0.4),
    "scaled × 1.6": resized(1.6),
}


def at_other_times(count: int) -> Callable[[CineSlice], CineSlice]:
    """The same beat with another number of frames, each the nearest drawn one or interpolated."""

    def change(slice_: CineSlice) -> CineSlice:
        times = np.arange(count) / count
        nearest = np.round(times * slice_.frames).astype(int) % slice_.frames
        if count > slice_.frames:  # frames between two drawn ones are interpolated between their outlines
            masks = np.stack([_between(slice_.myocardium, time * slice_.frames) for time in times])
        else:
            masks = slice_.myocardium[nearest]
            times = slice_.phases[nearest]
        return replace(
            slice_, myocardium=masks, frame_times_ms=times * slice_.rr_ms, valid_frames=np.ones(count, dtype=bool)
        )

    return change


def _between(masks: Array, frame: float) -> Array:
    before = int(frame)
    share = frame - before
    first, second = masks[before % len(masks)], masks[(before + 1) % len(masks)]
    if share == 0:
        return np.asarray(first)

    def inside(mask: Array) -> Array:
        return np.asarray(ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask))

    return np.asarray((1 - share) * inside(first) + share * inside(second) > 0)


def on_coarser_pixels(slice_: CineSlice) -> CineSlice:
    """Resample to pixels of 1.6 mm."""
    step, count = 1.6, int(slice_.grid.shape[0] / 1.6)
    at = step * np.mgrid[:count, :count]
    masks = [ndimage.map_coordinates(m.astype(np.float32), at, order=1) > 0.5 for m in slice_.myocardium]
    affine = slice_.grid.ijk_to_lps.copy()
    affine[:3, :2] *= step
    return replace(slice_, myocardium=np.stack(masks), grid=SliceGrid((count, count), affine))


def of_unknown_level(slice_: CineSlice) -> CineSlice:
    return replace(slice_, level="mid", level_known=False)


HARMLESS: dict[str, Callable[[CineSlice], CineSlice]] = {
    "12 frames": at_other_times(12),
    "75 frames": at_other_times(75),
    "pixels of 1.6 mm": on_coarser_pixels,
    "level not known": of_unknown_level,
}
