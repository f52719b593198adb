"""Read masks as drawn, with all their faults, for checking and repairing contours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.end_diastole import find_end_diastole, total_cavity_area_mm2
from LaMoDCore.heart.levels import depths_towards_apex
from LaMoDCore.heart.notes import Note, note, of_slice
from LaMoDCore.heart.ring.mask import is_closed_ring
from LaMoDCore.io.case.same_plane import refuse_second_reader
from LaMoDCore.io.case.slice_reader import (
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
from LaMoDCore.io.images.planes import grid_of_drawing, matching_cine, pixel_size_note, same_pixels
from LaMoDCore.runtime.errors import LaMoDInputError

#: Contours of a few frames can be checked, though strain needs `MIN_FRAMES`.
_CHECKED_FRAMES = 2
#: Labels with which contours of other programs are written.
FOREIGN_LABELS = LabelMap(myocardium=2, cavity=3, right_ventricle=1)


@dataclass(frozen=True, eq=False)
class DrawnSlice:
    """One slice of a file as stored, without validation, removal or resampling.

    Attributes:
        slice: the drawn structures on the file's own pixels; frames may be empty, rings open.
        source: the file or folder.
        stack: index of its stack in the file, from 0.
        position: index of the slice in the stack, from 0.
        labels: meaning of the file's labels.
        notes: assumptions about this slice.
    """

    slice: CineSlice
    source: Path
    stack: int
    position: int
    labels: LabelMap
    notes: tuple[Note, ...] = ()


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
) -> DrawnHeart:
    """Read masks like `load_case`, but keep every drawn slice with all its faults.

    Contours of other programs are read too: guide points, closed-curve markups, DENSE workspaces. Cine images are used
    if they have the masks' pixels.

    Raises:
        LaMoDInputError: a file cannot be read, or no myocardium is drawn in it.
    """
    from LaMoDCore.io.contours.foreign import is_foreign, read_foreign

    notes: list[Note] = []
    paths = [Path(p) for p in masks]
    others = [p for p in paths if is_foreign(p)]
    masks_alone = [p for p in paths if p not in others]
    pictures = dicom_series([Path(p) for p in cine]) if any(is_dicom(p) for p in masks_alone) else ()
    stacks_of = [(p, read_mask_stacks(p, notes, min_frames=_CHECKED_FRAMES, pictures=pictures)) for p in masks_alone]
    planes = [] if others else wanted_planes([s for _, stacks in stacks_of for s in stacks])
    cines = [c for p in cine for c in read_cine_slices(Path(p), planes, notes)]
    stacks_of, cines = with_one_transform(stacks_of, cines)
    wanted = parse_labels(labels)
    refuse_second_reader(stacks_of)
    found = [
        DrawnSlice(slice_, path, 0, k, FOREIGN_LABELS)
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
                slice_, own = _slice(stack, k, name, meaning, cines, path, rr_ms)
                found.append(DrawnSlice(slice_, path, number, k, meaning, tuple(own)))
    if not found:
        raise LaMoDInputError(paths[0], "no myocardium is drawn in it", "draw it, or name it with --labels")
    centers = [_center_lps(d.slice) for d in found]
    depths = depths_towards_apex(centers, [d.slice.grid for d in found])
    ordered = tuple(found[i] for i in np.argsort(depths, kind="stable"))
    for number, drawn in enumerate(ordered, start=1):
        notes += of_slice(drawn.notes, number)
    return DrawnHeart(ordered, end_diastole_as_drawn([d.slice for d in ordered]), tuple(dict.fromkeys(notes)))


def _slice(
    stack: FrameStack,
    position: int,
    name: str,
    meaning: LabelMap,
    cines: Sequence[FrameStack],
    path: Path,
    rr_ms: float | None,
) -> tuple[CineSlice, list[Note]]:
    grid = stack.slice_grid(position)
    labels = stack.frames[:, position]
    single = replace(stack, name=name, frames=stack.frames[:, position : position + 1], ijk_to_lps=grid.ijk_to_lps)
    notes = list(stack.notes)
    cine = None
    if cines:
        cine, cine_notes = matching_cine(single, cines, path)
        notes += [*cine.notes, *cine_notes]
        grid = grid_of_drawing(single, cine)
        if not same_pixels(grid, cine.slice_grid(0)):
            text = "The cine and the masks have different pixel grids and were not compared."
            notes.append(note("cine_not_compared", text, source=name))
            cine = None
    notes += pixel_size_note(single if cine is None else cine)
    timing = timing_of(single, cine, path, rr_ms)
    right = labels == meaning.right_ventricle if meaning.right_ventricle is not None else None
    slice_ = CineSlice(
        name=name,
        grid=grid,
        myocardium=meaning.is_myocardium(labels),
        frame_times_ms=timing.frame_times_ms,
        rr_ms=timing.rr_ms,
        cavity=labels == meaning.cavity if meaning.cavity is not None else None,
        right_ventricle=right if right is not None and right.any() else None,
        cine=None if cine is None else np.ascontiguousarray(cine.frames[:, 0]),
        contour_origin=contour_origin_of(stack, path, position),
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
