"""Match masks with cine slices, and resample masks to the cine's pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array, SliceGrid, affine_2d
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.mask import cavity, epicardial_region, signed_distance_mm
from LaMoDCore.io.images.frame_stack import ASSUMED_THICKNESS_MM, FrameStack
from LaMoDCore.io.images.stated_geometry import NO_GEOMETRY, SAME_PLANE_MM, has_unit_pixels, is_no_geometry
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted

#: Images whose columns and rows are not perpendicular within this cosine are refused.
_MAX_SHEAR = 0.01
_PIXEL_MM = (0.2, 12.0)
_MIN_THICKNESS_MM = 0.05
#: Planes that are this close are equal; even slices of a stack that was resampled to thin ones are farther apart.
_EQUAL_PLANES_MM = 0.1


def check_grid(stack: FrameStack, source: str | Path) -> None:
    """Refuse a geometry in which distances are wrong.

    Raises:
        LaMoDInputError: it is not finite, degenerate or sheared in plane, or the pixel size is implausible.
    """
    affine = np.asarray(stack.ijk_to_lps, dtype=np.float64)
    remedy = "export it again with its true geometry"
    if not np.isfinite(affine).all():
        raise LaMoDInputError(source, "its direction matrix or origin is not finite", remedy)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        usable = np.isfinite(lengths).all() and (lengths > 1e-6).all()
        determinant = np.linalg.det(affine[:3, :3] / lengths) if usable else 0.0
    if not usable or abs(determinant) < 0.3:
        raise LaMoDInputError(source, "its axes are linearly dependent (degenerate direction matrix)", remedy)
    if not (_PIXEL_MM[0] <= lengths[:2]).all() or not (lengths[:2] <= _PIXEL_MM[1]).all():
        raise LaMoDInputError(
            source,
            f"its pixels are {lengths[0]:.3g} × {lengths[1]:.3g} mm, which is implausible for a cine",
            "give the pixel spacing in mm",
        )
    shear = abs(affine[:3, 0] @ affine[:3, 1]) / (lengths[0] * lengths[1])
    if shear > _MAX_SHEAR:
        angle = np.degrees(np.arccos(np.clip(shear, -1, 1)))
        raise LaMoDInputError(
            source,
            f"its columns and rows meet at {angle:.0f}°, not at a right angle (sheared direction matrix)",
            "resample it to a grid with right angles",
        )


def with_slice_axis(stack: FrameStack) -> FrameStack:
    """Give a single slice without a thickness a third axis along the normal, as long as the assumed thickness."""
    affine = np.array(stack.ijk_to_lps, dtype=np.float64)
    if stack.frames.shape[1] > 1 or not np.isfinite(affine).all():
        return stack
    with np.errstate(all="ignore"):
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        length = float(np.linalg.norm(normal))
        if not 1e-12 < length < np.inf or abs(affine[:3, 2] @ normal) / length > _MIN_THICKNESS_MM:
            return stack
    affine[:3, 2] = ASSUMED_THICKNESS_MM * normal / length
    return replace(stack, ijk_to_lps=affine, thickness_known=False)


def matching_cine(mask: FrameStack, cines: Sequence[FrameStack], source: str | Path) -> tuple[FrameStack, list[Note]]:
    """The cine slice (Z = 1) that lies in the mask's plane; of several, the nearest, and of equally near, the last.

    Cines without position are considered only if no cine with a position lies in the plane of a mask with one.

    Args:
        mask: one slice [T, 1, H, W].
        cines: cine slices.
        source: the mask's file.

    Returns:
        The cine and notes.

    Raises:
        LaMoDInputError: no cine lies in the plane, or none has as many frames.
    """
    frames = mask.frames.shape[0]
    placed = [c for c in cines if shares_positions(mask, [c])]
    inside = [c for c in placed if _plane_distance(mask, c) <= SAME_PLANE_MM]
    located = bool(inside) or len(placed) == len(cines)
    if located:
        if not inside:
            nearest = min(cines, key=lambda c: _plane_distance(mask, c))
            raise LaMoDInputError(
                source,
                f"its plane lies up to {_plane_distance(mask, nearest):.1f} mm from that of the nearest cine "
                f"({nearest.name})",
                "give the cine on which the masks were drawn",
            )
    else:
        inside = _with_matrix_size(mask, cines, source)
    same = [c for c in inside if c.frames.shape[0] == frames]
    if not same:
        counts = " or ".join(sorted({str(c.frames.shape[0]) for c in inside}))
        raise LaMoDInputError(
            source,
            f"it has {counted(frames, 'frame')} and the cine {counts}",
            "give the cine on which the masks were drawn, with a mask on every frame",
        )
    if located or not (mask.is_located or any(c.is_located for c in same)):
        distances = [_plane_distance(mask, c) for c in same]
        same = [c for c, mm in zip(same, distances, strict=True) if mm <= min(distances) + _EQUAL_PLANES_MM]
    notes = []
    if len(same) > 1:
        text = f"{len(same)} cine series lie in the plane of the mask; the last one was used."
        notes.append(note("several_cines", text, source=same[-1].name))
    if not located:
        text = "The file has no orientation; the mask was assumed to lie on the cine's pixels."
        notes.append(note("cine_pixels_assumed", text, source=mask.name))
    return same[-1], notes


def shares_positions(mask: FrameStack, cines: Sequence[FrameStack]) -> bool:
    """Whether masks and cines can be compared by their positions in the patient."""
    return mask.is_located and all(c.is_located for c in cines)


def grid_of_drawing(mask: FrameStack, cine: FrameStack) -> SliceGrid:
    """The pixel grid on which masks [T, 1, H, W] were drawn: the cine's where one of them has no position."""
    return (mask if shares_positions(mask, [cine]) else cine).slice_grid(0)


