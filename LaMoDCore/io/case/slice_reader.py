"""Read the slices of one mask file or folder, each with its times, cine images and fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import MIN_FRAMES, CineSlice
from LaMoDCore.heart.contour_origin import METADATA_KEY, ContourOrigin, origins_from_text, origins_to_text
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.faults import SliceFault, find_fault, remove_specks
from LaMoDCore.heart.ventricle import VentricleSlice
from LaMoDCore.io.case.axis_order import check_axis_order
from LaMoDCore.io.case.doubtful_geometry import check_default_pixels, check_turn
from LaMoDCore.io.case.partial_masks import carried, is_partial, lone_frame, on_cine_frames
from LaMoDCore.io.dicom.series import DicomSeries
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.files.labels import LabelMap, integer_labels, meaning_of_labels, parse_labels, rounding_notes
from LaMoDCore.io.files.timing import timing_of
from LaMoDCore.io.images.frame_stack import LABEL_KEY, FrameStack, slice_grid
from LaMoDCore.io.images.planes import (
    check_grid,
    grid_of_drawing,
    mask_on_grid,
    matching_cine,
    ring_on_grid,
    same_pixels,
    shares_positions,
    size_notes,
)
from LaMoDCore.io.images.stated_geometry import settle_transforms
from LaMoDCore.runtime.errors import LaMoDInputError

_SUFFIXES = (".seq.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
_MAX_FRAMES = 1000
_MAX_SIDE = 2048
#: A drawn slice has left the ventricle if at least this share of its frames, and two, are empty.
_LEAST_EMPTY_SHARE = 0.1
#: A label next to the wall that is larger than this share of it is a chamber.
_LARGEST_PART = 0.6


@dataclass(frozen=True, eq=False)
class ReadSlice:
    """A slice as read: usable, or with the fault that makes it unusable and the part still used for volumes."""

    name: str
    source: Path
    slice: CineSlice | None
    fault: SliceFault | None
    has_orientation: bool
    notes: tuple[Note, ...] = ()
    volume: VentricleSlice | None = None


def read_cine_slices(path: Path, planes: Sequence[SliceGrid], notes: list[Note]) -> list[FrameStack]:
    """Cine slices of a file or folder as stacks [T, 1, H, W] of float32; of a study only those near the planes.

    Notes on single slices stay with these; the others are appended to `notes`.
    """
    slices = []
    for stack in read_images(path, planes):
        check_grid(stack, path)
        if not np.isfinite(stack.frames).all():
            raise LaMoDInputError(path, "its images contain NaN or infinite values", "export the cine again")
        slices += [
            replace(s, frames=s.frames.astype(np.float32)) for s in _single_slices(_with_own_notes(stack, notes))
        ]
    return slices


def read_mask_stacks(
    path: Path, notes: list[Note], *, min_frames: int = MIN_FRAMES, pictures: Sequence[DicomSeries] = ()
) -> list[FrameStack]:
    """Read the mask stacks of a file or folder as checked integer labels.

    Args:
        path: file or folder.
        notes: receives the notes that do not concern a single slice; these stay with their stack.
        min_frames: masks with fewer frames are refused.
        pictures: DICOM series elsewhere to which a segmentation may refer.

    Raises:
        LaMoDInputError: the file cannot be used at all.
    """
    stacks = []
    for stack in read_images(path, pictures=pictures):
        _refuse_lost_files(stack, path)
        _check_shape(stack, path)
        check_frame_count(stack, path, min_frames)
        check_grid(stack, path)
        labels = replace(_with_own_notes(stack, notes), frames=_labels(stack, path))
        notes += rounding_notes(stack.frames, stack.name)
        check_axis_order(labels, path)
        stacks.append(labels)
    return stacks


def _labels(stack: FrameStack, path: Path) -> Array:
    """Integer labels of a stack; if it has none, the error names other objects that may hold the contours."""
    try:
        return integer_labels(stack.frames, path)
    except LaMoDInputError as error:
        others = next((each.text for each in stack.notes if each.code == "dicom_without_image"), "")
        if not others:
            raise
        reason = f"{error.reason} ({others[0].lower()}{others[1:].removesuffix('.')})".replace("dICOM", "DICOM")
        raise LaMoDInputError(path, reason, error.remedy) from error


def wanted_planes(stacks: Sequence[FrameStack]) -> list[SliceGrid]:
    """The planes of the drawn slices, to select those of a study; empty, for all of them, if a position is unknown."""
    if not all(stack.is_located for stack in stacks):
        return []
    planes = []
    for stack in stacks:
        for k in range(stack.frames.shape[1]):
            if stack.frames[:, k].any():
                planes.append(stack.slice_grid(k))
                if stack.other_ijk_to_lps is not None:
                    planes.append(slice_grid(stack.other_ijk_to_lps, k, stack.frames.shape[2:]))
    return planes


def with_one_transform(
    stacks_of: Sequence[tuple[Path, list[FrameStack]]], cines: Sequence[FrameStack]
) -> tuple[list[tuple[Path, list[FrameStack]]], list[FrameStack]]:
    """Mask stacks by file, and cine slices, each with the transform that fits; see `settle_transforms`."""
    masks, settled = settle_transforms([stack for _, stacks in stacks_of for stack in stacks], cines)
    remaining = iter(masks)
    return [(path, [next(remaining) for _ in stacks]) for path, stacks in stacks_of], settled


def _with_own_notes(stack: FrameStack, notes: list[Note]) -> FrameStack:
    """The stack with the notes on itself, if it is a single slice; the others are appended to `notes`."""
    own = [each for each in stack.notes if stack.frames.shape[1] == 1 and each.source == stack.name]
    notes += [each for each in stack.notes if each not in own]
    return replace(stack, notes=tuple(own))


def slices_of(
    stacks: Sequence[FrameStack],
    path: Path,
    *,
    cines: Sequence[FrameStack],
    labels: LabelMap | None,
    rr_ms: float | None,
    prefix: bool,
    notes: list[Note],
    mask_frames: Sequence[int] | None = None,
) -> list[ReadSlice]:
    """Every drawn slice of the mask stacks of a file or folder.

    Args:
        stacks: the result of `read_mask_stacks`.
        path: the file or folder.
        cines: the cine slices; empty if none were given.
        labels: meaning of the labels, if the user gave it.
        rr_ms: the R–R interval, if the user gave it.
        prefix: whether a slice's name includes the file's name.
        notes: receives the notes that do not concern a single slice.
        mask_frames: the cine's frames to which the masks belong, if they are fewer.

    Raises:
        LaMoDInputError: labels, planes or times do not match.
    """
    given = labels or parse_labels(stacks[0].metadata.get(LABEL_KEY))
    meaning, guess = meaning_of_labels([s.frames for s in stacks], path, given)
    notes += [guess] if guess else []
    result = []
    for stack in stacks:
        for drawn, name in _drawn_slices(stack, meaning, prefix and len(stacks) == 1, notes):
            mask, in_plane = on_cine_frames(drawn, cines, mask_frames, path, meaning.is_myocardium)
            result.append(
                _read_slice(
                    mask, name, path, meaning=meaning, labels_named=given is not None, cines=in_plane, rr_ms=rr_ms
                )
            )
    check_default_pixels([read.slice for read in result if read.slice is not None], path)
    return result


def read_drawn_slice(
    mask: FrameStack, cine: FrameStack, name: str, path: Path, meaning: LabelMap, rr_ms: float | None = None
) -> ReadSlice:
    """One slice of labels that were drawn on the pixels and frames of its cine.

    Args:
        mask: labels [T, 1, H, W] with the cine's geometry, times and R–R interval, as far as these are known.
        cine: images [T, 1, H, W].
        name: of the slice.
        path: where the cine came from, for messages.
        meaning: of the labels.
        rr_ms: the R–R interval, if the user gave it.

    Raises:
        LaMoDInputError: times that are no cardiac cycle.
    """
    read = _read_slice(mask, name, path, meaning=meaning, labels_named=True, cines=(), rr_ms=rr_ms)
    if read.slice is None:
        return read
    images = np.ascontiguousarray(cine.frames[:, 0], dtype=np.float32)
    return replace(read, slice=replace(read.slice, cine=images))


def _refuse_lost_files(stack: FrameStack, path: Path) -> None:
    lost = next((each for each in stack.notes if each.code == "dicom_unreadable"), None)
    if lost is not None:
        reason = f"{lost.text.rstrip('.')}, so frames of the masks may be missing"
        raise LaMoDInputError(path, reason, "export these files again, or remove them if they are no masks")


def _check_shape(stack: FrameStack, path: Path) -> None:
    frames, _, height, width = stack.frames.shape
    if max(height, width) > _MAX_SIDE or frames > _MAX_FRAMES:
        raise LaMoDInputError(
            path,
            f"it has {frames} frames of {width} × {height} pixels, more than any cine",
            "check that it is a cine, and crop it to the heart",
        )


def check_frame_count(stack: FrameStack, path: Path, min_frames: int) -> None:
    """Refuse a stack with fewer frames.

    Raises:
        LaMoDInputError: it has fewer frames, or no time axis.
    """
    frames, depth = stack.frames.shape[:2]
    if frames < min_frames and frames == 1:
        what = f"{depth} slices" if depth > 1 else "one slice"
        raise LaMoDInputError(
            path,
            f"it has {what} and no time axis (3-D)",
            "give masks over the cycle: a 4-D file (x, y, slice, time), a .seq.nrrd, or a folder with one volume per "
            "frame; if its third axis is time, store it as x, y, 1, time",
        )
    if frames < min_frames:
        raise LaMoDInputError(
            path,
            f"it has {frames} frames and at least {min_frames} are needed",
            "give masks over the whole cardiac cycle"
            + ("" if depth < min_frames else f"; if its third axis ({depth}) is time, store it as x, y, slice, time"),
        )


def _single_slices(stack: FrameStack) -> list[FrameStack]:
    count = stack.frames.shape[1]
    metadata = [stack.metadata] * count
    if METADATA_KEY in stack.metadata and count > 1:
        try:
            origins = origins_from_text(stack.metadata[METADATA_KEY], count, len(stack.frames))
        except ValueError:
            origins = ()  # the slice's own reading reports it with the file
        metadata = [{**stack.metadata, METADATA_KEY: origins_to_text([origin])} for origin in origins] or metadata
    return [
        replace(
            stack,
            frames=stack.frames[:, k : k + 1],
            ijk_to_lps=stack.slice_grid(k).ijk_to_lps,
            other_ijk_to_lps=None
            if stack.other_ijk_to_lps is None
            else slice_grid(stack.other_ijk_to_lps, k, stack.frames.shape[2:]).ijk_to_lps,
            metadata=metadata[k],
        )
        for k in range(count)
    ]


def _drawn_slices(
    stack: FrameStack, meaning: LabelMap, prefix: bool, notes: list[Note]
) -> list[tuple[FrameStack, str]]:
    slices = _single_slices(stack)
    stem = _without_suffix(stack.name)
    names = [stem] if len(slices) == 1 else [f"slice {k + 1}" for k in range(len(slices))]
    if prefix and len(slices) > 1:
        names = [f"{stem}, {name}" for name in names]
    drawn = [(s, name) for s, name in zip(slices, names, strict=True) if meaning.is_myocardium(s.frames).any()]
    empty = len(slices) - len(drawn)
    if empty:
        text = f"No myocardium is drawn in {empty} of the {len(slices)} slices of the file; left out."
        notes.append(note("slices_without_myocardium", text, source=stack.name))
    return drawn


def _without_suffix(name: str) -> str:
    """The file's name without the suffix of its format."""
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or name
    return name


