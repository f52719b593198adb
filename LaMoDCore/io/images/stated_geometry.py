"""Which of a file's geometries to trust: two transforms that disagree, and matrices that are no geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.images.frame_stack import FrameStack, slice_grid

#: Masks and cine are in the same plane if their distance is less than this over the mask.
SAME_PLANE_MM = 1.0
#: Two transforms of a file agree if no pixel moves by more than this.
_AGREEMENT_MM = 0.5
#: In words, for errors.
NO_GEOMETRY = "it has an identity matrix and unit pixels, as files without geometry have"


def lies_on_scanner_axes(affine: Array) -> bool:
    """Whether the slice is exactly aligned with the scanner's axes, as in exports that lost their orientation."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool((np.abs(np.abs(directions).max(axis=0) - 1) < 1e-6).all())


def has_unit_pixels(affine: Array) -> bool:
    """Whether the pixels are exactly 1 × 1 mm along the scanner's axes: the default of writers without geometry."""
    affine = np.asarray(affine, dtype=np.float64)
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(affine[:3, :2], axis=0)
        return bool((np.abs(lengths - 1.0) < 1e-6).all()) and lies_on_scanner_axes(affine)


def is_no_geometry(affine: Array) -> bool:
    """Whether an affine is a default: `has_unit_pixels`, and the first voxel lies at the origin."""
    return has_unit_pixels(affine) and bool((np.abs(affine[:3, 3]) < 1e-6).all())


def without_false_position(stack: FrameStack) -> FrameStack:
    """The stack without position if it lies on the scanner's axes and begins exactly at their origin.

    Writers that have only the voxels, and perhaps their size, store such a matrix; no scanner does.
    """
    affine = np.asarray(stack.ijk_to_lps, dtype=np.float64)
    if not np.isfinite(affine).all() or (np.abs(affine[:3, 3]) > 1e-6).any():
        return stack
    with np.errstate(all="ignore"):
        false = lies_on_scanner_axes(affine)
    return replace(stack, has_position=False) if false else stack


def disagreement_mm(first: Array, second: Array, shape: tuple[int, ...]) -> float:
    """Largest distance in mm between the positions of a voxel by two affines, over an image of (T, Z, H, W)."""
    depth, height, width = shape[1:]
    corners = np.array(list(product((0, width - 1), (0, height - 1), (0, depth - 1), (1,))), dtype=np.float64)
    return float(np.linalg.norm((corners @ (first - second).T)[:, :3], axis=1).max())


def with_other_transform(stack: FrameStack, name: str, other_name: str, other: Array) -> FrameStack:
    """The stack with its file's second transform, if the two disagree."""
    if disagreement_mm(stack.ijk_to_lps, other, stack.frames.shape) <= _AGREEMENT_MM:
        return stack
    return replace(stack, other_ijk_to_lps=other, transform_names=(name, other_name))


def settle_transforms(
    masks: Sequence[FrameStack], cines: Sequence[FrameStack]
) -> tuple[list[FrameStack], list[FrameStack]]:
    """Choose between the two transforms of files in which they disagree: the pair that puts masks on the cine.

    Args:
        masks: stacks of labels [T, Z, H, W].
        cines: slices of the cine.

    Returns:
        Masks and cines with one transform each and a note where they had two.
    """
    if all(s.other_ijk_to_lps is None for s in (*masks, *cines)):
        return list(masks), list(cines)
    cine_choices = [list(cines)]
    if any(c.other_ijk_to_lps is not None for c in cines):
        cine_choices.append([_other(c) for c in cines])
    best = cine_choices[0]
    if masks:
        best = max(cine_choices, key=lambda chosen: sum(max(_fit(m, chosen), _fit(_other(m), chosen)) for m in masks))
    settled = []
    for mask in masks:
        first, second = _fit(mask, best), _fit(_other(mask), best)
        settled.append(_noted(mask, other_fits=second > first, fits=max(first, second) > 0, has_cine=bool(cines)))
    swapped = best is not cine_choices[0]
    return settled, [_noted(c, other_fits=swapped, fits=bool(masks), has_cine=bool(masks)) for c in cines]


def _other(stack: FrameStack) -> FrameStack:
    return stack if stack.other_ijk_to_lps is None else replace(stack, ijk_to_lps=stack.other_ijk_to_lps)


def _noted(stack: FrameStack, *, other_fits: bool, fits: bool, has_cine: bool) -> FrameStack:
    """The stack with the transform that is used, and a note on the choice."""
    if stack.other_ijk_to_lps is None:
        return stack
    distance = disagreement_mm(stack.ijk_to_lps, stack.other_ijk_to_lps, stack.frames.shape)
    used = stack.transform_names[1 if other_fits else 0]
    why = "it fits" if fits and has_cine else "neither fits" if has_cine else ""
    partner = "masks" if stack.frames.dtype.kind == "f" else "cine"
    reason = f", because {why} the {partner}" if why == "it fits" else f"; {why} the {partner}" if why else ""
    text = (
        f"The file's two geometries ({' and '.join(stack.transform_names)}) disagree by up to {distance:.0f} mm; "
        f"the {used} was used{reason}."
    )
    chosen = _other(stack) if other_fits else stack
    notes: tuple[Note, ...] = (*stack.notes, note("transforms_disagree", text, source=stack.name))
    return replace(chosen, other_ijk_to_lps=None, transform_names=("", ""), notes=notes)


def _fit(mask: FrameStack, cines: Sequence[FrameStack]) -> float:
    """How many of the drawn slices lie in the plane of a cine, plus a half for each that has its pixels."""
    score = 0.0
    for k in range(mask.frames.shape[1]):
        drawn = mask.frames[:, k].any(axis=0)
        if not drawn.any():
            continue
        grid = slice_grid(mask.ijk_to_lps, k, mask.frames.shape[2:])
        rows, columns = np.nonzero(drawn)
        xy = np.array([[x, y] for x in (columns.min(), columns.max()) for y in (rows.min(), rows.max())])
        corners = grid.pixel_to_lps(xy)
        score += max((_fit_of_points(corners, xy, grid, c.slice_grid(0)) for c in cines), default=0.0)
    return score


def _fit_of_points(points_lps: Array, xy: Array, grid: SliceGrid, cine: SliceGrid) -> float:
    if np.abs(cine.distance_mm(points_lps)).max() > SAME_PLANE_MM:
        return 0.0
    pixels = cine.lps_to_pixel(points_lps)
    if (pixels < -0.5).any() or (pixels > np.array(cine.shape[::-1]) - 0.5).any():
        return 0.0  # outside the cine
    return 1.5 if cine.shape == grid.shape and np.abs(pixels - xy).max() < 1.0 else 1.0
