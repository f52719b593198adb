"""Read DICOM Segmentation objects (SEG, PS3.3 A.51), binary, fractional or labelmap, as labels over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note
from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset
from LaMoDCore.io.dicom.frame import DicomFrame, frames_of
from LaMoDCore.io.dicom.pixels import decode_pixels
from LaMoDCore.io.dicom.references import named_images
from LaMoDCore.io.dicom.seg_order import SegmentFrame, TimeAxis, shared_orders, time_axis
from LaMoDCore.io.dicom.series import DicomSeries, group_by_position
from LaMoDCore.io.dicom.source_images import ImageIndex
from LaMoDCore.io.dicom.time_order import with_times
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.natural_order import natural_key
from LaMoDCore.io.images.segment_names import label_meaning, structure_of
from LaMoDCore.runtime.bounded_reads import check_size, damaged
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True, eq=False)
class _Object:
    """One segmentation object: its file, dataset without pixels, and the label of each of its segments."""

    file: Path
    dataset: Dataset
    labels: Mapping[int, int]


def read_segmentation(series: Sequence[DicomSeries], pictures: Sequence[DicomSeries] = ()) -> tuple[FrameStack, ...]:
    """Read segmentation series of one pixel grid: one stack of labels [T, 1, H, W] per slice position.

    A frame belongs to the image to which it refers. If the image is among `pictures`, the frames of the stack are those
    of its slice; frames that are not drawn are empty. Otherwise frames are sorted by their own time (cardiac
    synchronisation, temporal position), the number of their object, or their place in the file. Labels are segment
    numbers, or new numbers where objects use a number for different segments; their meaning is stored in the stack's
    metadata if it follows from the segments' names.

    Args:
        series: the segmentations; objects of one slice may lie in a series each.
        pictures: series to which the segmentations may refer.

    Raises:
        LaMoDInputError: the frames do not fit together, or their order is unknown.
    """
    index = ImageIndex(pictures)
    objects, names = _objects(sorted({frame.file for s in series for frame in s.frames}, key=natural_key))
    frames = [frame for each in objects for frame in _frames_of(each, index)]
    if not frames:
        raise damaged(objects[0].file, "it has no frames")
    by_frame = {id(f.frame): f for f in frames}
    groups = [[by_frame[id(f)] for f in group] for group in group_by_position([f.frame for f in frames])]
    shared = shared_orders(groups)
    metadata = label_meaning(names)
    title = series[0].title
    stacks = []
    for number, group in enumerate(groups, start=1):
        name = title if len(groups) == 1 else f"{title}, slice {number}"
        axis, notes = time_axis(group, index, name, shared)
        stacks.append(_stack(group, axis, name, metadata, notes))
    return tuple(stacks)


def _objects(files: Sequence[Path]) -> tuple[list[_Object], dict[int, str]]:
    """The objects, with one label for each segment name, and the names of the labels.

    A label is the segment's number, unless another object uses this number for another name.
    """
    objects: list[_Object] = []
    names: dict[int, str] = {}
    label_of: dict[str, int] = {}
    for file in files:
        dataset = read_dataset(file, pixels=False)
        with parsing_dicom(file):
            own = _segment_names(dataset)
        structures = [structure_of(name) for name in own.values()]
        labels = {}
        for number, name in own.items():
            structure = structure_of(name)
            key = structure if structure is not None and structures.count(structure) == 1 else name
            key = key or f"segment {number}"
            if key not in label_of:
                label_of[key] = number if number not in names else max(names) + 1
                names[label_of[key]] = name
            labels[number] = label_of[key]
        objects.append(_Object(file, dataset, labels))
    return objects, names


def _frames_of(segmentation: _Object, index: ImageIndex) -> list[SegmentFrame]:
    dataset, file = segmentation.dataset, segmentation.file
    with parsing_dicom(file):
        kind = str(dataset.get("SegmentationType", "BINARY"))
        threshold = 0.5 * float(dataset.get("MaximumFractionalValue", 1) or 1) if kind == "FRACTIONAL" else 0.5
        per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
        pixels = decode_pixels(file)
        result = []
        for frame in frames_of(dataset, file):
            number = frame.index or 0
            if number >= pixels.shape[0]:
                raise damaged(file, f"its header describes more frames than the {pixels.shape[0]} in the file")
            groups = [per_frame[number]] if number < len(per_frame) else []
            groups += [shared] if shared is not None else []
            segment = _segment_number(groups)
            if kind == "LABELMAP":
                labels = _relabelled(pixels[number].astype(np.int32), segmentation.labels)
            elif segment is None:
                raise damaged(file, f"frame {number} has no segment number")
            else:
                label = np.int32(segmentation.labels.get(segment, segment))
                labels = np.where(pixels[number] >= threshold, label, np.int32(0))
            images = index.in_plane(named_images(dataset, groups), frame)
            result.append(SegmentFrame(frame, labels, segment or 0, images[0] if len(images) == 1 else None))
    return result


def _relabelled(numbers: Array, labels: Mapping[int, int]) -> Array:
    result = numbers.copy()
    for number, label in labels.items():
        if label != number:
            result[numbers == number] = label
    return result


def _segment_number(groups: Sequence[Dataset]) -> int | None:
    for group in groups:
        sequence = group.get("SegmentIdentificationSequence")
        if sequence:
            return int(sequence[0].get("ReferencedSegmentNumber", 0)) or None
    return None


def _segment_names(dataset: Dataset) -> dict[int, str]:
    names = {}
    for segment in dataset.get("SegmentSequence") or []:
        codes = segment.get("SegmentedPropertyTypeCodeSequence") or []
        meanings = [str(code.get("CodeMeaning", "")) for code in codes]
        words = [str(segment.get("SegmentLabel", "")), str(segment.get("SegmentDescription", "")), *meanings]
        names[int(segment.get("SegmentNumber", 0) or 0)] = " ".join(words).lower().strip()
    return names


def _stack(
    group: Sequence[SegmentFrame], axis: TimeAxis, name: str, metadata: dict[str, str], notes: Sequence[Note]
) -> FrameStack:
    shape = group[0].frame.shape
    if any(f.frame.shape != shape for f in group):
        raise LaMoDInputError(name, "its frames have different sizes", "export it again")
    check_size(group[0].frame.file, axis.frames * shape[0] * shape[1] * 4)
    labels = np.zeros((axis.frames, 1, *shape), dtype=np.int32)
    painted: dict[tuple[int, int], DicomFrame] = {}
    for f, t in zip(group, axis.of_frame, strict=True):
        for label in np.unique(f.labels[f.labels > 0]).tolist():
            here = f.labels == label
            earlier = painted.setdefault((t, label), f.frame)
            if earlier.file != f.frame.file and not np.array_equal(labels[t, 0] == label, here):
                other = earlier.file.name
                raise LaMoDInputError(
                    f.frame.file,
                    f"it and {other} contain different masks of one structure at the same frame, as of two readers",
                    f"give one of them; `lamod check {other} --second {f.frame.file.name}` compares readers",
                )
            labels[t, 0][here] = label
    stack = FrameStack(
        name=name,
        frames=labels,
        ijk_to_lps=group[0].frame.ijk_to_lps,
        metadata=metadata,
        notes=tuple(notes),
        drawn_on=axis.images,
        thickness_known=all(f.frame.thickness_known for f in group),
    )
    return with_times(stack, axis.times, axis.intervals_ms)