def _read_slice(
    mask: FrameStack,
    name: str,
    path: Path,
    *,
    meaning: LabelMap,
    labels_named: bool,
    cines: Sequence[FrameStack],
    rr_ms: float | None,
) -> ReadSlice:
    notes = list(mask.notes)
    labels = mask.frames[:, 0]
    myocardium, dropped = remove_specks(meaning.is_myocardium(labels))
    cavity = labels == meaning.cavity if meaning.cavity is not None else None
    origin = contour_origin_of(mask, path)
    partial = bool(cines) and origin is None and is_partial(myocardium)
    drawn = myocardium.any(axis=(1, 2)) if partial else np.ones(len(myocardium), dtype=bool)
    fault = find_fault(myocardium[drawn], None if cavity is None else cavity[drawn])
    if origin is not None and origin.volume_only_because:
        because = origin.volume_only_because
        fault = SliceFault("open", (), because, "draw a closed ring in every frame", because)
    if fault is not None:
        fault = _with_joined_label(fault, labels[drawn], meaning, named=labels_named)
        volume = _volume_slice(mask, myocardium, cavity, path, rr_ms, origin, cines)
        return ReadSlice(name, path, None, fault, mask.has_orientation, volume=volume)
    if dropped:
        notes.append(
            note("stray_pixels", f"{dropped} stray pixel(s) separate from the ring were removed.", source=name)
        )
    lone = lone_frame(myocardium) if partial else None
    if lone is not None:
        return ReadSlice(name, path, None, lone, mask.has_orientation)
    right = labels == meaning.right_ventricle if meaning.right_ventricle is not None else None
    named = replace(mask, name=name)
    grid = mask.slice_grid(0)
    cine = None
    if cines:
        cine, cine_notes = matching_cine(named, cines, path)
        notes += [*cine.notes, *cine_notes]
        target = cine.slice_grid(0)
        source = grid_of_drawing(mask, cine)
        myocardium = ring_on_grid(myocardium, source, target)
        cavity = None if cavity is None else mask_on_grid(cavity, source, target)
        right = None if right is None else mask_on_grid(right, source, target)
        grid = target
        if not shares_positions(mask, [cine]):
            check_turn(myocardium, cine.frames[:, 0], path)
        fault = None if same_pixels(source, target) else find_fault(myocardium[drawn])
        if fault is not None:
            where = "after resampling to the cine's pixels"
            outside = replace(fault, reason=f"{fault.reason} {where}", finding=f"{fault.finding} {where}")
            return ReadSlice(name, path, None, outside, mask.has_orientation)
    notes += size_notes(mask if cine is None else cine)
    timing = timing_of(mask, cine, path, rr_ms)
    notes += timing.notes
    read = CineSlice(
        name=name,
        grid=grid,
        myocardium=myocardium,
        frame_times_ms=timing.frame_times_ms,
        rr_ms=timing.rr_ms,
        cavity=cavity,
        right_ventricle=_if_any(right),
        cine=None if cine is None else np.ascontiguousarray(cine.frames[:, 0]),
        rv_insertion_lps=None if origin is None else _point(origin.rv_insertion_lps),
        contour_origin=origin,
    )
    if partial:
        read, carrying = carried(read)
        notes += [carrying] if carrying else []
    return ReadSlice(name, path, read, None, (mask if cine is None else cine).has_orientation, tuple(notes))


