"""DENSEanalysis workspaces (.dns): a MATLAB v5 file of images, DICOM headers, groups and contours.

`seq` contains one header per series, `img` its pixels [H, W, T], `dns` the groups of series with their encoding, and
`roi` the contours. Conventions of DENSEanalysis (github.com/denseanalysis): 12-bit phase is 2π I/4095 − π; `SwapFlag`
exchanges x and y, then `NegFlag` negates; displacement in pixels is phase / (2π Scale EncFreq spacing); contours
are (x, y) counted from 1, epicardium first; `TranslationRC` shifts a series by whole pixels.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import note
from LaMoDCore.heart.ring.curves import ring_mask
from LaMoDCore.io.dense.images import (
    POSITION_UNKNOWN,
    DenseImages,
    check_lengths,
    effective_ke,
    phase_in_radians,
)
from LaMoDCore.io.dense.matlab_bounds import read_bounded_mat
from LaMoDCore.io.dense.timing import dense_timing, number
from LaMoDCore.io.images.frame_stack import ASSUMED_THICKNESS_MM
from LaMoDCore.runtime.bounded_reads import first_words
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.schema import ArrayOf, Kind, refuse_faults

#: Fields of a group and of a series' header; NaN where there is no value.
_GROUP: dict[str, Kind] = {
    "PhaIndex": ArrayOf((-1,), "fiub", -1, 1e6, finite=False),
    "MagIndex": ArrayOf((-1,), "fiub", -1, 1e6, finite=False),
    "SwapFlag": ArrayOf((-1,), "fiub", -1, 255, finite=False),
    "NegFlag": ArrayOf((-1,), "fiub", -1, 255, finite=False),
    "Scale": ArrayOf((-1,), "fiub", -1e6, 1e6, finite=False),
    "EncFreq": ArrayOf((-1,), "fiub", -1e6, 1e6, finite=False),
}
_HEADER: dict[str, Kind] = {
    "PixelSpacing": ArrayOf((-1,), "fiub", 0, 1e3, finite=False),
    "ImagePositionPatient": ArrayOf((-1,), "fiub", -1e5, 1e5),
    "ImageOrientationPatient": ArrayOf((-1,), "fiub", -1.01, 1.01),
    "SliceThickness": ArrayOf((-1,), "fiub", -1e3, 1e3, finite=False),
}
_NEW_EXPORT = "save the workspace again in DENSEanalysis"


def read_workspace(
    path: Path, *, ke: float | None = None, frame_ms: float | None = None, rr_ms: float | None = None
) -> tuple[DenseImages, ...]:
    """Read every 2-D DENSE group of a workspace.

    Args:
        path: the .dns file.
        ke: effective encoding frequency in cycles/mm; overrides the workspace.
        frame_ms: duration of a frame; overrides the headers.
        rr_ms: R–R interval; overrides the headers.

    Raises:
        LaMoDInputError: it cannot be read, or contains no pair of x and y phase.
    """
    content = _load(path)
    try:
        return _groups(path, content, ke, frame_ms, rr_ms)
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        reason = f"its contents are not those of a DENSEanalysis workspace ({first_words(error)})"
        raise LaMoDInputError(path, reason, _NEW_EXPORT) from error


def _groups(
    path: Path, content: dict[str, Any], ke: float | None, frame_ms: float | None, rr_ms: float | None
) -> tuple[DenseImages, ...]:
    missing = [key for key in ("seq", "img", "dns") if key not in content]
    if missing:
        raise LaMoDInputError(path, f"the workspace has no '{missing[0]}'", _NEW_EXPORT)
    series, pixels = _items(content["seq"]), _items(content["img"])
    groups, contours = _items(content["dns"]), _items(content.get("roi"))
    found = []
    for group in groups:
        refuse_faults(_field_faults(group, _GROUP), path, _NEW_EXPORT)
        if _index(group, "PhaIndex", 0) is None or _index(group, "PhaIndex", 1) is None:
            continue
        found.append(_read_group(path, group, series, pixels, contours, ke, frame_ms, rr_ms))
    if not found:
        raise LaMoDInputError(path, "the workspace has no group with both x and y phase", _NEW_EXPORT)
    return tuple(found)


def _field_faults(holder: Any, kinds: Mapping[str, Kind]) -> Iterator[str]:
    """Faults of the numbers in the fields of a MATLAB structure; fields that are missing or empty have none."""
    for name, kind in kinds.items():
        value = getattr(holder, name, None)
        values = np.atleast_1d(np.asarray(0.0 if value is None else value)).ravel()
        if value is not None and values.size and values.dtype.kind not in "US":  # headers of some exports hold text
            yield from kind.faults(values, name)


def _load(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    data = io.BytesIO(read_bounded_mat(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dict(loadmat(data, appendmat=False, squeeze_me=True, struct_as_record=False))
    except NotImplementedError as error:
        raise LaMoDInputError(path, "it is a MATLAB v7.3 file", "save it in MATLAB with the option -v7") from error
    except Exception as error:  # scipy's parser raises many kinds of exception on unexpected bytes
        raise LaMoDInputError(path, "it is damaged or not a DENSEanalysis workspace", _NEW_EXPORT) from error


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, np.ndarray) and value.dtype == object:
        return list(value.ravel())
    return [value] if not isinstance(value, np.ndarray) or value.size else []


def _index(group: Any, field: str, axis: int) -> int | None:
    """Index from 0 of the series of one encoding; None if the group has none (NaN)."""
    values = np.atleast_1d(np.asarray(getattr(group, field, np.nan), dtype=np.float64))
    if axis >= values.size or not np.isfinite(values[axis]) or values[axis] < 1:
        return None
    return int(values[axis]) - 1


def _read_group(
    path: Path,
    group: Any,
    series: list[Any],
    pixels: list[Any],
    contours: list[Any],
    ke: float | None,
    frame_ms: float | None,
    rr_ms: float | None,
) -> DenseImages:
    name = str(getattr(group, "Name", "") or "DENSE")
    order = (1, 0) if _flag(group, "SwapFlag", 0) else (0, 1)
    magnitudes = [_pixels(path, pixels, series, _index(group, "MagIndex", axis)) for axis in (0, 1)]
    found = [_pixels(path, pixels, series, _index(group, "PhaIndex", axis)) for axis in order]
    phases = [p for p in found if p is not None]
    present = [m for m in magnitudes if m is not None]
    if not present or len(phases) < 2:
        raise LaMoDInputError(path, f"group '{name}' refers to series that the workspace does not contain", _NEW_EXPORT)
    check_lengths(str(path), magnitude=present[0], **{"x phase": phases[0], "y phase": phases[1]})

    scales = _vector(group, "Scale")
    encodings = _vector(group, "EncFreq")
    effective = tuple(
        effective_ke(str(path), encodings[axis], _or_one(scales[axis])) if ke is None else effective_ke("--ke", ke)
        for axis in order
    )
    signs = [-1.0 if _flag(group, "NegFlag", axis) else 1.0 for axis in (0, 1)]
    phase = np.stack(
        [sign * phase_in_radians(p, "12bit", str(path)) for sign, p in zip(signs, phases, strict=True)], axis=1
    )
    header = series[_index(group, "PhaIndex", 0) or 0]
    refuse_faults(_field_faults(header, _HEADER), path, _NEW_EXPORT)
    frames = present[0].shape[0]
    timing = dense_timing(
        str(path),
        frames,
        trigger_ms=_numbers(getattr(header, "TriggerTime", None)),
        repetition_ms=number(getattr(header, "RepetitionTime", None)),
        rr_ms=rr_ms if rr_ms is not None else _first(_numbers(getattr(header, "NominalInterval", None))),
        frame_ms=frame_ms,
    )
    grid, oriented = _grid(path, header, group, present[0].shape[1:])
    masks, level = _masks(contours, group, present[0].shape)
    position = () if oriented else (note("dense_position_unknown", POSITION_UNKNOWN, source=path.name),)
    return DenseImages(
        name=name,
        grid=grid,
        magnitude=np.mean(present, axis=0).astype(np.float32),
        phase=phase.astype(np.float32),
        ke=(effective[0], effective[1]),
        frame_times_ms=timing.frame_times_ms,
        rr_ms=timing.rr_ms,
        myocardium=masks,
        level=level,
        notes=(*timing.notes, *position),
    )


def _pixels(path: Path, pixels: list[Any], series: list[Any], index: int | None) -> Array | None:
    """Pixels [T, H, W] of one series, with the shift given by the workspace."""
    if index is None:
        return None
    if index >= len(pixels) or index >= len(series):
        raise LaMoDInputError(path, f"the workspace has no series {index + 1}", _NEW_EXPORT)
    stack = np.asarray(pixels[index])
    if stack.ndim != 3 or stack.dtype == object:
        raise LaMoDInputError(path, f"series {index + 1} is not a cine of one slice", _NEW_EXPORT)
    frames = np.moveaxis(stack, 2, 0)
    shift = np.asarray(getattr(series[index], "TranslationRC", [0, 0]), dtype=np.float64).ravel()
    if shift.size == 2 and np.any(np.round(shift) != 0):
        frames = np.roll(frames, (round(shift[0]), round(shift[1])), axis=(1, 2))
    return np.asarray(frames)


def _vector(group: Any, field: str) -> Array:
    values = np.full(3, np.nan)
    try:
        given = np.atleast_1d(np.asarray(getattr(group, field, np.nan), dtype=np.float64)).ravel()[:3]
    except (TypeError, ValueError):
        return values
    values[: given.size] = given
    return values


def _or_one(scale: float) -> float:
    return float(scale) if np.isfinite(scale) else 1.0


def _flag(group: Any, field: str, axis: int) -> bool:
    values = np.atleast_1d(np.asarray(getattr(group, field, 0), dtype=np.float64)).ravel()
    return bool(axis < values.size and values[axis] == 1)


def _numbers(value: Any) -> Array | None:
    try:
        return np.asarray([float(v) for v in np.atleast_1d(value).ravel()])
    except (TypeError, ValueError):
        return None


def _first(values: Array | None) -> float | None:
    return float(values[0]) if values is not None and values.size else None


def _grid(path: Path, header: Any, group: Any, shape: tuple[int, int]) -> tuple[SliceGrid, bool]:
    spacing = np.atleast_1d(
        np.asarray(getattr(header, "PixelSpacing", getattr(group, "PixelSpacing", np.nan)), dtype=np.float64)
    ).ravel()
    if spacing.size != 2 or not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise LaMoDInputError(path, "the workspace has no pixel spacing", _NEW_EXPORT)
    dy, dx = float(spacing[0]), float(spacing[1])
    position = np.asarray(getattr(header, "ImagePositionPatient", []), dtype=np.float64).ravel()
    directions = np.asarray(getattr(header, "ImageOrientationPatient", []), dtype=np.float64).ravel()
    thickness = number(getattr(header, "SliceThickness", None)) or ASSUMED_THICKNESS_MM
    oriented = position.size == 3 and directions.size == 6
    if oriented:
        x, y = directions[:3], directions[3:]
    else:
        position, x, y = np.zeros(3), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = x * dx, y * dy
    affine[:3, 2], affine[:3, 3] = np.cross(x, y) * thickness, position
    return SliceGrid(shape, affine), oriented


def _masks(contours: list[Any], group: Any, shape: tuple[int, int, int]) -> tuple[Array | None, Level]:
    """The short-axis contours of the group's series as masks [T, H, W] (None without contours), and the level."""
    own = {_index(group, field, axis) for field in ("MagIndex", "PhaIndex") for axis in (0, 1)} - {None}
    for roi in contours:
        if str(getattr(roi, "Type", "")).upper() != "SA":
            continue
        indices = np.atleast_1d(np.asarray(getattr(roi, "SeqIndex", []), dtype=np.float64)).ravel()
        if not own & {int(i) - 1 for i in indices[np.isfinite(indices)]}:
            continue
        positions = np.asarray(getattr(roi, "Position", np.empty(0)), dtype=object)
        if positions.ndim != 2 or positions.shape[0] != shape[0] or positions.shape[1] < 2:
            continue
        masks = np.zeros(shape, dtype=bool)
        for t in range(shape[0]):
            epicardium, endocardium = (_points(positions[t, k]) for k in (0, 1))
            if epicardium is not None and endocardium is not None:
                masks[t] = ring_mask(epicardium, endocardium, shape[1:])
        return masks, _level(str(getattr(roi, "Name", "")))
    return None, _level(str(getattr(group, "Name", "")))


def _points(position: Any) -> Array | None:
    points = np.asarray(position, dtype=np.float64)
    return points - 1.0 if points.ndim == 2 and points.shape[1] == 2 and len(points) >= 3 else None


def _level(name: str) -> Level:
    words: dict[Level, str] = {"base": r"bas", "apex": r"api|apex", "mid": r"mid"}
    for level, pattern in words.items():
        if re.search(pattern, name, re.IGNORECASE):
            return level
    return "mid"


def patient_of_workspace(path: Path) -> frozenset[str]:
    """PatientIDs in the headers of a workspace; empty if there are none or it cannot be read."""
    try:
        series = _items(_load(path).get("seq"))
    except LaMoDInputError:
        return frozenset()
    found = (str(getattr(header, "PatientID", "") or "").strip() for header in series)
    return frozenset(patient for patient in found if patient and patient != "[]")
