"""DICOM files in, frame stacks out, whatever mixture a folder holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.io.dicom_seg import read_segmentation
from LaMoDCore.io.dicom_series import find_series, read_slices
from LaMoDCore.io.frame_stack import FrameStack


def read_dicom(files: Sequence[Path]) -> tuple[FrameStack, ...]:
    """Read the slices that move; a segmentation is read instead of the pictures beside it.

    Args:
        files: DICOM files, of one series or of a whole study.

    Returns:
        One stack [T, 1, H, W] a slice position.

    Raises:
        LaMoDInputError: nothing in them can be used.
    """
    source = files[0].parent if len(files) > 1 else files[0]
    series, notes = find_series(files)
    if not series:
        raise LaMoDInputError(
            source,
            "none of its DICOM files holds a picture with a position",
            "choose the folder of the cine series",
        )
    segmentations = [s for s in series if s.is_segmentation]
    if segmentations:
        pictures = [s for s in series if not s.is_segmentation]
        stacks = [stack for s in segmentations for stack in read_segmentation(s, pictures)]
    else:
        moving = [s for s in series if max(len(group) for group in s.positions) > 1]
        stacks = [stack for s in moving or series for stack in read_slices(s)]
    stacks[0] = replace(stacks[0], notes=(*notes, *stacks[0].notes))
    return tuple(stacks)