def _volume_slice(
    mask: FrameStack,
    myocardium: Array,
    cavity: Array | None,
    path: Path,
    rr_ms: float | None,
    origin: ContourOrigin | None,
    cines: Sequence[FrameStack],
) -> VentricleSlice | None:
    """The frames of an unusable slice that show the ventricle, for volumes.

    None if an empty frame may be an oversight rather than a ventricle that has left the slice: contours that a person
    drew must label the cavity, and their empty frames must be several in a row, as at the base in systole.
    """
    if cavity is None or not cavity.any():
        return None
    if origin is None:
        empty = ~cavity.any(axis=(1, 2))
        starts = int((empty & ~np.roll(empty, 1)).sum())
        forgotten = empty.sum() < max(2.0, _LEAST_EMPTY_SHARE * len(cavity))
        if starts > 1 or forgotten or myocardium[empty].any():
            return None
    timing = timing_of(mask, matching_cine(mask, cines, path)[0] if cines else None, path, rr_ms)
    return VentricleSlice(mask.slice_grid(0), cavity, myocardium, timing.frame_times_ms, timing.rr_ms, origin)


def contour_origin_of(stack: FrameStack, path: Path, position: int = 0) -> ContourOrigin | None:
    """Read the origin of the contours of a slice from the header of its mask file; None if a person drew them.

    Args:
        stack: the masks.
        path: the file, for messages.
        position: index of the slice in the stack, from 0.

    Raises:
        LaMoDInputError: the origin cannot be read.
    """
    text = stack.metadata.get(METADATA_KEY)
    if text is None:
        return None
    frames, slices = stack.frames.shape[:2]
    try:
        return origins_from_text(text, slices, frames)[position]
    except ValueError as error:
        raise LaMoDInputError(
            path, str(error), "draw the contours again, or remove this entry of its header"
        ) from error


