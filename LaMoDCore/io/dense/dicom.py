"""Siemens-style DENSE DICOM: series of magnitude, x phase and y phase, distinguished by their ImageComments.

    DENSE x-enc pha - Scale:1.000000 EncFreq:0.10 Rep:0/1 Slc:0/1 Par:0/1 Phs:0/40 RCswap:0 RCSflip:0/0/0

`Scale` × `EncFreq` is ke in cycles/mm, which may differ between the encodings, and `Phs` the frame; `RCswap` and
`RCSflip` correspond to `SwapFlag` and `NegFlag` of a workspace. Phase is stored in 12 bits. Slices are distinguished by
their position. The z encoding measures motion through the plane, which in-plane strain does not need: it is not read.
Other images in the folder are ignored.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, Array, SliceGrid
from LaMoDCore.io.dense.images import DenseImages, check_lengths, effective_ke, phase_in_radians
from LaMoDCore.io.dense.timing import dense_timing, number
from LaMoDCore.io.dicom.file import is_dicom_file, parsing_dicom, read_dataset
from LaMoDCore.io.dicom.object_kinds import complex_component
from LaMoDCore.io.dicom.pixels import stored_pixels
from LaMoDCore.io.images.frame_stack import ASSUMED_THICKNESS_MM
from LaMoDCore.runtime.errors import LaMoDInputError

_ONE_SERIES = "keep one DENSE acquisition of each slice in the folder"


@dataclass(frozen=True)
class DenseComment:
    """Contents of the ImageComments of one DENSE image."""

    kind: str
    frame: int
    frames: int
    scale: float
    encoding: float | None
    swap: bool
    negate: tuple[bool, bool]


#: The header of an image, without its pixels, and its comment.
_Tagged = tuple[Any, DenseComment]


def parse_comment(comment: str) -> DenseComment | None:
    """Parse one ImageComments string; None if it does not belong to a DENSE image."""
    text = comment.lower()
    if not text.startswith("dense"):
        return None
    head = text.split(" - ")[0]
    part = "mag" if "mag" in head else "pha" if "pha" in head else None
    axis = next((a for a in ("overall", "x-enc", "y-enc", "z-enc") if a in head), None)
    if part is None or axis is None:
        return None

    def find(pattern: str) -> re.Match[str] | None:
        return re.search(pattern, text)

    phase, flips = find(r"phs:(\d+)/(\d+)"), find(r"rcsflip:(\d)/(\d)/(\d)")
    scale, encoding, swap = find(r"scale:([\d.]+)"), find(r"encfreq:([\d.]+)"), find(r"rcswap:(\d)")
    return DenseComment(
        kind=f"{part}.{axis[0] if axis != 'overall' else 'overall'}",
        frame=int(phase.group(1)) if phase else 0,
        frames=int(phase.group(2)) if phase else 0,
        scale=float(scale.group(1)) if scale else 1.0,
        encoding=float(encoding.group(1)) if encoding else None,
        swap=bool(swap and swap.group(1) == "1"),
        negate=(bool(flips and flips.group(1) == "1"), bool(flips and flips.group(2) == "1")),
    )


def holds_dicom(folder: Path) -> bool:
    """Whether the folder or a subfolder contains a DICOM file."""
    return any(is_dicom_file(file) for file in sorted(folder.rglob("*")) if file.is_file())


def read_dicom_dense(
    folder: Path, *, ke: float | None = None, frame_ms: float | None = None, rr_ms: float | None = None
) -> tuple[DenseImages, ...]:
    """Read the DENSE acquisitions of a folder of DICOM files, including subfolders: one for each slice.

    Args:
        folder: contains the magnitude and both in-plane phase series of every slice; other images are ignored.
        ke: effective encoding frequency in cycles/mm; overrides the images.
        frame_ms: duration of a frame; overrides the headers.
        rr_ms: R–R interval; overrides the headers.

    Raises:
        LaMoDInputError: there are no DENSE images, or those of a slice are incomplete or of several acquisitions.
    """
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and is_dicom_file(file)]
    images, faults = read_dense_slices(files, folder, ke=ke, frame_ms=frame_ms, rr_ms=rr_ms)
    if faults:
        raise faults[0].error
    return images


class MissingImagesError(LaMoDInputError):
    """A DENSE acquisition lacks a series.

    Attributes:
        what: the missing images: "x phase", "y phase" or "magnitude".
    """

    def __init__(self, folder: Path, what: str) -> None:
        self.folder, self.what = folder, what
        super().__init__(folder, f"the {what} images are missing", "export all series of the acquisition")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder, self.what)


@dataclass(frozen=True)
class SliceFault:
    """A DENSE slice that cannot be used.

    Attributes:
        name: name of the slice.
        grid: its pixels; None if the headers lack them.
        error: why it cannot be used.
        missing: images that are missing: "x phase", "y phase" or "magnitude"; "" if the fault is another one.
    """

    name: str
    grid: SliceGrid | None
    error: LaMoDInputError
    missing: str = ""


def read_dense_slices(
    files: Sequence[Path],
    where: Path,
    *,
    ke: float | None = None,
    frame_ms: float | None = None,
    rr_ms: float | None = None,
) -> tuple[tuple[DenseImages, ...], tuple[SliceFault, ...]]:
    """Read every DENSE slice among DICOM files; a slice that cannot be used does not affect the others.

    Args:
        files: DICOM files of an examination; images without the comments of a DENSE sequence are ignored.
        where: their folder, for messages.
        ke, frame_ms, rr_ms: as for `read_dicom_dense`.

    Returns:
        The slices, from base to apex, and those that cannot be used.

    Raises:
        LaMoDInputError: there are no DENSE images.
    """
    places = _by_place(_collect(files, where))
    images: list[DenseImages] = []
    faults: list[SliceFault] = []
    for place, tagged in enumerate(places, start=1):
        name = "DENSE" if len(places) == 1 else f"slice {place}"
        prefix = "" if len(places) == 1 else f"{name}: "
        try:
            images.append(_read_slice(where, name, tagged, ke, frame_ms, rr_ms))
        except LaMoDInputError as error:
            fault = LaMoDInputError(error.source, f"{prefix}{error.reason}", error.remedy)
            missing = error.what if isinstance(error, MissingImagesError) else ""
            faults.append(SliceFault(name, _grid_if_any(where, tagged[0][0]), fault, missing))
    return tuple(images), tuple(faults)


def _read_slice(
    folder: Path,
    name: str,
    tagged: Sequence[_Tagged],
    ke: float | None,
    frame_ms: float | None,
    rr_ms: float | None,
) -> DenseImages:
    groups: dict[str, list[_Tagged]] = defaultdict(list)
    for header, comment in tagged:
        groups[comment.kind].append((header, comment))
    for kind, what in (("pha.x", "x phase"), ("pha.y", "y phase")):
        if kind not in groups:
            raise MissingImagesError(folder, what)
    magnitudes = [kind for kind in ("mag.overall", "mag.x", "mag.y") if kind in groups]
    if not magnitudes:
        raise MissingImagesError(folder, "magnitude")
    ordered = {kind: _ordered(folder, kind, groups[kind]) for kind in (*magnitudes, "pha.x", "pha.y")}
    pixels = {kind: _pixels(folder, images) for kind, images in ordered.items()}
    check_lengths(
        str(folder), magnitude=pixels[magnitudes[0]], **{"x phase": pixels["pha.x"], "y phase": pixels["pha.y"]}
    )
    first_header, first_comment = ordered["pha.x"][0]
    order = ("pha.y", "pha.x") if first_comment.swap else ("pha.x", "pha.y")
    effective = [
        effective_ke(str(folder), c.encoding, c.scale) if ke is None else effective_ke("--ke", ke)
        for c in (ordered[kind][0][1] for kind in order)
    ]
    phase = np.stack(
        [(-1.0 if first_comment.negate[axis] else 1.0) * phase_in_radians(pixels[kind], "12bit", str(folder))
         for axis, kind in enumerate(order)], axis=1,
    )  # fmt: skip
    frames = pixels["pha.x"].shape[0]
    timing = dense_timing(
        str(folder),
        frames,
        trigger_ms=[number(getattr(h, "TriggerTime", None)) or 0.0 for h, _ in ordered["pha.x"]],
        repetition_ms=number(getattr(first_header, "RepetitionTime", None)),
        rr_ms=rr_ms if rr_ms is not None else number(getattr(first_header, "NominalInterval", None)),
        frame_ms=frame_ms,
    )
    return DenseImages(
        name=name,
        grid=_grid(folder, first_header),
        magnitude=np.mean([pixels[kind] for kind in magnitudes], axis=0).astype(np.float32),
        phase=phase.astype(np.float32),
        ke=(effective[0], effective[1]),
        frame_times_ms=timing.frame_times_ms,
        rr_ms=timing.rr_ms,
        notes=timing.notes,
    )


def _collect(files: Sequence[Path], where: Path) -> list[_Tagged]:
    """The headers of the DENSE images, without their pixels."""
    tagged: list[_Tagged] = []
    parts: set[str] = set()
    for file in files:
        header = read_dataset(file, pixels=False)
        with parsing_dicom(file):
            comment = parse_comment(str(getattr(header, "ImageComments", "")))
            part = complex_component(header)
        if part in ("real", "imaginary"):
            parts.add(part)
        if comment is not None:
            tagged.append((header, comment))
    if not tagged and parts:
        raise LaMoDInputError(
            where,
            f"its {len(files)} DICOM files hold the {' and '.join(sorted(parts))} parts of complex images without the "
            "comments of a DENSE sequence, as Philips exports them",
            "compute magnitude, x phase and y phase, and give them as arrays with a dense.json",
        )
    if not tagged:
        raise LaMoDInputError(
            where, f"none of its {len(files)} DICOM files is a DENSE image", "give the folder of the DENSE series"
        )
    return tagged


def _by_place(tagged: Sequence[_Tagged]) -> list[list[_Tagged]]:
    """The images of each slice, slices from base to apex as far as their positions are known."""
    places: dict[tuple[float, ...], list[_Tagged]] = defaultdict(list)
    for header, comment in tagged:
        position, directions = _vector(header, "ImagePositionPatient", 3), _vector(header, "ImageOrientationPatient", 6)
        places[tuple(np.round([*position, *directions], 2).tolist())].append((header, comment))
    return [places[place] for place in sorted(places, key=lambda place: (_depth(place), place))]


def _vector(header: Any, keyword: str, length: int) -> Array:
    """The numbers of an attribute; zeros if they are missing or invalid, which `_grid` refuses later."""
    try:
        found = np.asarray(getattr(header, keyword), dtype=np.float64).ravel()
    except (AttributeError, TypeError, ValueError):
        return np.zeros(length)
    return found if found.shape == (length,) and np.isfinite(found).all() else np.zeros(length)


def _depth(place: tuple[float, ...]) -> float:
    """Position along the normal from base to apex."""
    position, directions = np.array(place[:3]), np.array(place[3:])
    normal = np.cross(directions[:3], directions[3:])
    sign = 1.0 if normal @ BASE_TO_APEX_LPS >= 0 else -1.0
    return round(float(sign * normal @ position), 2)


def _ordered(folder: Path, kind: str, images: list[_Tagged]) -> list[_Tagged]:
    """Sort the images of one kind by frame; several series of one kind are refused."""
    series = {str(getattr(h, "SeriesInstanceUID", "")) for h, _ in images}
    frames = [c.frame for _, c in images]
    if len(series) > 1 or len(set(frames)) != len(frames):
        raise LaMoDInputError(folder, f"images of {max(2, len(series))} {_SPOKEN[kind]} series are mixed", _ONE_SERIES)
    encodings = {(c.encoding, c.scale) for _, c in images}
    if len(encodings) > 1:
        raise LaMoDInputError(folder, f"the {_SPOKEN[kind]} images differ in their encoding", _ONE_SERIES)
    return sorted(images, key=lambda tagged: tagged[1].frame)


_SPOKEN = {
    "mag.overall": "magnitude", "mag.x": "magnitude", "mag.y": "magnitude",
    "pha.x": "x phase", "pha.y": "y phase", "pha.z": "z phase",
}  # fmt: skip


def _pixels(folder: Path, images: list[_Tagged]) -> Array:
    files = [Path(str(header.filename)) for header, _ in images]
    frames = [stored_pixels(read_dataset(file, pixels=True), file) for file in files]
    if len({frame.shape for frame in frames}) > 1 or frames[0].ndim != 2:
        raise LaMoDInputError(folder, "the DENSE images differ in size", _ONE_SERIES)
    return np.stack(frames)


def _grid_if_any(folder: Path, header: Any) -> SliceGrid | None:
    with suppress(LaMoDInputError):
        return _grid(folder, header)
    return None


def _grid(folder: Path, header: Any) -> SliceGrid:
    try:
        position = np.asarray(header.ImagePositionPatient, dtype=np.float64)
        directions = np.asarray(header.ImageOrientationPatient, dtype=np.float64)
        dy, dx = (float(v) for v in header.PixelSpacing)
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = directions[:3] * dx, directions[3:] * dy
        affine[:3, 2] = np.cross(directions[:3], directions[3:]) * (
            number(getattr(header, "SliceThickness", None)) or ASSUMED_THICKNESS_MM
        )
        affine[:3, 3] = position
        return SliceGrid((int(header.Rows), int(header.Columns)), affine)
    except (AttributeError, TypeError, ValueError) as error:
        raise LaMoDInputError(
            folder, "the headers lack position, orientation or spacing", "export them again"
        ) from error
