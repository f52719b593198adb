"""Find the series in exported DICOM folders, sort their images by position and trigger time, and read them.

Classic MR (one file per frame) and enhanced multi-frame MR become `DicomFrame` records first, which are then grouped
and sorted. `seg_reader` reads segmentations (SEG).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from LaMoDCore.heart.case import MIN_FRAMES
from LaMoDCore.heart.geometry import SHORT_AXIS_COSINE, Array, SliceGrid
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset
from LaMoDCore.io.dicom.frame import DicomFrame, frames_of
from LaMoDCore.io.dicom.header import integer
from LaMoDCore.io.dicom.pixels import frame_pixels
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.bounded_reads import check_size
from LaMoDCore.runtime.errors import LaMoDInputError

#: Frames closer than this along the normal belong to one slice.
SAME_SLICE_MM = 0.5
#: A series with fewer frames per position is not a cine.
CINE_FRAMES = MIN_FRAMES

SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """The frames of one series with the same orientation, pixel grid and image type."""

    uid: str
    number: int | None
    description: str
    modality: str
    frames: tuple[DicomFrame, ...]
    is_segmentation: bool = False

    @property
    def title(self) -> str:
        label = f"series {self.number}" if self.number is not None else "series"
        return f"{label} ({self.description})" if self.description else label

    @property
    def positions(self) -> tuple[tuple[DicomFrame, ...], ...]:
        """The frames of each slice, slices from base to apex."""
        return group_by_position(self.frames)

    @property
    def axis_cosine(self) -> float:
        first = self.frames[0]
        return abs(SliceGrid(first.shape, first.ijk_to_lps).axis_cosine)

    @property
    def is_cine(self) -> bool:
        return not self.is_segmentation and max(len(p) for p in self.positions) >= CINE_FRAMES

    @property
    def is_short_axis(self) -> bool:
        return self.is_cine and self.axis_cosine >= SHORT_AXIS_COSINE


def find_series(files: Iterable[Path]) -> tuple[tuple[DicomSeries, ...], tuple[Note, ...]]:
    """Sort DICOM files into series.

    Returns:
        The series, sorted by number and description, and notes on files that were left out.
    """
    groups: dict[tuple[Any, ...], list[DicomFrame]] = {}
    facts: dict[tuple[Any, ...], tuple[str, str, int | None, str, str, bool]] = {}
    seen: set[str] = set()
    unreadable = duplicates = without_position = 0
    for file in files:
        try:
            dataset = read_dataset(file, pixels=False)
            with parsing_dicom(file):
                uid = str(dataset.get("SOPInstanceUID", "")) or str(file)
                facts_of_file = _facts(dataset)
                frames = [] if uid in seen else frames_of(dataset, file)
        except LaMoDInputError:
            unreadable += 1
            continue
        if uid in seen:
            duplicates += 1
            continue
        seen.add(uid)
        if not frames:
            without_position += 1
            continue
        for frame in frames:
            direction = tuple(np.round(SliceGrid(frame.shape, frame.ijk_to_lps).directions.ravel(), 2) + 0.0)
            spacing = tuple(np.round(SliceGrid(frame.shape, frame.ijk_to_lps).spacing_mm, 3))
            key = (*facts_of_file[:2], frame.shape, direction, spacing)
            groups.setdefault(key, []).append(frame)
            facts[key] = facts_of_file
    notes = []
    if unreadable:
        notes.append(note("dicom_unreadable", f"{unreadable} DICOM file(s) could not be read and were left out."))
    if duplicates:
        notes.append(note("dicom_duplicates", f"{duplicates} duplicate DICOM instance(s) were left out."))
    if without_position:
        text = f"{without_position} DICOM file(s) without an image or a position were left out."
        notes.append(note("dicom_without_image", text))
    series = []
    for key, members in groups.items():
        uid, _, number, description, modality, segmentation = facts[key]
        series.append(DicomSeries(uid, number, description, modality, tuple(members), segmentation))
    series.sort(key=lambda s: (s.number is None, s.number or 0, s.description, s.uid, len(s.frames)))
    return tuple(series), tuple(notes)


def _facts(dataset: Dataset) -> tuple[str, str, int | None, str, str, bool]:
    """Series UID, image type (magnitude, phase, …), number, description, modality, and whether it is a SEG."""
    image_type = dataset.get("ImageType") or []
    return (
        str(dataset.get("SeriesInstanceUID", "")),
        str(image_type[2]) if not isinstance(image_type, str) and len(image_type) > 2 else "",
        integer(dataset.get("SeriesNumber")),
        "".join(c if c.isprintable() else "?" for c in str(dataset.get("SeriesDescription", ""))),
        str(dataset.get("Modality", "")),
        str(dataset.get("SOPClassUID", "")) in SEGMENTATION_CLASSES,
    )


def group_by_position(frames: Sequence[DicomFrame]) -> tuple[tuple[DicomFrame, ...], ...]:
    """Split frames of one orientation into slices, from base to apex."""
    grid = SliceGrid(frames[0].shape, frames[0].ijk_to_lps)
    to_apex = -grid.normal * grid.view_sign
    depth = np.array([frame.ijk_to_lps[:3, 3] @ to_apex for frame in frames])
    order = np.argsort(depth, kind="stable")
    groups: list[list[DicomFrame]] = []
    previous = -np.inf
    for index in order:
        if depth[index] - previous > SAME_SLICE_MM:
            groups.append([])
        groups[-1].append(frames[index])
        previous = depth[index]
    return tuple(tuple(group) for group in groups)


def sort_in_time(frames: Sequence[DicomFrame], name: str) -> tuple[list[DicomFrame], Array | None, list[Note]]:
    """Sort the frames of one slice in time.

    By trigger time if it distinguishes frames, otherwise by temporal position, acquisition number or instance number,
    with a note. Frames with the same trigger time are copies of one image: the first instance is kept.

    Returns:
        frames, their trigger times [T] in ms or None, notes.
    """
    frames = sorted(frames, key=lambda f: (f.instance is None, f.instance or 0.0, str(f.file)))
    notes: list[Note] = []
    triggers = [f.trigger_ms for f in frames]
    if all(t is not None for t in triggers) and len(set(triggers)) > max(1, len(frames) // 4):
        unique: dict[float, DicomFrame] = {}
        for frame in frames:
            unique.setdefault(float(frame.trigger_ms or 0.0), frame)
        if len(unique) < len(frames):
            text = f"{len(frames) - len(unique)} image(s) with the same trigger time as another were left out."
            notes.append(note("dicom_repeated_time", text, source=name))
        times = np.array(sorted(unique))
        return [unique[float(t)] for t in times], times, [*notes, *gap_notes(times, name)]
    for attribute, words in (
        ("temporal_position", "temporal position"),
        ("acquisition", "acquisition number"),
        ("instance", "instance number"),
    ):
        values = [getattr(f, attribute) for f in frames]
        if all(v is not None for v in values) and len(set(values)) == len(values):
            text = f"The images have no trigger times; they were sorted by {words}."
            notes.append(note("dicom_order_assumed", text, source=name))
            return [f for _, f in sorted(zip(values, frames, strict=True), key=lambda p: p[0])], None, notes
    text = "The images have no times or numbers; they were sorted by file name."
    notes.append(note("dicom_order_assumed", text, source=name))
    return list(frames), None, notes


def gap_notes(times_ms: Array, name: str) -> list[Note]:
    """Notes on missing frames and on varying intervals."""
    if times_ms.size < 3:
        return []
    steps = np.diff(times_ms)
    usual = float(np.median(steps))
    missing = int(np.sum(np.round(steps / usual) - 1)) if usual > 0 else 0
    if 0 < missing <= times_ms.size:
        text = f"{missing} frame(s) seem to be missing; the times of the others were kept."
        return [note("frames_missing", text, source=name)]
    if usual > 0 and np.abs(steps / usual - 1).max() > 0.2:
        text = f"The frame interval varies from {steps.min():.1f} to {steps.max():.1f} ms; the true times were kept."
        return [note("frame_interval_varies", text, source=name)]
    return []


def read_slices(series: DicomSeries, wanted: Container[int] | None = None) -> tuple[FrameStack, ...]:
    """Read the images of a series: one stack [T, 1, H, W] per slice position, from base to apex.

    Args:
        series: the series.
        wanted: indices into ``series.positions``; all by default.

    Raises:
        LaMoDInputError: an image cannot be decoded.
    """
    cache: dict[Path, Array] = {}
    stacks = []
    groups = series.positions
    for number, group in enumerate(groups, start=1):
        if wanted is not None and number - 1 not in wanted:
            continue
        name = series.title if len(groups) == 1 else f"{series.title}, slice {number}"
        frames, times, notes = sort_in_time(group, name)
        height, width = frames[0].shape
        check_size(frames[0].file, len(frames) * height * width * 4)
        pictures = np.empty((len(frames), 1, height, width), dtype=np.float32)
        for target, frame in zip(pictures, frames, strict=True):
            target[0] = frame_pixels(frame, cache)
        intervals = [f.rr_ms for f in frames if f.rr_ms]
        stacks.append(
            FrameStack(
                name=name,
                frames=pictures,
                ijk_to_lps=frames[0].ijk_to_lps,
                frame_times_ms=times,
                rr_ms=float(np.median(intervals)) if intervals else None,
                notes=tuple(notes),
            )
        )
    return tuple(stacks)