def size_notes(stack: FrameStack) -> list[Note]:
    """Notes if the pixel size is the default of writers that do not know it, or the slice thickness is missing."""
    notes = [] if stack.thickness_known else [thickness_note(stack.name)]
    if not has_unit_pixels(stack.ijk_to_lps):
        return notes
    text = (
        "The file has unit pixels along the scanner's axes, the default of writers that do not know the geometry: "
        "its pixels may not be 1 mm, and displacement, strain and volumes depend on their size."
    )
    return [*notes, note("pixel_size_doubtful", text, source=stack.name)]


def thickness_note(source: str) -> Note:
    """The note on images without a slice thickness."""
    text = f"The slice thickness is not recorded; {ASSUMED_THICKNESS_MM:g} mm was assumed (volumes depend on it)."
    return note("slice_thickness_assumed", text, source=source)


def _with_matrix_size(mask: FrameStack, cines: Sequence[FrameStack], source: str | Path) -> list[FrameStack]:
    """The cines with the matrix size of a mask, where one of them has no position.

    Of several slices without position, those at the mask's place in the stack are taken.

    Raises:
        LaMoDInputError: there is none, or the slice cannot be found among several.
    """
    height, width = mask.frames.shape[2:]
    culprit = next((s for s in (mask, *cines) if not s.is_located), mask)
    whose = "it has" if culprit is mask else f"the cine ({culprit.name}) has"
    cause = NO_GEOMETRY if is_no_geometry(culprit.ijk_to_lps) else "it has no position in the patient"
    cause = cause.replace("it has", whose)
    found = [c for c in cines if c.frames.shape[2:] == (height, width)]
    remedy = "export masks and cine again with their geometry"
    if not found:
        sizes = ", ".join(sorted({f"{c.frames.shape[3]} × {c.frames.shape[2]}" for c in cines})[:3])
        turned = any(c.frames.shape[2:] == (width, height) for c in cines)
        raise LaMoDInputError(
            source,
            f"{cause}, and its {width} × {height} pixels are not those of the cine ({sizes})"
            + ("; rows and columns seem to be exchanged" if turned else ""),
            remedy,
        )
    first = found[0].slice_grid(0)
    unlocated = not any(s.is_located for s in (mask, *found))
    near = [c for c in found if unlocated and _plane_distance(mask, c) <= SAME_PLANE_MM]
    if near:
        return near
    if not all(first.same_plane(c.slice_grid(0), SAME_PLANE_MM) for c in found[1:]):
        raise LaMoDInputError(
            source,
            f"{cause}, so its slice cannot be found among {len(found)} slices of the cine with its matrix size",
            f"{remedy}, or give the cine of this slice alone",
        )
    return found


def _plane_distance(mask: FrameStack, cine: FrameStack) -> float:
    """Largest distance of the labelled part of the mask's plane from the cine's plane, mm."""
    rows, columns = np.nonzero(mask.frames.any(axis=(0, 1)))
    if rows.size == 0:
        rows, columns = np.array([0]), np.array([0])
    corners = np.array([[x, y] for x in (columns.min(), columns.max()) for y in (rows.min(), rows.max())])
    points = mask.slice_grid(0).pixel_to_lps(corners)
    return float(np.abs(cine.slice_grid(0).distance_mm(points)).max())


def same_pixels(first: SliceGrid, second: SliceGrid, tolerance: float = 0.01) -> bool:
    """Whether two grids have the same pixels, within `tolerance` of a pixel."""
    if first.shape != second.shape:
        return False
    matrix, offset = affine_2d(first, second)
    height, width = first.shape
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], dtype=float)
    return bool(np.abs(corners @ matrix.T + offset - corners).max() < tolerance)


def mask_on_grid(mask: Array, source: SliceGrid, target: SliceGrid) -> Array:
    """Resample masks [T, H, W] to another grid of the same plane with their signed distance.

    Contours move less than with nearest-neighbour interpolation, which moves them by up to half a pixel.

    Returns:
        bool [T, H', W'].
    """
    if same_pixels(source, target):
        return np.asarray(mask, dtype=bool)
    matrix, offset = affine_2d(target, source)
    result = np.empty((mask.shape[0], *target.shape), dtype=bool)
    for frame, plane in enumerate(mask):
        distance = ndimage.affine_transform(
            signed_distance_mm(plane, source.spacing_mm),
            matrix[::-1, ::-1],
            offset[::-1],
            output_shape=target.shape,
            order=1,
            mode="constant",
            cval=float(max(source.shape) * max(source.spacing_mm)),
        )
        result[frame] = distance < 0
    return result


def ring_on_grid(myocardium: Array, source: SliceGrid, target: SliceGrid) -> Array:
    """Resample a ring [T, H, W] to another grid: outer and inner contour each with its signed distance."""
    if same_pixels(source, target):
        return np.asarray(myocardium, dtype=bool)
    outer = mask_on_grid(np.stack([epicardial_region(m) for m in myocardium]), source, target)
    inner = mask_on_grid(np.stack([cavity(m) for m in myocardium]), source, target)
    return np.asarray(outer & ~inner)
