"""Find the series in exported DICOM folders, sort their images by position and trigger time, and read them.

Classic MR (one file per frame) and enhanced multi-frame MR become `DicomFrame` records first, which are then grouped
and sorted. `seg_reader` reads segmentations (SEG).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.heart.case import MIN_FRAMES
from LaMoDCore.heart.geometry import SHORT_AXIS_COSINE, Array, SliceGrid
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dicom.copies import is_copy
from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset
from LaMoDCore.io.dicom.frame import DicomFrame, frames_of
from LaMoDCore.io.dicom.header import integer
from LaMoDCore.io.dicom.object_kinds import complex_component, kind_of, listing
from LaMoDCore.io.dicom.pixels import frame_pixels
from LaMoDCore.io.dicom.time_order import sort_in_time, with_times
from LaMoDCore.io.images.frame_stack import FrameStack, ImageKey
from LaMoDCore.runtime.bounded_reads import check_size
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

#: Frames closer than this along the normal belong to one slice.
SAME_SLICE_MM = 0.5
#: A series with fewer frames per position is not a cine.
CINE_FRAMES = MIN_FRAMES

SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """The frames of one series with the same orientation, pixel grid and image type.

    ``component`` is real, imaginary or phase for these parts of a complex image, None for magnitude images.
    """

    uid: str
    number: int | None
    description: str
    modality: str
    frames: tuple[DicomFrame, ...]
    is_segmentation: bool = False
    component: str | None = None

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
        anatomy = not self.is_segmentation and self.component is None
        return anatomy and max(len(p) for p in self.positions) >= CINE_FRAMES

    @property
    def is_short_axis(self) -> bool:
        return self.is_cine and self.axis_cosine >= SHORT_AXIS_COSINE


def find_series(files: Iterable[Path]) -> tuple[tuple[DicomSeries, ...], tuple[Note, ...]]:
    """Sort DICOM files into series.

    Returns:
        The series, sorted by number and description, and notes on files that were left out.
    """
    groups: dict[tuple[Any, ...], list[DicomFrame]] = {}
    facts: dict[tuple[Any, ...], tuple[str, str, int | None, str, str, bool, str | None]] = {}
    without_image: list[tuple[str, str, str]] = []
    seen: dict[str, Path] = {}
    unreadable = duplicates = repeated = 0
    for file in files:
        try:
            dataset = read_dataset(file, pixels=False)
            with parsing_dicom(file):
                uid = str(dataset.get("SOPInstanceUID", "")) or str(file)
                facts_of_file = _facts(dataset)
                copied = uid in seen and is_copy(seen[uid], file)
                frames = [] if copied else frames_of(dataset, file)
                kind = kind_of(dataset)
        except LaMoDInputError:
            unreadable += 1
            continue
        if copied:
            duplicates += 1
            continue
        repeated += uid in seen
        seen.setdefault(uid, file)
        if not frames:
            without_image.append(kind)
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
    if repeated:
        text = f"{repeated} DICOM instance(s) have the UID of another one and different contents; all were read."
        notes.append(note("dicom_uid_repeated", text))
    if without_image:
        text = f"DICOM files without an image in the patient were left out: {listing(without_image)}."
        notes.append(note("dicom_without_image", text))
    series = []
    for key, members in groups.items():
        uid, _, number, description, modality, segmentation, component = facts[key]
        series.append(DicomSeries(uid, number, description, modality, tuple(members), segmentation, component))
    series.sort(key=lambda s: (s.number is None, s.number or 0, s.description, s.uid, len(s.frames)))
    return tuple(_gathered(series, notes)), tuple(notes)


def _gathered(series: Sequence[DicomSeries], notes: list[Note]) -> list[DicomSeries]:
    """The series, with cines whose images were exported as a series each as one series.

    Only images with the same pixels, kind and description (but for numbers) are gathered, and only if trigger times,
    temporal positions or instance numbers distinguish the images of each slice.
    """
    single: dict[tuple[Any, ...], list[DicomSeries]] = {}
    for one in series:
        if not one.is_segmentation and all(len(group) == 1 for group in one.positions):
            grid = SliceGrid(one.frames[0].shape, one.frames[0].ijk_to_lps)
            directions = tuple(np.round(grid.directions.ravel(), 2) + 0.0)
            words = re.sub(r"\d+", "", one.description)
            key = (grid.shape, directions, tuple(np.round(grid.spacing_mm, 3)), one.modality, one.component, words)
            single.setdefault(key, []).append(one)
    result = list(series)
    for members in single.values():
        whole = replace(members[0], frames=tuple(frame for one in members for frame in one.frames))
        if not whole.is_cine or not all(_are_distinguished(group) for group in whole.positions):
            continue
        text = f"{len(members)} series with one image per slice were read as one cine."
        notes.append(note("dicom_series_gathered", text, source=whole.title))
        result = [whole if one is members[0] else one for one in result if one is members[0] or one not in members]
    return result


def _are_distinguished(frames: Sequence[DicomFrame]) -> bool:
    for attribute in ("trigger_ms", "temporal_position", "instance"):
        values = [getattr(frame, attribute) for frame in frames]
        if None not in values and len(set(values)) == len(values):
            return True
    return False


def _facts(dataset: Dataset) -> tuple[str, str, int | None, str, str, bool, str | None]:
    """Series UID, image type, number, description, modality, whether it is a SEG, and the part of a complex image."""
    image_type = dataset.get("ImageType") or []
    image_type = [] if isinstance(image_type, str) else image_type
    return (
        str(dataset.get("SeriesInstanceUID", "")),
        str(complex_component(dataset) or (image_type[2] if len(image_type) > 2 else "")),
        integer(dataset.get("SeriesNumber")),
        "".join(c if c.isprintable() else "?" for c in str(dataset.get("SeriesDescription", ""))),
        str(dataset.get("Modality", "")),
        str(dataset.get("SOPClassUID", "")) in SEGMENTATION_CLASSES,
        complex_component(dataset),
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


def _sources_of(frames: Sequence[DicomFrame]) -> tuple[ImageKey, ...]:
    """The images on which masks stored as DICOM images were drawn, if each names one of its own."""
    sources = [frame.drawn_on for frame in frames if frame.drawn_on is not None]
    return tuple(sources) if len(sources) == len(frames) == len(set(sources)) else ()


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
        frames, times, notes = sort_in_time(group, name, cache)
        height, width = frames[0].shape
        check_size(frames[0].file, len(frames) * height * width * 4)
        pictures = np.empty((len(frames), 1, height, width), dtype=np.float32)
        for target, frame in zip(pictures, frames, strict=True):
            target[0] = frame_pixels(frame, cache)
        stacks.append(
            with_times(
                FrameStack(
                    name=name,
                    frames=pictures,
                    ijk_to_lps=frames[0].ijk_to_lps,
                    notes=tuple(notes),
                    images=tuple(frame.key for frame in frames),
                    drawn_on=_sources_of(frames),
                    thickness_known=all(frame.thickness_known for frame in frames),
                ),
                times,
                [f.rr_ms for f in frames if f.rr_ms],
            )
        )
    return tuple(stacks)
