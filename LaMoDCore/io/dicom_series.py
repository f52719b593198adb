"""DICOM folders as hospitals export them: series found, sorted by position and trigger time, read.

Classic MR (a file a frame) and enhanced multi-frame MR alike become :class:`DicomFrame` records first;
grouping and sorting see only these. Segmentations (SEG) are `dicom_seg`'s.
"""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.geometry import Array, SliceGrid
from LaMoDCore.io.bounded import check_size, damaged, first_words
from LaMoDCore.io.frame_stack import FrameStack

#: Frames closer than this along the normal belong to one slice.
SAME_SLICE_MM = 0.5
#: A series is called short-axis where its normal is within about 45° of the heart's expected axis.
SHORT_AXIS_COSINE = 0.7
#: Fewer frames than this at one position are no cine.
CINE_FRAMES = 8

SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, eq=False)
class DicomFrame:
    """One picture of a series: where its pixels are, where it lies and when it was taken."""

    file: Path
    index: int | None
    shape: tuple[int, int]
    ijk_to_lps: Array
    trigger_ms: float | None
    rr_ms: float | None
    temporal_position: float | None
    acquisition: float | None
    instance: float | None
    uid: str


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """The frames of one series that share orientation, pixel grid and picture type."""

    uid: str
    number: int | None
    description: str
    modality: str
    frames: tuple[DicomFrame, ...]
    is_segmentation: bool = False
    notes: tuple[str, ...] = ()

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


