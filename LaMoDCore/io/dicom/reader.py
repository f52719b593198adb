"""Read the DICOM files of a folder or study, of any kind, as frame stacks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset
from LaMoDCore.io.dicom.object_kinds import kind_of, listing
from LaMoDCore.io.dicom.seg_reader import read_segmentation
from LaMoDCore.io.dicom.series import DicomSeries, find_series, read_slices
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.errors import LaMoDInputError

#: Slices farther than this from every wanted plane are not decoded.
NEAR_MM = 3.0
_REACH_MM = 40.0


def read_dicom(
    files: Sequence[Path], planes: Sequence[SliceGrid] = (), pictures: Sequence[DicomSeries] = ()
) -> tuple[FrameStack, ...]:
    """Read the slices with several frames; if there is a segmentation, it is read instead of the images.

    Args:
        files: DICOM files, of one series or of a whole study.
        planes: wanted planes. Of a whole study only slices near them are decoded; if there are none, the nearest, so
            that the error can state their distance.
        pictures: series outside the files to which a segmentation may refer.

    Returns:
        One stack [T, 1, H, W] per slice position.

    Raises:
        LaMoDInputError: nothing in the files can be used.
    """
    source = files[0].parent if len(files) > 1 else files[0]
    series, notes = find_series(files)
    if not series:
        raise without_images(files, source)
    segmentations = [s for s in series if s.is_segmentation]
    if segmentations:
        pictures = [*(s for s in series if not s.is_segmentation), *pictures]
        stacks = [stack for same in _by_pixels(segmentations) for stack in read_segmentation(same, pictures)]
    else:
        magnitude = _magnitude(series, source)
        moving = [s for s in magnitude if max(len(group) for group in s.positions) > 1]
        wanted = _near(moving or magnitude, planes)
        stacks = [stack for s, indices in wanted for stack in read_slices(s, indices)]
    stacks[0] = replace(stacks[0], notes=(*notes, *stacks[0].notes))
    return tuple(stacks)


def _by_pixels(series: Sequence[DicomSeries]) -> list[list[DicomSeries]]:
    """Series grouped by pixel size, matrix and orientation: objects of one slice may lie in a series each."""
    groups: dict[tuple[object, ...], list[DicomSeries]] = {}
    for one in series:
        grid = SliceGrid(one.frames[0].shape, one.frames[0].ijk_to_lps)
        directions = tuple(np.round(grid.directions.ravel(), 2) + 0.0)
        groups.setdefault((grid.shape, directions, tuple(np.round(grid.spacing_mm, 3))), []).append(one)
    return list(groups.values())


def _magnitude(series: Sequence[DicomSeries], source: Path) -> Sequence[DicomSeries]:
    """The series whose images show anatomy: no phase, real or imaginary parts.

    Raises:
        LaMoDInputError: there are only such parts.
    """
    found = [s for s in series if s.component is None]
    if not found:
        parts = " and ".join(sorted({str(s.component) for s in series}))
        raise LaMoDInputError(
            source,
            f"its images are the {parts} part of a complex image, not magnitude images",
            "give the magnitude images; DENSE is read by `lamod dense`",
        )
    return found


def without_images(files: Sequence[Path], source: Path) -> LaMoDInputError:
    """The error for DICOM files of which none is an image in the patient: it names their kinds."""
    kinds = []
    for file in files:
        with suppress(LaMoDInputError):
            dataset = read_dataset(file, pixels=False)
            with parsing_dicom(file):
                kinds.append(kind_of(dataset))
    if not kinds:
        return LaMoDInputError(source, "none of its DICOM files can be read", "export them again")
    one, _, remedy = kinds[0]
    if len(files) == 1:
        article = "an" if one[0] in "aeiou" or one.startswith("RT") else "a"
        return LaMoDInputError(source, f"it is {article} {one}, not an image", remedy)
    return LaMoDInputError(source, f"there is no image in its DICOM files: {listing(kinds)}", remedy)


def _near(series: Sequence[DicomSeries], planes: Sequence[SliceGrid]) -> list[tuple[DicomSeries, set[int]]]:
    """The slice positions of each series near a plane; all if no planes are given."""
    everything = [(s, set(range(len(s.positions)))) for s in series]
    if not planes:
        return everything
    kept: set[tuple[int, int]] = set()
    for plane in planes:
        distance = {
            (number, index): _distance_mm(plane, group[0].ijk_to_lps)
            for number, s in enumerate(series)
            for index, group in enumerate(s.positions)
        }
        limit = max(NEAR_MM, min(distance.values()))
        kept |= {place for place, far in distance.items() if far <= limit}
    near = [(s, {index for n, index in kept if n == number}) for number, s in enumerate(series)]
    return [(s, indices) for s, indices in near if indices]


def _distance_mm(plane: SliceGrid, ijk_to_lps: Array) -> float:
    """Largest distance between a plane and that of an image, over the size of a heart around the plane's centre."""
    offsets = _REACH_MM * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    points = plane.center_lps + plane.vectors_to_lps(offsets)
    return float(np.abs(SliceGrid((2, 2), ijk_to_lps).distance_mm(points)).max())
