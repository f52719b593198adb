"""Read the DICOM files of a folder or study, of any kind, as frame stacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.dicom.seg_reader import read_segmentation
from LaMoDCore.io.dicom.series import DicomSeries, find_series, read_slices
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.errors import LaMoDInputError

#: Slices farther than this from every wanted plane are not decoded.
NEAR_MM = 3.0
_REACH_MM = 40.0


def read_dicom(files: Sequence[Path], planes: Sequence[SliceGrid] = ()) -> tuple[FrameStack, ...]:
    """Read the slices with several frames; if there is a segmentation, it is read instead of the images.

    Args:
        files: DICOM files, of one series or of a whole study.
        planes: wanted planes. Of a whole study only slices near them are decoded; if there are none, the nearest, so
            that the error can state their distance.

    Returns:
        One stack [T, 1, H, W] per slice position.

    Raises:
        LaMoDInputError: nothing in the files can be used.
    """
    source = files[0].parent if len(files) > 1 else files[0]
    series, notes = find_series(files)
    if not series:
        raise LaMoDInputError(
            source,
            "none of its DICOM files has an image with a position",
            "choose the folder of the cine series",
        )
    segmentations = [s for s in series if s.is_segmentation]
    if segmentations:
        pictures = [s for s in series if not s.is_segmentation]
        stacks = [stack for s in segmentations for stack in read_segmentation(s, pictures)]
    else:
        moving = [s for s in series if max(len(group) for group in s.positions) > 1]
        wanted = _near(moving or series, planes)
        stacks = [stack for s, indices in wanted for stack in read_slices(s, indices)]
    stacks[0] = replace(stacks[0], notes=(*notes, *stacks[0].notes))
    return tuple(stacks)


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