def _point(lps: tuple[float, float, float] | None) -> Array | None:
    return None if lps is None else np.array(lps)


def _with_joined_label(fault: SliceFault, labels: Array, meaning: LabelMap, *, named: bool) -> SliceFault:
    """The fault of an open wall, with another remedy if one more label would complete the ring.

    A small right ventricle that was identified by shape and not `named` by the user may be a scar.
    """
    if fault.kind not in ("open", "pieces"):
        return fault
    wall = meaning.is_myocardium(labels)
    for value in np.unique(labels[~wall & (labels != 0)]).tolist():
        part = labels == value
        chamber = value == meaning.cavity or (named and value == meaning.right_ventricle)
        if chamber or part.sum() > _LARGEST_PART * wall.sum():
            continue
        if find_fault(remove_specks(wall | part)[0]) is None:
            right = None if value == meaning.right_ventricle else meaning.right_ventricle
            further = (*meaning.further_myocardium, value)
            option = replace(meaning, right_ventricle=right, further_myocardium=further).option
            return replace(
                fault,
                reason=f"{fault.reason}; label {value} would complete the ring",
                finding=f"{fault.finding}; label {value} would complete the ring",
                remedy=f"if label {value} is part of the wall (a scar), join them with --labels {option}",
            )
    return fault


def _if_any(mask: Array | None) -> Array | None:
    return mask if mask is not None and mask.any() else None
