"""Read masks as drawn, with all their faults, for checking and repairing contours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.contour_origin import ContourOrigin
from LaMoDCore.heart.cycle.end_diastole import find_end_diastole, total_cavity_area_mm2
from LaMoDCore.heart.levels import depths_towards_apex
from LaMoDCore.heart.notes import Note, note, of_slice
from LaMoDCore.heart.ring.mask import is_closed_ring
from LaMoDCore.io.case.partial_masks import is_partial, on_cine_frames
from LaMoDCore.io.case.picture_next_to_mask import with_frames_of_pictures
from LaMoDCore.io.case.same_plane import joined_frames, refuse_second_reader
from LaMoDCore.io.case.slice_reader import (
    check_frame_count,
    contour_origin_of,
    read_cine_slices,
    read_mask_stacks,
    wanted_planes,
    with_one_transform,
)
from LaMoDCore.io.files.image_file import dicom_series, is_dicom
from LaMoDCore.io.files.labels import LabelMap, meaning_of_labels, parse_labels
from LaMoDCore.io.files.timing import timing_of
from LaMoDCore.io.images.frame_stack import LABEL_KEY, FrameStack
from LaMoDCore.io.images.planes import grid_of_drawing, matching_cine, same_pixels, size_notes
from LaMoDCore.runtime.errors import LaMoDInputError

#: Contours of a few frames can be checked, though strain needs `MIN_FRAMES`.
_CHECKED_FRAMES = 2
#: Labels with which contours of other programs are written.
FOREIGN_LABELS = LabelMap(myocardium=2, cavity=3, right_ventricle=1)


@dataclass(frozen=True, eq=False)
class DrawnSlice:
    """One slice as drawn, without validation, removal or resampling.

    Attributes:
        slice: the drawn structures on the file's own pixels; frames may be empty, rings open.
        source: the file or folder.
        stack: index of its stack in the file, from 0.
        position: index of the slice in the stack, from 0.
        labels: meaning of the file's labels.
        notes: assumptions about this slice.
        as_stored: whether its frames are those of the file; False if masks of one plane were joined, or assigned to
            frames of the cine.
        partly_drawn: whether the cine was drawn at some frames only, from which contours are carried to the others.
    """

    slice: CineSlice
    source: Path
    stack: int
    position: int
    labels: LabelMap
    notes: tuple[Note, ...] = ()
    as_stored: bool = True
    partly_drawn: bool = False


@dataclass(frozen=True, eq=False)
class DrawnHeart:
    """Slices from base to apex, the end-diastolic frame, and notes on all slices and on each."""

    slices: tuple[DrawnSlice, ...]
    reference_frame: int
    notes: tuple[Note, ...]


def read_drawn_heart(
    masks: Sequence[str | Path],
    *,
    cine: Sequence[str | Path] = (),
    labels: str | Mapping[str, int] | LabelMap | None = None,
    rr_ms: float | None = None,
    mask_frames: Sequence[int] | None = None,
) -> DrawnHeart:
    """Read masks like `load_case`, but keep every drawn slice with all its faults.

    Contours of other programs are read too: guide points, closed-curve markups, DENSE workspaces. Cine images are used
    if they have the masks' pixels.

    Args:
        masks, cine, labels, rr_ms, mask_frames: as for `load_case`.

    Raises:
        LaMoDInputError: a file cannot be read, or no myocardium is drawn in it.
    """
    from LaMoDCore.io.contours.foreign import is_foreign, read_foreign

    notes: list[Note] = []
    paths = [Path(p) for p in masks]
    others = [p for p in paths if is_foreign(p)]
    masks_alone = [p for p in paths if p not in others]
    pictures = dicom_series([Path(p) for p in cine]) if any(is_dicom(p) for p in masks_alone) else ()
    fewest = 1 if cine or len(masks_alone) > 1 else _CHECKED_FRAMES
    stacks_of = [(p, read_mask_stacks(p, notes, min_frames=fewest, pictures=pictures)) for p in masks_alone]
    planes = [] if others else wanted_planes([s for _, stacks in stacks_of for s in stacks])
    cines = [c for p in cine for c in read_cine_slices(Path(p), planes, notes)]
    stacks_of, cines = with_one_transform(stacks_of, cines)
    wanted = parse_labels(labels)
    stored = [
        (path, [with_frames_of_pictures(stack, path, cines, notes) for stack in stacks]) for path, stacks in stacks_of
    ]
    stacks_of = joined_frames(stored, labels=wanted, mask_frames=mask_frames, notes=notes)
    refuse_second_reader(stacks_of)
    unjoined = {id(stack) for _, stacks in stored for stack in stacks}
    found = [
        DrawnSlice(slice_, path, 0, k, FOREIGN_LABELS, partly_drawn=is_partial(slice_.myocardium))
        for path in others
        for k, slice_ in enumerate(read_foreign(path, cines))
    ]
    for path, stacks in stacks_of:
        given = wanted or parse_labels(stacks[0].metadata.get(LABEL_KEY))
        meaning, guess = meaning_of_labels([s.frames for s in stacks], path, given)
        notes += [guess] if guess else []
        for number, stack in enumerate(stacks):
            prefix = path.name.split(".")[0]
            for k in range(stack.frames.shape[1]):
                if not meaning.is_myocardium(stack.frames[:, k]).any():
                    continue
                alone = len(stacks) == 1 and stack.frames.shape[1] == 1
                part = k + 1 if len(stacks) == 1 else number + 1
                name = prefix if alone else f"slice {part}" if len(stacks_of) == 1 else f"{prefix}, slice {part}"
                single = replace(
                    stack,
                    name=name,
                    frames=stack.frames[:, k : k + 1],
                    ijk_to_lps=stack.slice_grid(k).ijk_to_lps,
                )
                single, in_plane = _on_cine_frames(single, cines, mask_frames, path, meaning)
                check_frame_count(single, path, _CHECKED_FRAMES)
                slice_, own = _slice(single, meaning, in_plane, path, rr_ms, contour_origin_of(stack, path, k))
                found.append(
                    DrawnSlice(
                        slice_,
                        path,
                        number,
                        k,
                        meaning,
                        tuple(own),
                        as_stored=id(stack) in unjoined and len(single.frames) == len(stack.frames),
                        partly_drawn=bool(in_plane) and slice_.contour_origin is None and is_partial(slice_.myocardium),
                    )
                )
    if not found:
        raise LaMoDInputError(paths[0], "no myocardium is drawn in it", "draw it, or name it with --labels")
    centers = [_center_lps(d.slice) for d in found]
    depths = depths_towards_apex(centers, [d.slice.grid for d in found])
    ordered = tuple(found[i] for i in np.argsort(depths, kind="stable"))
    for number, drawn in enumerate(ordered, start=1):
        notes += of_slice(drawn.notes, number)
    return DrawnHeart(ordered, end_diastole_as_drawn([d.slice for d in ordered]), tuple(dict.fromkeys(notes)))


def _on_cine_frames(
    mask: FrameStack,
    cines: Sequence[FrameStack],
    mask_frames: Sequence[int] | None,
    path: Path,
    meaning: LabelMap,
) -> tuple[FrameStack, Sequence[FrameStack]]:
    """The masks on the frames of their cine; as stored and without a cine if these frames are unknown.

    `lamod check` then reports why `lamod predict` refuses the masks.
    """
    try:
        return on_cine_frames(mask, cines, mask_frames, path, meaning.is_myocardium)
    except LaMoDInputError:
        if len(mask.frames) < _CHECKED_FRAMES:
            raise
        return mask, ()


def _slice(
    single: FrameStack,
    meaning: LabelMap,
    cines: Sequence[FrameStack],
    path: Path,
    rr_ms: float | None,
    origin: ContourOrigin | None,
) -> tuple[CineSlice, list[Note]]:
    grid = single.slice_grid(0)
    labels = single.frames[:, 0]
    notes = list(single.notes)
    cine = None
    if cines:
        cine, cine_notes = matching_cine(single, cines, path)
        notes += [*cine.notes, *cine_notes]
        grid = grid_of_drawing(single, cine)
        if not same_pixels(grid, cine.slice_grid(0)):
            text = "The cine and the masks have different pixel grids and were not compared."
            notes.append(note("cine_not_compared", text, source=single.name))
            cine = None
    notes += size_notes(single if cine is None else cine)
    timing = timing_of(single, cine, path, rr_ms)
    right = labels == meaning.right_ventricle if meaning.right_ventricle is not None else None
    slice_ = CineSlice(
        name=single.name,
        grid=grid,
        myocardium=meaning.is_myocardium(labels),
        frame_times_ms=timing.frame_times_ms,
        rr_ms=timing.rr_ms,
        cavity=labels == meaning.cavity if meaning.cavity is not None else None,
        right_ventricle=right if right is not None and right.any() else None,
        cine=None if cine is None else np.ascontiguousarray(cine.frames[:, 0]),
        contour_origin=origin,
    )
    return slice_, notes


def _center_lps(slice_: CineSlice) -> np.ndarray:
    rows, columns = np.nonzero(slice_.myocardium.any(axis=0))
    return slice_.grid.pixel_to_lps(np.array([columns.mean(), rows.mean()]))


def end_diastole_as_drawn(slices: Sequence[CineSlice]) -> int:
    """The reference frame: from the slices whose rings are closed in all frames, or from all if there are none."""
    frames = slices[0].frames
    alike = [s for s in slices if s.frames == frames]
    whole = [s for s in alike if all(is_closed_ring(plane) for plane in s.myocardium)]
    chosen = whole or alike
    return find_end_diastole(chosen, total_cavity_area_mm2(chosen))[0]
