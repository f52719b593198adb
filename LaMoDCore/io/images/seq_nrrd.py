"""Slicer's sequence NRRD (.seq.nrrd): one volume per frame in one file, with the time of each.

The format is described in Slicer's developer guide, "Volume sequence file format": four axes of which one is
of kind ``list``, three spatial ones even for a single slice, and the key-value pairs
``axis A index type`` and ``axis A index values``. Slicer used to write the list axis first (A = 0) and now writes it
last (A = 3); both are read. The first is written, because every version of Slicer and ITK reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.images.frame_stack import ASSUMED_THICKNESS_MM, FrameStack
from LaMoDCore.io.images.frame_times import FileTimes, file_rr, file_times, gap_notes, regular_times, varying_number
from LaMoDCore.io.images.nrrd import (
    NrrdHeader,
    affine_of,
    format_vector,
    index_values,
    parse_header,
    read_voxels,
    write_nrrd,
)
from LaMoDCore.io.images.segment_nrrd import has_segments, read_segments
from LaMoDCore.runtime.blocks import Blocks
from LaMoDCore.runtime.bounded_reads import damaged, read_file
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted

_MS_PER_UNIT = {"ms": 1.0, "msec": 1.0, "millisecond": 1.0, "milliseconds": 1.0, "s": 1000.0, "sec": 1000.0}
_MS_PER_UNIT |= {"second": 1000.0, "seconds": 1000.0, "us": 0.001, "µs": 0.001}
_TIME_KINDS = ("list", "time")
_COMPONENT_KINDS = ("rgb-color", "rgba-color", "vector", "2-vector", "3-vector", "4-vector", "complex")
#: Kinds of an axis that holds one value per voxel if its size is 1.
_SINGLE_KINDS = (*_COMPONENT_KINDS, "scalar", "stub", "point", "covariant-vector", "normal")
_RR_KEY = "rr_ms"


def write_seq_nrrd(
    path: str | Path,
    frames: Array | Blocks,
    ijk_to_lps: Array,
    frame_times_ms: npt.ArrayLike | None,
    *,
    node_class: str = "vtkMRMLScalarVolumeNode",
    rr_ms: float | None = None,
    metadata: Mapping[str, str] | None = None,
    compress: bool = True,
) -> None:
    """Write frames [T, Z, H, W] as a sequence that Slicer and SimpleITK read; byte-stable and atomic.

    Args:
        path: the file; an existing one is replaced when the new one is complete.
        frames: [T, Z, H, W] of uint8, int16 or float32; or the same as `Blocks` of slices, [Z, H, W, T].
        ijk_to_lps: [4, 4], (column, row, slice) to LPS mm.
        frame_times_ms: [T]; None if they are unknown: the frames are then numbered.
        node_class: the MRML class of each volume; ``vtkMRMLLabelMapVolumeNode`` for masks.
        rr_ms: length of the cardiac cycle, stored in the file's metadata.
        metadata: further key-value pairs; Slicer shows them as the sequence's attributes.
        compress: False writes raw voxels, for files that are read once and deleted.

    Raises:
        ValueError: shapes or types do not fit.
    """
    voxels = frames if isinstance(frames, Blocks) else np.moveaxis(frames, 0, -1)
    count = voxels.shape[-1]
    times = np.asarray(np.arange(count) if frame_times_ms is None else frame_times_ms, dtype=np.float64)
    affine = np.asarray(ijk_to_lps, dtype=np.float64)
    if len(voxels.shape) != 4 or times.shape != (count,) or affine.shape != (4, 4):
        raise ValueError(
            f"frames [T, Z, H, W], frame_times_ms [T] and ijk_to_lps [4, 4] are needed, "
            f"got {voxels.shape} (time last), {times.shape} and {affine.shape}"
        )
    directions = " ".join(format_vector(affine[:3, axis]) for axis in range(3))
    fields = [
        "space: left-posterior-superior",
        f"space directions: none {directions}",
        "kinds: list domain domain domain",
        'labels: "time" "" "" ""',
        f'units: "{"" if frame_times_ms is None else "ms"}" "" "" ""',
        f"space origin: {format_vector(affine[:3, 3])}",
        "measurement frame: (1,0,0) (0,1,0) (0,0,1)",
    ]
    pairs = {
        "DataNodeClassName": node_class,
        "axis 0 index type": "numeric",
        "axis 0 index values": " ".join(repr(float(t)) for t in times),
    }
    if rr_ms is not None:
        pairs[_RR_KEY] = repr(float(rr_ms))
    pairs.update(metadata or {})
    write_nrrd(Path(path), voxels, fields, pairs, compress=compress)


def read_seq_nrrd(path: str | Path) -> FrameStack:
    """Read a 4-D NRRD: Slicer's sequence, its older multi-volume, or any with one list or time axis.

    Returns:
        frames [T, Z, H, W], with times in ms if the file has them. A 2-D + time image becomes one slice; an image
        without a time axis has T = 1.

    Raises:
        LaMoDInputError: the file is missing, damaged or too large, or contains something else.
    """
    path = Path(path)
    data = read_file(path)
    header = parse_header(data, path)
    if has_segments(header):
        return read_segments(header, data, path)
    _refuse_other_kinds(header, path)
    axes = axes_of(header)
    if len(axes.space) not in (2, 3):
        raise LaMoDInputError(
            path,
            f"it has {len(axes.space)} axes in space",
            "save one value per voxel over columns, rows, slices and time",
        )
    voxels = read_voxels(header, data, path)
    frames = voxels.transpose(axes.array_order(len(header.sizes)))
    frames = frames.reshape(frames.shape[len(axes.single) :])
    frames = frames if axes.time is not None else frames[None]
    affine, oriented = _affine(header, axes.space, path)
    rr_ms, rr_note, rr_problem = file_rr(_positive(header.metadata.get(_RR_KEY)), path.name)
    notes: list[Note] = [] if rr_note is None else [rr_note]
    times, order = FileTimes(), None
    if axes.time is not None:
        times, order = _times(header, axes.time, path, notes)
    frames = frames if order is None else frames[order]
    return FrameStack(
        name=path.name,
        frames=np.ascontiguousarray(frames if len(axes.space) == 3 else frames[:, None]),
        ijk_to_lps=affine,
        frame_times_ms=times.times_ms,
        rr_ms=rr_ms,
        rr_problem=rr_problem,
        has_orientation=oriented,
        metadata=dict(header.metadata),
        notes=(*notes, times.note) if times.note else tuple(notes),
        time_problem=times.problem,
        thickness_known=len(axes.space) == 3,
    )


@dataclass(frozen=True)
class SequenceAxes:
    """The axes of a NRRD header: in space, in time (None without), and of size 1, which hold one value per voxel."""

    space: tuple[int, ...]
    time: int | None
    single: tuple[int, ...]

    def array_order(self, count: int) -> list[int]:
        """Transposition of the voxels (axes in reverse file order) to single axes, time, slices, rows, columns."""
        order = [*self.single, *([] if self.time is None else [self.time]), *reversed(self.space)]
        return [count - 1 - axis for axis in order]


def axes_of(header: NrrdHeader) -> SequenceAxes:
    """The role of each axis of a header."""
    directed = any(vector is not None for vector in header.directions)
    single = tuple(
        axis
        for axis, (kind, size, vector) in enumerate(zip(header.kinds, header.sizes, header.directions, strict=True))
        if size == 1 and (kind in _SINGLE_KINDS or (directed and vector is None and kind == "???"))
    )
    # of two lists, one of a single entry holds nothing
    lists = [axis for axis, kind in enumerate(header.kinds) if kind in _TIME_KINDS and header.sizes[axis] == 1]
    single += tuple(lists[: max(0, len(header.sizes) - len(single) - 4)])
    others = tuple(axis for axis in range(len(header.sizes)) if axis not in single)
    time = _time_axis(header, others)
    return SequenceAxes(tuple(axis for axis in others if axis != time), time, single)


def _refuse_other_kinds(header: NrrdHeader, path: Path) -> None:
    for kind, size in zip(header.kinds, header.sizes, strict=True):
        if size > 1 and ((kind in _COMPONENT_KINDS and not _is_frames(kind, size)) or "matrix" in kind):
            raise LaMoDInputError(path, f"each of its voxels is a {kind}", "save a labelmap: one value per voxel")


def _is_frames(kind: str, size: int) -> bool:
    """ITK rewrites a sequence as vectors: more than six components are frames."""
    return kind == "vector" and size > 6


def _time_axis(header: NrrdHeader, axes: tuple[int, ...]) -> int | None:
    """Index of the time axis among `axes`; None if there is none."""
    named = [
        axis for axis in axes if header.kinds[axis] in _TIME_KINDS or _is_frames(header.kinds[axis], header.sizes[axis])
    ]
    vectors = {axis: header.directions[axis] for axis in axes}
    # in the spaces with time, the fourth component of a direction is time
    named += [axis for axis, v in vectors.items() if v is not None and len(v) == 4 and not any(v[:3]) and v[3]]
    if named:
        return named[0]
    undirected = [axis for axis in axes if vectors[axis] is None]
    if len(axes) == 4:
        return undirected[0] if len(undirected) == 1 else axes[3]
    labelled = [axis for axis in axes if header.labels[axis].lower() in ("time", "t", "frame")]
    if labelled:
        return labelled[0]
    return undirected[0] if len(axes) == 3 and len(undirected) == 1 else None


def _affine(header: NrrdHeader, axes: tuple[int, ...], path: Path) -> tuple[Array, bool]:
    """``ijk_to_lps`` [4, 4] of two or three axes in space, and whether the file has an orientation."""
    if len(axes) == 3:
        return affine_of(header, (axes[0], axes[1], axes[2]), path)
    columns, rows = (header.directions[axis] for axis in axes)
    if columns is None or rows is None or len(columns) < 3 or len(rows) < 3:
        return np.diag([*(_spacing(header, axis) for axis in axes), ASSUMED_THICKNESS_MM, 1.0]), False
    affine, oriented = affine_of(header, (axes[0], axes[1], axes[1]), path)
    with np.errstate(all="ignore"):  # `check_grid` refuses a degenerate matrix
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        affine[:3, 2] = ASSUMED_THICKNESS_MM * normal / np.linalg.norm(normal)
    return affine, oriented


def _spacing(header: NrrdHeader, axis: int) -> float:
    vector = header.directions[axis]
    value = float(np.linalg.norm(vector)) if vector is not None else header.spacings[axis]
    return value if np.isfinite(value) and value > 0 else 1.0


def frame_order(header: NrrdHeader, axis: int, path: Path) -> Array | None:
    """int [T]: stored positions of the frames in the order of their index values; None if they are in order."""
    return _times(header, axis, path, [])[1]


def _times(header: NrrdHeader, axis: int, path: Path, notes: list[Note]) -> tuple[FileTimes, Array | None]:
    """The frame times, in ascending order, and the stored positions of the frames if these are in another order."""
    frames = header.sizes[axis]
    unit = header.units[axis].strip().lower()
    text = _index_text(header, axis)
    if text is not None:
        words = index_values(text)
    elif "MultiVolume.FrameLabels" in header.metadata:  # Slicer's older multi-volume files
        words = header.metadata["MultiVolume.FrameLabels"].replace(",", " ").split()
        unit = header.metadata.get("MultiVolume.FrameIdentifyingDICOMTagUnits", "ms").strip().lower()
    else:
        return _times_from_spacing(header, axis, path), None
    if len(words) != frames:
        raise damaged(path, f"it has {counted(frames, 'frame')} and {counted(len(words), 'index value')}")
    found = _numbers(words)
    if found is None:
        notes.append(note("frames_not_timed", "The frames have names instead of times.", source=path.name))
        return FileTimes(), None
    values, named_unit = found
    unit = named_unit or unit
    if not np.isfinite(values).all():
        raise damaged(path, "its index values are not finite")
    if len(set(values.tolist())) < frames:
        raise LaMoDInputError(
            path, "several of its frames have the same index value", "give each frame its time or number as index value"
        )
    order = None
    if (np.diff(values) < 0).any():
        order = np.argsort(values, kind="stable")
        values = values[order]
        text = "The frames are stored in another order than their index values; they were sorted by these."
        notes.append(note("frames_sorted_by_index", text, source=path.name))
    if unit not in _MS_PER_UNIT and np.allclose(values, np.rint(values)) and np.median(np.diff(values)) < 2:
        return _numbered(values), order
    times = file_times(values, _MS_PER_UNIT.get(unit), path.name)
    if times.times_ms is not None:
        notes += gap_notes(times.times_ms, path.name)
    return times, order


def _index_text(header: NrrdHeader, axis: int) -> str | None:
    """The index values of the time axis, under the axis' own number or under the one that Slicer writes."""
    for number in (axis, 0, 3, *range(len(header.sizes))):
        text = header.metadata.get(f"axis {number} index values")
        if text is not None:
            return text
    return None


def _numbers(words: list[str]) -> tuple[Array, str] | None:
    """The numbers in index values such as ``31.04``, ``frame 12`` or ``t=31.04 ms``, and their unit; None without."""
    try:
        return np.array([float(word) for word in words]), ""
    except ValueError:
        numbered = varying_number(words)
    if numbered is None:
        return None
    unit = numbered.after.strip().lower()
    return numbered.values, unit if unit in _MS_PER_UNIT else ""


def _numbered(values: Array) -> FileTimes:
    """No times for frame numbers, Slicer's default index; numbers that skip frames cannot be spaced evenly."""
    if values.size > 1 and (np.diff(values) != 1).any():
        return FileTimes(problem="its index values are frame numbers that skip frames")
    return FileTimes()


def _times_from_spacing(header: NrrdHeader, axis: int, path: Path) -> FileTimes:
    vector = header.directions[axis]
    step = header.spacings[axis] if vector is None else float(np.linalg.norm(vector))
    unit = header.units[axis].strip().lower()
    return regular_times(step, header.sizes[axis], _MS_PER_UNIT.get(unit), path.name)


def _positive(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else float("nan")
    except ValueError:
        return None
    return value if np.isfinite(value) and value > 0 else None
