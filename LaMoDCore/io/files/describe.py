"""Describe the contents of a file, folder or study as lines of text, without patient names or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import SHORT_AXIS_COSINE
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dicom.frame import DicomFrame
from LaMoDCore.io.dicom.reader import without_images
from LaMoDCore.io.dicom.series import DicomSeries, find_series
from LaMoDCore.io.dicom.time_order import sort_in_time
from LaMoDCore.io.files.image_file import VOLUME_SUFFIXES, dicom_files, read_images
from LaMoDCore.io.files.labels import MAX_LABELS, distinct_values, integer_labels, meaning_of_labels
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.frame_times import file_times
from LaMoDCore.io.images.planes import check_grid, size_notes, thickness_note
from LaMoDCore.io.images.stated_geometry import settle_transforms
from LaMoDCore.runtime.errors import LaMoDInputError


def describe(path: Path) -> list[str]:
    """Describe an image, a folder with one volume per frame, or a DICOM study (a table of its series).

    Raises:
        LaMoDInputError: nothing can be read.
    """
    path = Path(path)
    files = dicom_files(path) if path.exists() else []
    volumes = path.is_dir() and any(p.name.lower().endswith(VOLUME_SUFFIXES) for p in path.iterdir())
    if files and not volumes:
        return series_table(files, path)
    if volumes and path.is_dir():
        return _folder(path)
    return [line for stack in read_images(path) for line in stack_lines(stack)]


def holds_masks(path: Path) -> bool:
    """Whether a file or folder that `describe` accepts contains masks, or a DICOM segmentation, to predict from."""
    try:
        stacks = read_images(Path(path))
    except LaMoDInputError:
        return False
    return any(_is_mask(stack) for stack in stacks)


def _is_mask(stack: FrameStack) -> bool:
    return len(distinct_values(stack.frames, MAX_LABELS + 1)) <= MAX_LABELS + 1


def _folder(path: Path) -> list[str]:
    """Describe a folder with one volume per frame, or each of its files."""
    try:
        return [line for stack in read_images(path) for line in stack_lines(stack)]
    except LaMoDInputError:
        lines: list[str] = []
        for file in sorted(p for p in path.iterdir() if p.name.lower().endswith(VOLUME_SUFFIXES)):
            try:
                lines += [line for stack in read_images(file) for line in stack_lines(stack)]
            except LaMoDInputError as error:
                lines.append(f"{file.name}: {error.reason}")
        return lines


def stack_lines(stack: FrameStack) -> list[str]:
    """Size, spacing, time, orientation and labels of one stack.

    Raises:
        LaMoDInputError: its geometry is invalid.
    """
    check_grid(stack, stack.name)
    frames, depth, height, width = stack.frames.shape
    grid = stack.slice_grid(0)
    dx, dy = grid.spacing_mm
    time = "no frame times"
    if stack.frame_times_ms is not None and frames > 1:
        time = f"every {np.median(np.diff(stack.frame_times_ms)):.1f} ms"
    elif stack.time_problem:
        time = f"no usable frame times ({stack.time_problem})"
    if stack.rr_ms:
        time += f", R–R {stack.rr_ms:.0f} ms"
    elif stack.rr_problem:
        time += f", {stack.rr_problem}"
    view = "unknown orientation"
    if stack.has_orientation:
        kind = "short-axis" if abs(grid.axis_cosine) >= SHORT_AXIS_COSINE else "not short-axis by its orientation"
        view = f"{kind}, shown from the {'apex' if grid.view_sign > 0 else 'base'}"
    return [
        f"{stack.name}: {frames} frame(s), {depth} slice(s) of {width} × {height}, {stack.frames.dtype}",
        f"  pixels {dx:.3g} × {dy:.3g} mm, slices {grid.slice_spacing_mm:.3g} mm apart; {time}; {view}",
        f"  {_contents(stack)}",
        *(f"  note: {each.text}" for each in _notes_of_images(stack)),
    ]


def _notes_of_images(stack: FrameStack) -> list[Note]:
    """Notes on images; masks are examined as `lamod predict` does, see `LaMoDCore.contours.input_notes`."""
    if _is_mask(stack):
        return []
    (settled,) = settle_transforms([], [stack])[1]
    return [*settled.notes, *size_notes(settled)]


def _contents(stack: FrameStack) -> str:
    values = distinct_values(stack.frames, MAX_LABELS + 1)
    if values in ([], [0]):
        return "empty: every voxel is 0"
    if len(values) > MAX_LABELS + 1:
        try:
            integer_labels(stack.frames, stack.name)
        except LaMoDInputError as error:
            soft = f" ({error.reason})" if stack.frames.dtype.kind == "f" else ""
            return f"an image, {np.min(stack.frames):g} to {np.max(stack.frames):g}{soft}"
    try:
        labels = integer_labels(stack.frames, stack.name)
        meaning, guess = meaning_of_labels([labels], stack.name)
    except LaMoDInputError as error:
        return f"labels {', '.join(f'{v:g}' for v in values if v != 0) or 'none'}: {error.reason}"
    return guess.text if guess else f"a mask, label {meaning.myocardium} (taken as the myocardium)"


def series_table(files: Sequence[Path], path: Path) -> list[str]:
    """One line per DICOM series: its kind, location and size, and whether it is a short-axis cine.

    Raises:
        LaMoDInputError: there is no series.
    """
    series, notes = find_series(files)
    if not series:
        raise without_images(files, path)
    rows: list[tuple[str, ...]] = [
        ("series", "description", "kind", "slices", "frames", "pixels", "mm", "R–R ms", "folder")
    ]
    rows += [_series_row(s, path) for s in series]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for s in series:
        if s.is_cine:
            for group in s.positions:
                notes += _notes_on_time(group, s.title)
                if not all(frame.thickness_known for frame in group):
                    notes = (*notes, thickness_note(s.title))
    usable = sum(s.is_short_axis for s in series)
    lines.append(f"{usable} short-axis cine series of {len(series)} series.")
    return lines + [
        f"note: {each.source}: {each.text}" if each.source else f"note: {each.text}" for each in dict.fromkeys(notes)
    ]


def _notes_on_time(group: Sequence[DicomFrame], title: str) -> tuple[Note, ...]:
    """Notes on the order and the times of the images of one slice; an error as a note, because others are listed."""
    try:
        _, times, notes = sort_in_time(group, title)
    except LaMoDInputError as error:
        return (note("dicom_order_assumed", f"{error.reason[:1].upper()}{error.reason[1:]}.", source=title),)
    found = None if times is None else file_times(times, 1.0, title)
    if found is not None and found.problem:
        notes.append(note("frame_step_ignored", f"The frame times cannot be used: {found.problem}.", source=title))
    return (*notes, found.note) if found is not None and found.note is not None else tuple(notes)


def _series_row(series: DicomSeries, path: Path) -> tuple[str, ...]:
    positions = series.positions
    counts = sorted({len(p) for p in positions})
    first = series.frames[0]
    spacing = np.linalg.norm(first.ijk_to_lps[:3, :2], axis=0)
    intervals = [f.rr_ms for f in series.frames if f.rr_ms]
    if series.is_segmentation:
        kind = "segmentation"
    elif series.is_short_axis:
        kind = "short-axis cine"
    else:
        kind = "cine, other view" if series.is_cine else "still"
    folders = {f.file.parent for f in series.frames}
    folder = min(folders)
    place = str(folder.relative_to(path)) if path.is_dir() and path in (folder, *folder.parents) else folder.name
    return (
        "–" if series.number is None else str(series.number),
        series.description or "–",
        kind,
        str(len(positions)),
        str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}",
        f"{first.shape[1]} × {first.shape[0]}",
        f"{spacing[0]:.3g} × {spacing[1]:.3g}",
        f"{np.median(intervals):.0f}" if intervals else "–",
        place + (" …" if len(folders) > 1 else ""),
    )
