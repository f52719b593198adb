"""Long-axis slices in mask files: labels of the open wall in any format of short-axis masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import SHORT_AXIS_COSINE, Array
from LaMoDCore.heart.long_axis.outline import OutlineError, PiecesError, outline_of
from LaMoDCore.heart.long_axis.wall_lines import WallLines, wall_lines
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.case.partial_masks import on_cine_frames
from LaMoDCore.io.case.slice_reader import read_mask_stacks, with_one_transform
from LaMoDCore.io.dicom.series import DicomSeries
from LaMoDCore.io.files.labels import LabelMap, parse_labels
from LaMoDCore.io.files.timing import timing_of
from LaMoDCore.io.images.frame_stack import LABEL_KEY, FrameStack
from LaMoDCore.io.images.planes import grid_of_drawing, matching_cine, shares_positions
from LaMoDCore.io.images.stated_geometry import SAME_PLANE_MM
from LaMoDCore.io.long_axis.drawn import DrawnView
from LaMoDCore.runtime.errors import LaMoDInputError

#: Frames whose labels are examined to find the wall.
_EXAMINED = 5


def read_masks(
    path: Path,
    cines: Sequence[FrameStack],
    notes: list[Note],
    *,
    labels: LabelMap | None = None,
    mask_frames: Sequence[int] | None = None,
    rr_ms: float | None = None,
    pictures: Sequence[DicomSeries] = (),
) -> list[DrawnView]:
    """Every drawn slice of a file or folder.

    Args:
        path: the file or folder.
        cines: slices of the long-axis cines, on whose pixels the lines are given where one lies in the plane.
        notes: receives notes.
        labels: meaning of the labels; the wall is found by its shape if None.
        mask_frames: the cine's frames to which the masks belong, if they are fewer.
        rr_ms: R–R interval given by the user.
        pictures: DICOM series to which a segmentation may refer.

    Raises:
        LaMoDInputError: the file cannot be read, or a frame shows no open wall.
    """
    stacks = read_mask_stacks(path, notes, min_frames=1, pictures=pictures)
    settled, cines = with_one_transform([(path, stacks)], cines)
    stacks = settled[0][1]
    meaning = labels or parse_labels(stacks[0].metadata.get(LABEL_KEY)) or _wall_label(stacks, path, notes)
    found = []
    for stack in stacks:
        for k in range(stack.frames.shape[1]):
            single = replace(stack, frames=stack.frames[:, k : k + 1], ijk_to_lps=stack.slice_grid(k).ijk_to_lps)
            if meaning.is_myocardium(single.frames).any():
                name = _name(stack, k)
                found.append(_read(single, name, path, meaning, cines, notes, mask_frames, rr_ms))
    if not found:
        raise LaMoDInputError(path, f"label {meaning.myocardium} does not occur", "name the label of the myocardium")
    return found


def _name(stack: FrameStack, k: int) -> str:
    stem = stack.name.split(".")[0] or stack.name
    return stem if stack.frames.shape[1] == 1 else f"{stem}, slice {k + 1}"


def _wall_label(stacks: Sequence[FrameStack], path: Path, notes: list[Note]) -> LabelMap:
    """The label whose shape is the open wall."""
    present = sorted({int(v) for stack in stacks for v in np.unique(stack.frames) if v != 0})
    if len(present) == 1:
        return LabelMap(present[0])
    fitting = [value for value in present if all(_is_wall(stack, value) for stack in stacks)]
    listing = ", ".join(map(str, present))
    if not fitting and any(_is_short_axis(stack) for stack in stacks):
        raise LaMoDInputError(
            path,
            "it is a short-axis slice by its orientation, and none of its labels is a wall that is open at the valve",
            "give short-axis slices as masks and long-axis slices as long axis",
        )
    if len(fitting) != 1:
        raise LaMoDInputError(
            path,
            f"the myocardium cannot be identified among its labels {listing}: "
            + ("none is a U-shaped wall" if not fitting else "several are U-shaped walls"),
            "name it, as in --long-axis-labels myo=2",
        )
    text = f"Labels of a long-axis mask were identified by shape: {fitting[0]} myocardium."
    notes.append(note("long_axis_labels_by_shape", text, source=path.name))
    return LabelMap(fitting[0])


def _is_wall(stack: FrameStack, value: int) -> bool:
    planes = [plane == value for plane in stack.frames.reshape(-1, *stack.frames.shape[2:])]
    drawn = [plane for plane in planes if plane.any()]
    spacing = stack.slice_grid(0).spacing_mm
    for plane in drawn[:: max(1, len(drawn) // _EXAMINED)]:
        try:
            try:
                outline_of(plane, spacing)
            except PiecesError as error:  # a faulty wall, which is reported with its frame
                outline_of(error.largest, spacing)
        except OutlineError:
            return False
    return bool(drawn)


def _read(
    mask: FrameStack,
    name: str,
    path: Path,
    meaning: LabelMap,
    cines: Sequence[FrameStack],
    notes: list[Note],
    mask_frames: Sequence[int] | None,
    rr_ms: float | None,
) -> DrawnView:
    try:
        mask, in_plane = on_cine_frames(mask, cines, mask_frames, path, meaning.is_myocardium)
    except LaMoDInputError as error:
        remedy = error.remedy.replace("--mask-frames", "--long-axis-frames")
        raise LaMoDInputError(error.source, error.reason, remedy) from error
    notes += mask.notes
    cine = None
    if in_plane and _lies_elsewhere(mask, in_plane):
        text = "No cine lies in the plane of a long-axis mask; it was measured without images."
        notes.append(note("long_axis_without_cine", text, source=name))
    elif in_plane:
        cine, cine_notes = matching_cine(replace(mask, name=name), in_plane, path)
        notes += cine_notes
    grid = mask.slice_grid(0) if cine is None else grid_of_drawing(mask, cine)
    wall = meaning.is_myocardium(mask.frames[:, 0])
    lines = {t: lines_of_mask(plane, grid.spacing_mm, t, path, _is_short_axis(mask)) for t, plane in _drawn(wall)}
    timing = timing_of(mask, cine, path, rr_ms)
    notes += timing.notes
    images = None
    if cine is not None:
        target = cine.slice_grid(0)
        scale, own = np.array(target.spacing_mm), np.array(grid.spacing_mm)

        def moved(points: Array) -> Array:
            return np.asarray(target.lps_to_pixel(grid.pixel_to_lps(points / own)) * scale)

        lines = {t: WallLines(moved(w.endo_mm), moved(w.epi_mm), moved(w.annulus_mm)) for t, w in lines.items()}
        grid, images = target, np.ascontiguousarray(cine.frames[:, 0], dtype=np.float32)
    return DrawnView(name, grid, lines, timing.frame_times_ms, timing.rr_ms, images, (cine or mask).is_located)


def _lies_elsewhere(mask: FrameStack, cines: Sequence[FrameStack]) -> bool:
    """Whether every cine lies in another plane, as those of other views do: masks of all frames need no images."""
    grid = mask.slice_grid(0)
    return all(
        shares_positions(mask, [cine]) and not grid.same_plane(cine.slice_grid(0), SAME_PLANE_MM) for cine in cines
    )


def _drawn(wall: Array) -> list[tuple[int, Array]]:
    return [(t, plane) for t, plane in enumerate(wall) if plane.any()]


def _is_short_axis(mask: FrameStack) -> bool:
    return mask.is_located and abs(mask.slice_grid(0).axis_cosine) > SHORT_AXIS_COSINE


def lines_of_mask(
    wall: Array, spacing_mm: tuple[float, float], frame: int, source: Path, short_axis: bool = False
) -> WallLines:
    """Lines of the wall of one frame.

    Raises:
        LaMoDInputError: it is no open wall.
    """
    try:
        traced = outline_of(wall, spacing_mm)
    except OutlineError as error:
        remedy = "draw the wall from the mitral annulus over the apex to the mitral annulus, open at the valve"
        if isinstance(error, PiecesError):
            remedy = "join the pieces of the wall, and remove those that do not belong to it"
        if short_axis or "closed ring" in str(error):
            remedy += "; give short-axis masks as masks, not as long axis"
        raise LaMoDInputError(source, f"frame {frame}: {error}", remedy) from error
    return wall_lines(traced.endo_mm, traced.epi_mm)
