"""Slicer's sequence NRRD (.seq.nrrd): one volume per frame in one file, with the time of each.

The format is described in Slicer's developer guide, "Volume sequence file format": four axes of which one is
of kind ``list``, three spatial ones even for a single slice, and the key-value pairs
``axis A index type`` and ``axis A index values``. Slicer used to write the list axis first (A = 0) and now writes it
last (A = 3); both are read. The first is written, because every version of Slicer and ITK reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.frame_step import frame_step_ms
from LaMoDCore.io.images.nrrd import (
    NrrdHeader,
    affine_of,
    format_vector,
    index_values,
    parse_header,
    read_voxels,
    write_nrrd,
)
from LaMoDCore.runtime.bounded_reads import damaged, read_file
from LaMoDCore.runtime.errors import LaMoDInputError

_MS_PER_UNIT = {"ms": 1.0, "msec": 1.0, "millisecond": 1.0, "milliseconds": 1.0, "s": 1000.0, "sec": 1000.0}
_MS_PER_UNIT |= {"second": 1000.0, "seconds": 1000.0, "us": 0.001, "µs": 0.001}
_TIME_KINDS = ("list", "time")
_COMPONENT_KINDS = ("rgb-color", "rgba-color", "vector", "2-vector", "3-vector", "4-vector", "complex")
_RR_KEY = "rr_ms"


def write_seq_nrrd(
    path: str | Path,
    frames: Array,
    ijk_to_lps: Array,
    frame_times_ms: npt.ArrayLike | None,
    *,
    node_class: str = "vtkMRMLScalarVolumeNode",
    rr_ms: float | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write frames [T, Z, H, W] as a sequence that Slicer and SimpleITK read; byte-stable and atomic.

    Args:
        path: the file; an existing one is replaced when the new one is complete.
        frames: [T, Z, H, W] of uint8, int16 or float32.
        ijk_to_lps: [4, 4], (column, row, slice) to LPS mm.
        frame_times_ms: [T]; None if they are unknown: the frames are then numbered.
        node_class: the MRML class of each volume; ``vtkMRMLLabelMapVolumeNode`` for masks.
        rr_ms: length of the cardiac cycle, stored in the file's metadata.
        metadata: further key-value pairs; Slicer shows them as the sequence's attributes.

    Raises:
        ValueError: shapes or types do not fit.
    """
    times = np.asarray(np.arange(len(frames)) if frame_times_ms is None else frame_times_ms, dtype=np.float64)
    affine = np.asarray(ijk_to_lps, dtype=np.float64)
    if frames.ndim != 4 or times.shape != frames.shape[:1] or affine.shape != (4, 4):
        raise ValueError(
            f"frames [T, Z, H, W], frame_times_ms [T] and ijk_to_lps [4, 4] are needed, "
            f"got {frames.shape}, {times.shape} and {affine.shape}"
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
    write_nrrd(Path(path), np.moveaxis(frames, 0, -1), fields, pairs)


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
    _refuse_other_kinds(header, path)
    time_axis = time_axis_of(header)
    space_axes = [axis for axis in range(len(header.sizes)) if axis != time_axis]
    if len(space_axes) not in (2, 3):
        raise LaMoDInputError(
            path,
            f"it has {len(space_axes)} axes in space",
            "save one value per voxel over columns, rows, slices and time",
        )
    voxels = read_voxels(header, data, path)
    notes: list[Note] = []
    number_of_axes = len(header.sizes)
    order = [number_of_axes - 1 - axis for axis in reversed(space_axes)]
    if time_axis is None:
        frames = voxels.transpose(order)[None]
    else:
        frames = voxels.transpose([number_of_axes - 1 - time_axis, *order])
    if len(space_axes) == 2:
        frames = frames[:, None]
        affine, oriented = np.diag([*(_spacing(header, a) for a in space_axes), 1.0, 1.0]), False
    else:
        affine, oriented = affine_of(header, (space_axes[0], space_axes[1], space_axes[2]), path)
    times = None if time_axis is None else _times_ms(header, time_axis, path, notes)
    return FrameStack(
        name=path.name,
        frames=np.ascontiguousarray(frames),
        ijk_to_lps=affine,
        frame_times_ms=times,
        rr_ms=_positive(header.metadata.get(_RR_KEY)),
        has_orientation=oriented,
        metadata=dict(header.metadata),
        notes=tuple(notes),
    )


def _refuse_other_kinds(header: NrrdHeader, path: Path) -> None:
    if any(key.startswith("Segment0_") for key in header.metadata):
        raise LaMoDInputError(
            path,
            "it is a segmentation (.seg.nrrd), whose list axis contains layers, not time",
            "export the segmentation of each frame as a labelmap sequence (.seq.nrrd)",
        )
    for kind, size in zip(header.kinds, header.sizes, strict=True):
        if (kind in _COMPONENT_KINDS and not _is_frames(kind, size)) or "matrix" in kind:
            raise LaMoDInputError(path, f"each of its voxels is a {kind}", "save a labelmap: one value per voxel")


def _is_frames(kind: str, size: int) -> bool:
    """ITK rewrites a sequence as vectors: more than six components are frames."""
    return kind == "vector" and size > 6


def time_axis_of(header: NrrdHeader) -> int | None:
    """Index of the time axis; None if there is none."""
    named = [
        axis
        for axis, (kind, size) in enumerate(zip(header.kinds, header.sizes, strict=True))
        if kind in _TIME_KINDS or _is_frames(kind, size)
    ]
    if named:
        return named[0]
    if len(header.sizes) == 4:
        undirected = [axis for axis, vector in enumerate(header.directions) if vector is None]
        return undirected[0] if len(undirected) == 1 else 3
    labelled = [axis for axis, label in enumerate(header.labels) if label.lower() in ("time", "t", "frame")]
    return labelled[0] if labelled else None


def _spacing(header: NrrdHeader, axis: int) -> float:
    vector = header.directions[axis]
    value = float(np.linalg.norm(vector)) if vector is not None else header.spacings[axis]
    return value if np.isfinite(value) and value > 0 else 1.0


def _times_ms(header: NrrdHeader, axis: int, path: Path, notes: list[Note]) -> Array | None:
    frames = header.sizes[axis]
    text = header.metadata.get("axis 0 index values") or header.metadata.get("axis 3 index values")
    unit = header.units[axis].strip().lower()
    if text is not None:
        values = index_values(text)
    elif "MultiVolume.FrameLabels" in header.metadata:  # Slicer's older multi-volume files
        values = header.metadata["MultiVolume.FrameLabels"].replace(",", " ").split()
        unit = header.metadata.get("MultiVolume.FrameIdentifyingDICOMTagUnits", "ms").strip().lower()
    else:
        return _times_from_spacing(header, axis, path, notes)
    if len(values) != frames:
        raise damaged(path, f"it has {frames} frames and {len(values)} index values")
    try:
        times = np.array([float(v) for v in values])
    except ValueError:
        notes.append(note("frames_not_timed", "The frames have names instead of times.", source=path.name))
        return None
    if not np.isfinite(times).all():
        raise damaged(path, "its index values are not finite")
    if unit in _MS_PER_UNIT:
        return times * _MS_PER_UNIT[unit]
    if np.allclose(times, np.arange(frames) + times[0]):  # frame numbers, Slicer's default index
        return None
    step = float(np.median(np.diff(times))) if frames > 1 else 1.0
    step_ms, doubt = frame_step_ms(step, None, path.name)
    notes += [doubt] if doubt else []
    return None if step_ms is None else times * (step_ms / step)


def _times_from_spacing(header: NrrdHeader, axis: int, path: Path, notes: list[Note]) -> Array | None:
    vector = header.directions[axis]
    step = header.spacings[axis] if vector is None else float(np.linalg.norm(vector))
    unit = header.units[axis].strip().lower()
    step_ms, doubt = frame_step_ms(step, _MS_PER_UNIT.get(unit), path.name)
    notes += [doubt] if doubt else []
    return None if step_ms is None else np.arange(header.sizes[axis]) * step_ms


def _positive(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else float("nan")
    except ValueError:
        return None
    return value if np.isfinite(value) and value > 0 else None