def is_dicom_file(path: Path) -> bool:
    """Whether a file carries the DICOM mark after its preamble."""
    try:
        with path.open("rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_dataset(path: Path, *, pixels: bool) -> Dataset:
    """Parse one file; every complaint of the parser becomes a sentence.

    Raises:
        LaMoDInputError: the file is no readable DICOM.
    """
    check_size(path, path.stat().st_size)
    with parsing_dicom(path):
        return pydicom.dcmread(path, stop_before_pixels=not pixels)


@contextmanager
def parsing_dicom(path: Path) -> Iterator[None]:
    """Turn whatever pydicom raises into a sentence; it decodes an element only when that is asked for.

    Raises:
        LaMoDInputError: the file is no readable DICOM.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values that break the standard's limits are usual
            yield
    except LaMoDInputError:
        raise
    except Exception as error:
        raise damaged(path, f"it cannot be read as DICOM ({first_words(error)})") from error


def find_series(files: Iterable[Path]) -> tuple[tuple[DicomSeries, ...], tuple[str, ...]]:
    """Sort DICOM files into series.

    Returns:
        The series in order of number and description, and notes on files that were left out.
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
        notes.append(f"{unreadable} DICOM file(s) could not be read and were left out.")
    if duplicates:
        notes.append(f"{duplicates} duplicate DICOM instance(s) were left out.")
    if without_position:
        notes.append(f"{without_position} DICOM file(s) without a picture or position were left out.")
    series = []
    for key, members in groups.items():
        uid, _, number, description, modality, segmentation = facts[key]
        series.append(DicomSeries(uid, number, description, modality, tuple(members), segmentation))
    series.sort(key=lambda s: (s.number is None, s.number or 0, s.description, s.uid, len(s.frames)))
    return tuple(series), tuple(notes)


def _facts(dataset: Dataset) -> tuple[str, str, int | None, str, str, bool]:
    """Series UID, kind of picture (magnitude, phase ...), number, description, modality, whether it is a SEG."""
    image_type = dataset.get("ImageType") or []
    return (
        str(dataset.get("SeriesInstanceUID", "")),
        str(image_type[2]) if not isinstance(image_type, str) and len(image_type) > 2 else "",
        _integer(dataset.get("SeriesNumber")),
        "".join(c if c.isprintable() else "?" for c in str(dataset.get("SeriesDescription", ""))),
        str(dataset.get("Modality", "")),
        str(dataset.get("SOPClassUID", "")) in SEGMENTATION_CLASSES,
    )


def frames_of(dataset: Dataset, file: Path) -> list[DicomFrame]:
    """The frames of one instance; empty where it holds no picture in patient space.

    Raises:
        LaMoDInputError: header values that make no sense.
    """
    rows, columns = _integer(dataset.get("Rows")), _integer(dataset.get("Columns"))
    if not rows or not columns:
        return []
    count = _integer(dataset.get("NumberOfFrames")) or 1
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    enhanced = shared is not None or len(per_frame) > 0
    if enhanced and len(per_frame) != count:
        raise damaged(file, f"it promises {count} frames and describes {len(per_frame)}")
    frames = []
    for index in range(count if enhanced else 1):
        groups = [per_frame[index], shared, dataset] if enhanced else [dataset]
        groups = [g for g in groups if g is not None]
        affine = _affine(groups)
        if affine is None:
            continue
        frames.append(
            DicomFrame(
                file=file,
                index=index if count > 1 else None,
                shape=(rows, columns),
                ijk_to_lps=affine,
                trigger_ms=_trigger(groups),
                rr_ms=_rr(groups),
                temporal_position=_lookup(
                    groups,
                    ("FrameContentSequence", "TemporalPositionIndex"),
                    ("", "TemporalPositionIdentifier"),
                    ("", "TemporalPositionIndex"),
                ),
                acquisition=_lookup(
                    groups, ("FrameContentSequence", "FrameAcquisitionNumber"), ("", "AcquisitionNumber")
                ),
                instance=float(index) if count > 1 else _number(dataset.get("InstanceNumber")),
                uid=str(dataset.get("SOPInstanceUID", file)),
            )
        )
    return frames


def _first(dataset: Dataset, keyword: str) -> Dataset | None:
    sequence = dataset.get(keyword)
    return sequence[0] if sequence is not None and len(sequence) else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _integer(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _values(groups: Sequence[Dataset], *places: tuple[str, str]) -> Any:
    """The first value found: for each (macro, keyword), in the frame's groups, the shared ones, the top."""
    for macro, keyword in places:
        for group in groups:
            holder = _first(group, macro) if macro else group
            value = None if holder is None else holder.get(keyword)
            if value is not None and value != "":
                return value
    return None


def _lookup(groups: Sequence[Dataset], *places: tuple[str, str]) -> float | None:
    return _number(_values(groups, *places))


def _vector(value: Any, length: int) -> Array | None:
    try:
        vector = np.array([float(v) for v in value])
    except (TypeError, ValueError):
        return None
    return vector if vector.shape == (length,) and np.isfinite(vector).all() else None


def _affine(groups: Sequence[Dataset]) -> Array | None:
    """PS3.3 C.7.6.2.1.1: pixel (column i, row j) to LPS, from position, orientation and spacing."""
    position = _vector(
        _values(groups, ("PlanePositionSequence", "ImagePositionPatient"), ("", "ImagePositionPatient")), 3
    )
    orientation = _vector(
        _values(groups, ("PlaneOrientationSequence", "ImageOrientationPatient"), ("", "ImageOrientationPatient")),
        6,
    )
    spacing = _vector(_values(groups, ("PixelMeasuresSequence", "PixelSpacing"), ("", "PixelSpacing")), 2)
    if position is None or orientation is None or spacing is None or (spacing <= 0).any():
        return None
    x, y = orientation[:3], orientation[3:]
    normal = np.cross(x, y)
    if np.linalg.norm(normal) < 0.5:
        return None
    thickness = _lookup(groups, ("PixelMeasuresSequence", "SliceThickness"), ("", "SliceThickness"))
    affine = np.eye(4)
    affine[:3, 0] = x / np.linalg.norm(x) * spacing[1]
    affine[:3, 1] = y / np.linalg.norm(y) * spacing[0]
    affine[:3, 2] = normal / np.linalg.norm(normal) * (thickness if thickness and thickness > 0 else 8.0)
    affine[:3, 3] = position
    return affine


def _trigger(groups: Sequence[Dataset]) -> float | None:
    return _lookup(
        groups,
        ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
        ("CardiacSynchronizationSequence", "ActualCardiacTriggerDelayTime"),
        ("", "TriggerTime"),
        ("", "NominalCardiacTriggerDelayTime"),
    )


def _rr(groups: Sequence[Dataset]) -> float | None:
    interval = _lookup(groups, ("CardiacSynchronizationSequence", "RRIntervalTimeNominal"), ("", "NominalInterval"))
    if interval is None or interval <= 0:
        rate = _lookup(groups, ("", "HeartRate"))
        interval = 60_000.0 / rate if rate is not None and rate > 0 else None
    return interval


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


def sort_in_time(frames: Sequence[DicomFrame], name: str) -> tuple[list[DicomFrame], Array | None, list[str]]:
    """Frames of one slice in order of the cycle.

    By trigger time where it tells frames apart, else by temporal position, acquisition or instance
    number, with a note. Frames of one trigger time are copies of one picture: the first instance is kept.

    Returns:
        frames, their trigger times [T] in ms or None, notes.
    """
    frames = sorted(frames, key=lambda f: (f.instance is None, f.instance or 0.0, str(f.file)))
    notes: list[str] = []
    triggers = [f.trigger_ms for f in frames]
    if all(t is not None for t in triggers) and len(set(triggers)) > max(1, len(frames) // 4):
        unique: dict[float, DicomFrame] = {}
        for frame in frames:
            unique.setdefault(float(frame.trigger_ms or 0.0), frame)
        if len(unique) < len(frames):
            notes.append(f"{name}: {len(frames) - len(unique)} picture(s) of the same trigger time were left out.")
        times = np.array(sorted(unique))
        return [unique[float(t)] for t in times], times, [*notes, *gap_notes(times, name)]
    for attribute, words in (
        ("temporal_position", "temporal position"),
        ("acquisition", "acquisition number"),
        ("instance", "instance number"),
    ):
        values = [getattr(f, attribute) for f in frames]
        if all(v is not None for v in values) and len(set(values)) == len(values):
            notes.append(f"{name}: no trigger times; frames were sorted by {words}.")
            return [f for _, f in sorted(zip(values, frames, strict=True), key=lambda p: p[0])], None, notes
    notes.append(f"{name}: nothing tells the order of its frames; the order of the files was taken.")
    return list(frames), None, notes


def gap_notes(times_ms: Array, name: str) -> list[str]:
    """Say where frames seem to be missing or intervals vary."""
    if times_ms.size < 3:
        return []
    steps = np.diff(times_ms)
    usual = float(np.median(steps))
    missing = int(np.sum(np.round(steps / usual) - 1)) if usual > 0 else 0
    if 0 < missing <= times_ms.size:
        return [f"{name}: {missing} frame(s) seem to be missing; the times of the others were kept."]
    if usual > 0 and np.abs(steps / usual - 1).max() > 0.2:
        return [
            f"{name}: its frame interval varies from {steps.min():.1f} to {steps.max():.1f} ms; true times were kept."
        ]
    return []


def read_slices(series: DicomSeries, wanted: Container[int] | None = None) -> tuple[FrameStack, ...]:
    """Read the pictures of a series: one stack [T, 1, H, W] a slice position, from base to apex.

    Args:
        series: what to read.
        wanted: indices into ``series.positions``; all by default.

    Raises:
        LaMoDInputError: a picture cannot be decoded.
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
                has_time_axis=len(frames) > 1,
                notes=tuple(notes),
            )
        )
    return tuple(stacks)


def frame_pixels(frame: DicomFrame, cache: dict[Path, Array]) -> Array:
    """One picture [H, W] with its rescale slope; multi-frame files are decoded once and kept in ``cache``."""
    if frame.index is None:
        return decode_pixels(frame.file)[0]
    if frame.file not in cache:
        cache.clear()
        cache[frame.file] = decode_pixels(frame.file)
    pixels = cache[frame.file]
    if frame.index >= pixels.shape[0]:
        raise damaged(frame.file, f"it promises more frames than the {pixels.shape[0]} it holds")
    return np.asarray(pixels[frame.index])


def decode_pixels(file: Path) -> Array:
    """The stored pictures [N, H, W] of one file, scaled.

    Raises:
        LaMoDInputError: no pictures, colour, or a compression that cannot be decoded here.
    """
    dataset = read_dataset(file, pixels=True)
    with parsing_dicom(file):
        if not any(keyword in dataset for keyword in _PIXEL_KEYWORDS):
            raise LaMoDInputError(file, "it holds no picture", "choose the series with the images")
        if (_integer(dataset.get("SamplesPerPixel")) or 1) != 1:
            raise LaMoDInputError(file, "it is a colour picture", "choose the original series, not a screenshot")
        rows, columns = _integer(dataset.get("Rows")) or 0, _integer(dataset.get("Columns")) or 0
        count = _integer(dataset.get("NumberOfFrames")) or 1
        slope, intercept = _rescale(dataset)
        check_size(file, rows * columns * count * 4)
        pixels = _stored_pixels(dataset, file)
    pixels = pixels.reshape((-1, *pixels.shape[-2:])) if pixels.ndim >= 2 else pixels
    if pixels.shape != (count, rows, columns):
        raise damaged(file, f"its picture is {pixels.shape} where its header says {(count, rows, columns)}")
    return pixels if (slope, intercept) == (1.0, 0.0) else pixels * np.float32(slope) + np.float32(intercept)


def _stored_pixels(dataset: Dataset, file: Path) -> Array:
    try:
        return np.asarray(dataset.pixel_array)
    except Exception as error:  # pydicom raises whatever the bytes lead it to
        if not _is_compressed(dataset):  # ITK would fill up what a cut-off picture lacks
            raise damaged(file, f"its picture cannot be decoded ({first_words(error)})") from error
        return _decode_with_simpleitk(file, error)


def _rescale(dataset: Dataset) -> tuple[float, float]:
    groups = [dataset]
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    if shared is not None:
        groups.append(shared)
    slope = _lookup(groups, ("PixelValueTransformationSequence", "RescaleSlope"), ("", "RescaleSlope"))
    intercept = _lookup(groups, ("PixelValueTransformationSequence", "RescaleIntercept"), ("", "RescaleIntercept"))
    return slope or 1.0, intercept or 0.0


def _is_compressed(dataset: Dataset) -> bool:
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    return syntax is not None and bool(syntax.is_compressed)


def _decode_with_simpleitk(file: Path, first: BaseException) -> Array:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(file))
    try:
        return np.asarray(sitk.GetArrayFromImage(reader.Execute()))
    except RuntimeError:
        raise LaMoDInputError(
            file,
            f"its picture cannot be decoded ({first_words(first)})",
            "the file is cut off or compressed in a way that is not read here: export it uncompressed",
        ) from first
