"""Read DICOM Segmentation objects (SEG, PS3.3 A.51), binary, fractional or labelmap, as labels over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset
from LaMoDCore.io.dicom.frame import DicomFrame, frames_of
from LaMoDCore.io.dicom.pixels import decode_pixels
from LaMoDCore.io.dicom.series import DicomSeries, group_by_position
from LaMoDCore.io.images.frame_stack import LABEL_KEY, FrameStack
from LaMoDCore.runtime.bounded_reads import damaged
from LaMoDCore.runtime.errors import LaMoDInputError


@dataclass(frozen=True, eq=False)
class _SegmentFrame:
    """One frame of a segmentation: its labels and its time."""

    frame: DicomFrame
    labels: Array
    order: float
    trigger_ms: float | None
    rr_ms: float | None


def read_segmentation(series: DicomSeries, pictures: Sequence[DicomSeries] = ()) -> tuple[FrameStack, ...]:
    """Read a segmentation series: one stack of labels [T, 1, H, W] per slice position.

    The time of a frame is its own (cardiac synchronisation, temporal position), otherwise that of its source image if
    that is in the same folder, otherwise its position in the file. Labels are segment numbers; their meaning is stored
    in the stack's metadata if it follows from the segments' names.

    Args:
        series: the segmentation's frames.
        pictures: the other series of the folder, to which the segmentation may refer.

    Raises:
        LaMoDInputError: the frames do not fit together.
    """
    drawn_on = {(f.uid, f.index or 0): f for p in pictures for f in p.frames}
    files = sorted({frame.file for frame in series.frames})
    names: dict[int, str] = {}
    frames: list[_SegmentFrame] = []
    for file in files:
        dataset = read_dataset(file, pixels=False)
        with parsing_dicom(file):
            names.update(_segment_names(dataset))
            frames += _frames_of_file(dataset, file, drawn_on, len(frames), alone=len(files) > 1)
    if not frames:
        raise damaged(files[0], "it has no frames")
    times = sorted({f.order for f in frames})
    by_frame = {id(f.frame): f for f in frames}
    groups = [[by_frame[id(f)] for f in group] for group in group_by_position([f.frame for f in frames])]
    # Frames in which a segment is empty are usually missing from the file: all slices together give the cycle.
    shared = len({f.frame.shape for f in frames}) == 1 and all(f.trigger_ms is None for f in frames)
    metadata = _meaning(names)
    stacks = []
    for number, group in enumerate(groups, start=1):
        name = series.title if len(groups) == 1 else f"{series.title}, slice {number}"
        stacks.append(_stack(group, times if shared else sorted({f.order for f in group}), name, metadata))
    return tuple(stacks)


def _frames_of_file(
    dataset: Dataset, file: Path, drawn_on: dict[tuple[str, int], DicomFrame], offset: int, *, alone: bool
) -> list[_SegmentFrame]:
    pixels = decode_pixels(file)
    kind = str(dataset.get("SegmentationType", "BINARY"))
    threshold = 0.5 * float(dataset.get("MaximumFractionalValue", 1) or 1) if kind == "FRACTIONAL" else 0.5
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    result: list[_SegmentFrame] = []
    place: dict[tuple[int, float], int] = {}
    for frame in frames_of(dataset, file):
        index = frame.index or 0
        if index >= pixels.shape[0]:
            raise damaged(file, f"its header describes more frames than the {pixels.shape[0]} in the file")
        groups = [per_frame[index]] if index < len(per_frame) else []
        groups += [shared] if shared is not None else []
        segment = _segment_number(groups)
        if kind == "LABELMAP":
            labels = pixels[index].astype(np.int32)
        elif segment is None:
            raise damaged(file, f"frame {index} has no segment number")
        else:
            labels = np.where(pixels[index] >= threshold, np.int32(segment), np.int32(0))
        source = _picture_of(groups, drawn_on)
        trigger = frame.trigger_ms if frame.trigger_ms is not None else source.trigger_ms if source else None
        order = _order(frame, source, trigger)
        if order is None:
            normal = frame.ijk_to_lps[:3, 2] / np.linalg.norm(frame.ijk_to_lps[:3, 2])
            key = (segment or 0, round(float(frame.ijk_to_lps[:3, 3] @ normal), 1))
            place[key] = place.get(key, -1) + 1
            order = float(place[key]) if frame.index is not None else float(offset + index)
            if alone:  # one file per frame: the instance numbers count the frames
                order += float(dataset.get("InstanceNumber", 0) or 0)
        rr = frame.rr_ms or (source.rr_ms if source else None)
        result.append(_SegmentFrame(frame, labels, order, trigger, rr))
    return result


def _order(frame: DicomFrame, source: DicomFrame | None, trigger_ms: float | None) -> float | None:
    """The value that sorts a frame in time; None if there is only its position in the file."""
    candidates = [trigger_ms, frame.temporal_position]
    if source is not None:
        candidates += [source.temporal_position, source.instance]
    if frame.index is None:
        candidates.append(frame.instance)
    return next((float(c) for c in candidates if c is not None), None)


def _segment_number(groups: Sequence[Dataset]) -> int | None:
    for group in groups:
        sequence = group.get("SegmentIdentificationSequence")
        if sequence:
            return int(sequence[0].get("ReferencedSegmentNumber", 0)) or None
    return None


def _picture_of(groups: Sequence[Dataset], drawn_on: dict[tuple[str, int], DicomFrame]) -> DicomFrame | None:
    """The source image of a frame, by its derivation image macro."""
    for group in groups:
        for derivation in group.get("DerivationImageSequence") or []:
            for source in derivation.get("SourceImageSequence") or []:
                number = source.get("ReferencedFrameNumber")
                first = number[0] if isinstance(number, list | tuple) else number
                key = (str(source.get("ReferencedSOPInstanceUID", "")), int(first) - 1 if first else 0)
                if key in drawn_on:
                    return drawn_on[key]
    return None


def _segment_names(dataset: Dataset) -> dict[int, str]:
    names = {}
    for segment in dataset.get("SegmentSequence") or []:
        codes = segment.get("SegmentedPropertyTypeCodeSequence") or []
        meanings = [str(code.get("CodeMeaning", "")) for code in codes]
        words = [str(segment.get("SegmentLabel", "")), str(segment.get("SegmentDescription", "")), *meanings]
        names[int(segment.get("SegmentNumber", 0) or 0)] = " ".join(words).lower()
    return names


def _structure_of(name: str) -> str | None:
    words = name.replace("_", " ").replace("-", " ").split()
    right = "right ventric" in name or "rv" in words
    if "myo" in words or "myocard" in name or "wall" in words:
        return None if right else "myo"
    if right:
        return "rv"
    return "lv" if "left ventric" in name or "lv" in words or "blood" in name or "cavity" in name else None


def _meaning(names: dict[int, str]) -> dict[str, str]:
    found = {number: _structure_of(name) for number, name in names.items()}
    structures = [s for s in found.values() if s is not None]
    if "myo" not in structures or len(set(structures)) != len(structures):
        return {}
    return {LABEL_KEY: ",".join(f"{s}={number}" for number, s in found.items() if s is not None)}


def _stack(group: Sequence[_SegmentFrame], times: list[float], name: str, metadata: dict[str, str]) -> FrameStack:
    shape = group[0].frame.shape
    if any(f.frame.shape != shape for f in group):
        raise LaMoDInputError(name, "its frames have different sizes", "export it again")
    labels = np.zeros((len(times), 1, *shape), dtype=np.int32)
    index = {order: t for t, order in enumerate(times)}
    triggers: list[float | None] = [None] * len(times)
    for f in group:
        t = index[f.order]
        triggers[t] = f.trigger_ms
        labels[t, 0] = np.where(f.labels > 0, f.labels, labels[t, 0])
    known = [t for t in triggers if t is not None]
    intervals = [f.rr_ms for f in group if f.rr_ms]
    return FrameStack(
        name=name,
        frames=labels,
        ijk_to_lps=group[0].frame.ijk_to_lps,
        frame_times_ms=np.array(known) if len(known) == len(times) and len(times) > 1 else None,
        rr_ms=float(np.median(intervals)) if intervals else None,
        metadata=metadata,
    )
