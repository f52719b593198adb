"""Select the short-axis cine slices of a study, with the reason why each other series is left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.geometry import MIN_AXIS_COSINE, SliceGrid
from LaMoDCore.heart.notes import Note
from LaMoDCore.io.dicom.file import read_dataset
from LaMoDCore.io.dicom.header import integer
from LaMoDCore.io.dicom.series import CINE_FRAMES, DicomSeries, find_series, read_slices
from LaMoDCore.io.files.image_file import dicom_files, read_images
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.planes import check_grid, size_notes
from LaMoDCore.io.images.stated_geometry import SAME_PLANE_MM, settle_transforms
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

#: Words in descriptions and protocol names of series that are not an anatomical cine, in the order of the search.
_KINDS: tuple[tuple[str, str], ...] = (
    ("localiser", r"\bloc\b|locali[sz]er|scout|\bsurvey\b|\bhaste\b"),
    ("tagging", r"tag(ging|ged)?\b|\bspamm\b|\bc-?spamm\b|\bgrid(tag)?\b"),
    ("DENSE", r"\bdense\b|\bcdense\b"),
    ("late enhancement", r"\blge\b|\bde[- ]?(psir|mag|3d|2d)\b|\bpsir\b|\blate\b|\blate[- ]?gad|delayed|viability"),
    ("mapping", r"molli|sasha|\bt1\b|\bt2\b|t1[- ]?map|t2[- ]?map|t2\*|\bt2star\b|\bmap(ping)?\b|\becv\b"),
    ("perfusion", r"perf(usion)?\b|first[-_ ]?pass|\bdynamic\b"),
    ("flow", r"\bq?flow\b|\bvenc|\bpc[- ]?mri?\b|phase[- ]?contrast|\bv\d+(in|ap|rl|fh|hf|lr|pa)\b"),
)
_NOT_CHOSEN = "another series was chosen"
_PHASE_IMAGES = frozenset({"P", "PHASE", "PHASE MAP", "PHASE_MAP", "VELOCITY", "V"})


@dataclass(frozen=True)
class LeftOut:
    """A series that is not used.

    Attributes:
        title: number and description.
        reason: why, as a clause.
        anonymous: the clause without the names of files, if `reason` has any.
    """

    title: str
    reason: str
    anonymous: str = ""


@dataclass(frozen=True, eq=False)
class ShortAxisStudy:
    """The short-axis cine of one person.

    Attributes:
        slices: stacks [T, 1, H, W] of float32, one per slice position.
        left_out: series and slices that are not used.
        notes: assumptions made while reading.
    """

    slices: tuple[FrameStack, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]


def read_short_axis_study(paths: Sequence[Path], series: str | None = None) -> ShortAxisStudy:
    """Find and read the short-axis cine slices among files and folders.

    Where two series show one plane, the one that was acquired later is used; if the times are missing or equal, the one
    with the higher series number. Of two image files, the later one in `paths` is used.

    Args:
        paths: image files, DICOM files, folders of a series or of a whole study.
        series: UID or number of the only DICOM series to use.

    Raises:
        LaMoDInputError: there is no short-axis cine, `series` names none, a file cannot be read, or the files are of
            several patients or examinations.
    """
    dicom: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not path.exists():
            raise LaMoDInputError(path, "there is no such file or folder", "check the path")
        found = dicom_files(path)
        dicom += found
        if not found:
            others.append(path)
    slices: list[FrameStack] = []
    left_out: list[LeftOut] = []
    notes: list[Note] = []
    if dicom:
        _add_dicom(dicom, series, slices, left_out, notes)
    elif series is not None:
        raise LaMoDInputError(f"--series {series}", "there is no DICOM series in the input", "leave it out")
    for path in others:
        _add_images(path, slices, left_out, notes)
    if not slices:
        where = paths[0] if len(paths) == 1 else "the study"
        reasons = Counter(each.reason for each in left_out)
        listed = "; ".join(f"{count} × {reason}" for reason, count in reasons.items()) or "it holds no image series"
        raise LaMoDInputError(
            where, f"it holds no short-axis cine series ({listed})", "give the folder of a short-axis cine"
        )
    return ShortAxisStudy(tuple(slices), tuple(left_out), tuple(notes))


def _add_dicom(
    files: Sequence[Path],
    wanted: str | None,
    slices: list[FrameStack],
    left_out: list[LeftOut],
    notes: list[Note],
) -> None:
    found, reading_notes = find_series(files)
    notes += reading_notes
    headers = [read_dataset(one.frames[0].file, pixels=False) for one in found]
    usable: list[tuple[DicomSeries, Dataset]] = []
    for one, header in zip(found, headers, strict=True):
        reason = reason_to_leave_out(one, header)
        chosen = wanted is not None and wanted in (one.uid, str(one.number))
        if wanted is not None and not chosen:
            left_out.append(LeftOut(one.title, _NOT_CHOSEN))
        elif reason and not (chosen and _is_grey_cine(one, header)):
            left_out.append(LeftOut(one.title, reason))
        else:
            usable.append((one, header))
    if wanted is not None and not usable:
        numbers = ", ".join(str(one.number) for one in found if one.is_short_axis) or "none"
        reason = next((left.reason for left in left_out if left.reason != _NOT_CHOSEN), "")
        raise LaMoDInputError(
            f"--series {wanted}",
            f"it cannot be used: {reason}" if reason else "the study has no such series",
            f"choose a short-axis cine series ({numbers})",
        )
    _refuse_mixed([header for _, header in usable] if wanted is not None else headers, usable, files)
    for one, index in _latest_of_each_plane(usable, left_out):
        for stack in read_slices(one, {index}):
            notes += stack.notes
            slices.append(replace(stack, frames=stack.frames.astype(np.float32)))


def _refuse_mixed(
    headers: Sequence[Dataset], usable: Sequence[tuple[DicomSeries, Dataset]], files: Sequence[Path]
) -> None:
    """Refuse images of several patients, and short-axis cines of several examinations of one patient."""
    where = files[0].parent if len({file.parent for file in files}) == 1 else "the study"
    patients = {str(header.get("PatientID") or header.get("PatientName") or "") for header in headers}
    if len(patients) > 1:
        raise LaMoDInputError(
            where,
            f"its series are of {len(patients)} patients",
            "give the images of one patient, or choose a series (--series)",
        )
    studies = {str(header.get("StudyInstanceUID", "")): str(header.get("StudyDate", "")) for _, header in usable}
    if len(studies) > 1 and (len(set(studies.values())) > 1 or "" in studies.values()):
        raise LaMoDInputError(
            where,
            f"its short-axis cines are of {len(studies)} examinations",
            "give the images of one examination, or choose a series (--series)",
        )


def _is_grey_cine(series: DicomSeries, header: Dataset) -> bool:
    """Whether contours can be drawn on a series that the user chose although it is no short-axis cine."""
    return series.is_cine and not series.is_segmentation and not _is_colour(header)


def _is_colour(header: Dataset) -> bool:
    return (integer(header.get("SamplesPerPixel")) or 1) != 1


def reason_to_leave_out(series: DicomSeries, header: Dataset) -> str:
    """State why a DICOM series is not a short-axis cine, as a clause; "" if it is one.

    Args:
        series: a series returned by `find_series`.
        header: the dataset of one of its files.
    """
    words = " ".join(str(header.get(key) or "") for key in ("SeriesDescription", "ProtocolName", "SequenceName"))
    kind = next((name for name, pattern in _KINDS if re.search(pattern, words.replace("_", " "), re.IGNORECASE)), "")
    image_type = header.get("ImageType") or []
    values = [image_type] if isinstance(image_type, str) else list(image_type)
    values = [str(value).upper() for value in (*values, header.get("ComplexImageComponent") or "")]
    frames = max(len(group) for group in series.positions)
    against = (
        (series.is_segmentation, "segmentation, not images"),
        (series.modality not in ("", "MR"), f"modality {series.modality}, not MR"),
        (_is_colour(header), "colour images"),
        (bool(_PHASE_IMAGES & set(values)), "phase images"),
        (bool(kind), kind),
        (frames == 1, "single images, no cine"),
        (frames < CINE_FRAMES, f"{counted(frames, 'frame')}; a cine needs {CINE_FRAMES}"),
        (not series.is_short_axis, "not a short-axis view"),
    )
    return next((reason for applies, reason in against if applies), "")


def _acquired(series: DicomSeries, header: Dataset) -> tuple[bool, str, bool, int]:
    """Key by which series are sorted in time: date and time of acquisition, then the series number."""
    when = next(
        (
            f"{header.get(f'{what}Date')} {header.get(f'{what}Time')}"
            for what in ("Acquisition", "Series")
            if header.get(f"{what}Date") and header.get(f"{what}Time")
        ),
        "",
    )
    return bool(when), when, series.number is not None, series.number or 0


def _latest_of_each_plane(
    usable: Sequence[tuple[DicomSeries, Dataset]], left_out: list[LeftOut]
) -> list[tuple[DicomSeries, int]]:
    """(series, index of its position) of one slice per plane, the latest series where several show it."""
    keys = [_acquired(series, header) for series, header in usable]
    if not all(dated for dated, *_ in keys):
        keys = [(False, "", numbered, number) for _, _, numbered, number in keys]
    kept: list[tuple[DicomSeries, int]] = []
    grids: list[SliceGrid] = []
    for n in sorted(range(len(usable)), key=lambda n: (keys[n], n), reverse=True):
        one = usable[n][0]
        repeated = 0
        for index, group in enumerate(one.positions):
            if len(group) < CINE_FRAMES:
                left_out.append(LeftOut(f"{one.title}, slice {index + 1}", counted(len(group), "frame")))
                continue
            grid = SliceGrid(group[0].shape, group[0].ijk_to_lps)
            if any(grid.same_plane(other, SAME_PLANE_MM) for other in grids):
                repeated += 1
                continue
            grids.append(grid)
            kept.append((one, index))
        if repeated:
            left_out.append(LeftOut(one.title, f"{repeated} slice(s) repeated by a later series"))
    return kept


def _add_images(path: Path, slices: list[FrameStack], left_out: list[LeftOut], notes: list[Note]) -> None:
    for stack in settle_transforms([], read_images(path))[1]:
        check_grid(stack, path)
        if not np.isfinite(stack.frames).all():
            raise LaMoDInputError(path, "its images have NaN or infinite values", "export the cine again")
        frames = stack.frames.shape[0]
        if frames < CINE_FRAMES:
            left_out.append(LeftOut(stack.name, f"{counted(frames, 'frame')}; a cine needs {CINE_FRAMES}"))
            continue
        if stack.has_orientation and abs(stack.slice_grid(0).axis_cosine) < MIN_AXIS_COSINE:
            left_out.append(LeftOut(stack.name, "not a short-axis view"))
            continue
        notes += [*stack.notes, *size_notes(stack)]
        count = stack.frames.shape[1]
        for k in range(count):
            name = stack.name if count == 1 else f"{stack.name}, slice {k + 1}"
            one = stack.frames[:, k : k + 1].astype(np.float32)
            affine = stack.slice_grid(k).ijk_to_lps
            added = replace(stack, name=name, frames=one, ijk_to_lps=affine, notes=())
            for earlier in [s for s in slices if _is_repeated(s, added)]:
                slices.remove(earlier)
                clause = "a later file shows the same plane"
                left_out.append(LeftOut(earlier.name, f"{added.name} shows the same plane", clause))
            slices.append(added)


def _is_repeated(earlier: FrameStack, later: FrameStack) -> bool:
    located = earlier.has_orientation and later.has_orientation
    return located and later.slice_grid(0).same_plane(earlier.slice_grid(0), SAME_PLANE_MM)
