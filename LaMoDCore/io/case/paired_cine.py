"""Cines that belong to masks pixel by pixel and frame by frame, so that no search by position is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.notes import Note
from LaMoDCore.io.case.slice_reader import ReadSlice
from LaMoDCore.io.files.image_file import read_images, same_affine
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.errors import LaMoDInputError

_REMEDY = "give the cine of these masks on their pixels, or leave out --paired-cine"


def read_paired_cines(
    masks_of: Sequence[tuple[Path, Sequence[FrameStack]]], cine_paths: Sequence[Path], notes: list[Note]
) -> dict[Path, FrameStack]:
    """The cine of each mask file: the first cine belongs to the first file, and so on.

    Args:
        masks_of: mask stacks by file, one for each file.
        cine_paths: as many cines.
        notes: receives the notes on the cines.

    Returns:
        Images [T, Z, H, W] of float32 on the slices, pixels and frames of the masks, by the file of the masks.

    Raises:
        LaMoDInputError: their numbers differ, or a cine is not on the pixels and frames of its masks.
    """
    if len(cine_paths) != len(masks_of):
        raise LaMoDInputError(
            "--paired-cine",
            f"it needs one --cine for each of MASKS, but their numbers are {len(cine_paths)} and {len(masks_of)}",
            "give the cines in the order of MASKS",
        )
    return {
        path: _paired(path, stacks, cine_path, notes)
        for (path, stacks), cine_path in zip(masks_of, cine_paths, strict=True)
    }


def _paired(path: Path, masks: Sequence[FrameStack], cine_path: Path, notes: list[Note]) -> FrameStack:
    cines = read_images(cine_path)
    if len(masks) != 1 or len(cines) != 1:
        culprit = path if len(masks) != 1 else cine_path
        raise LaMoDInputError(culprit, "it contains several series, so it cannot be paired", _REMEDY)
    mask, cine = masks[0], cines[0]
    if cine.frames.shape != mask.frames.shape:
        raise LaMoDInputError(
            cine_path, f"it has {_size(cine)}, and its masks ({path.name}) have {_size(mask)}", _REMEDY
        )
    if cine.is_located and mask.is_located and not same_affine(cine.ijk_to_lps, mask.ijk_to_lps):
        raise LaMoDInputError(cine_path, f"its pixels do not lie where those of its masks ({path.name}) do", _REMEDY)
    if not np.isfinite(cine.frames).all():
        raise LaMoDInputError(cine_path, "its images contain NaN or infinite values", "export the cine again")
    notes += cine.notes
    return replace(cine, frames=cine.frames.astype(np.float32))


def _size(stack: FrameStack) -> str:
    frames, slices, height, width = stack.frames.shape
    return f"{width} × {height} pixels, slices: {slices}, frames: {frames}"


def with_paired_cine(
    read: Sequence[ReadSlice], path: Path, masks: Sequence[FrameStack], cines: Mapping[Path, FrameStack]
) -> list[ReadSlice]:
    """The slices of a mask file with the images of its cine; unchanged if it has none.

    Args:
        read: slices that were read from the masks alone, so that they have the masks' grids.
        path: the mask file.
        masks: its mask stacks.
        cines: from `read_paired_cines`.
    """
    cine = cines.get(path)
    if cine is None:
        return list(read)
    origins = np.array([masks[0].slice_grid(k).ijk_to_lps[:3, 3] for k in range(masks[0].frames.shape[1])])
    return [_with_images(each, origins, cine) for each in read]


def _with_images(read: ReadSlice, origins: np.ndarray, cine: FrameStack) -> ReadSlice:
    """A slice with its images; its index in the file is that of the slice with its origin (`origins` [Z, 3])."""
    if read.slice is None:
        return read
    index = int(np.argmin(np.linalg.norm(origins - read.slice.grid.ijk_to_lps[:3, 3], axis=1)))
    return replace(read, slice=replace(read.slice, cine=np.ascontiguousarray(cine.frames[:, index])))
