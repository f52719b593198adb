"""ecc.seq.nrrd and err.seq.nrrd: strain on the deformed heart, frame by frame.

Fractions, float32. Outside the wall of a frame the value is 0, which Slicer's threshold hides; Slicer's colour lookup
would paint NaN. So that the wall can be distinguished from its surroundings where there is no strain (all of the
reference frame), no value inside it is 0: the smallest magnitude is 1e-6, one ten-thousandth of a per cent.
Where the slices do not form one regular stack, the files are ``ecc_sliceN.seq.nrrd``, slices counted from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.spatial import deformed_wall
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd, write_seq_nrrd
from LaMoDCore.io.results.stack import volumes_of
from LaMoDCore.runtime.blocks import Blocks
from LaMoDCore.runtime.threads import in_order, thread_count

SPATIAL_FIELDS = ("ecc", "err")
_SMALLEST = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class SpatialFields:
    """`SPATIAL_FIELDS` of one slice on the deformed wall, which is a small part of its pixels.

    Attributes:
        shape: (H, W, T).
        voxel: int [P], index of each pixel of the wall in an array of that shape.
        values: name -> float32 [P]; NaN where the field is not known.
    """

    shape: tuple[int, int, int]
    voxel: Array
    values: dict[str, Array]

    def frames(self, name: str) -> Array:
        """One field, float32 [T, H, W], NaN outside the wall."""
        frames = np.full(self.shape, np.nan, dtype=np.float32)
        frames.ravel()[self.voxel] = self.values[name]
        return np.moveaxis(frames, -1, 0)

    def voxels(self, name: str) -> Array:
        """One field as in the file, float32 [H, W, T]: 0 outside the wall and at least 1e-6 in magnitude inside."""
        values = self.values[name]
        values = np.where(np.abs(values) < _SMALLEST, _SMALLEST, np.where(np.isfinite(values), values, 0.0))
        voxels = np.zeros(self.shape, dtype=np.float32)
        voxels.ravel()[self.voxel] = values
        return voxels


def spatial_fields(result: StrainResult, index: int) -> SpatialFields:
    """Push `SPATIAL_FIELDS` of one slice forward to the deformed wall of each frame."""
    strain, grid = result.slices[index], result.case.slices[index].grid
    wall = deformed_wall(strain.displacement_mm, strain.myocardium, grid.spacing_mm)
    frames, height, width = wall.shape
    voxel = ((wall.row * width + wall.column) * frames + wall.frame).astype(np.int32)
    values = {name: wall.values(strain.fields[name], strain.myocardium) for name in SPATIAL_FIELDS}
    return SpatialFields((height, width, frames), voxel, values)


def write_spatial(result: StrainResult, folder: Path) -> list[str]:
    """Write the sequences, one slice at a time in memory; returns the names of the files."""
    count = len(result.slices)
    fields = list(in_order(partial(spatial_fields, result), range(count), thread_count(count)))
    names = []
    for name in SPATIAL_FIELDS:
        for volume in volumes_of(result.case):
            file = f"{name}{volume.suffix}.seq.nrrd"
            members = [fields[z] for z in volume.slices]
            size = members[0].shape
            first = result.case.slices[volume.slices[0]]
            write_seq_nrrd(
                folder / file,
                Blocks(
                    (len(members), *size),
                    np.dtype(np.float32),
                    partial(_slice_by_slice, members, name),
                ),
                volume.ijk_to_lps,
                volume.frame_times_ms,
                rr_ms=first.rr_ms,
            )
            names.append(file)
    return names


def _slice_by_slice(slices: Sequence[SpatialFields], name: str) -> Iterator[Array]:
    return (each.voxels(name) for each in slices)


def read_spatial(folder: str | Path, name: str) -> tuple[FrameStack, ...]:
    """Read what `write_spatial` wrote of one field, with NaN outside the wall of each frame.

    Args:
        folder: the result's folder.
        name: "ecc" or "err".

    Returns:
        One stack [T, Z, H, W], or one per slice in the slices' order; none where there is no file of that field.

    Raises:
        LaMoDInputError: a file is damaged.
    """
    home = Path(folder)
    whole = home / f"{name}.seq.nrrd"
    numbered = {
        int(number[1]): path
        for path in home.glob(f"{name}_slice*.seq.nrrd")
        if (number := re.fullmatch(rf"{name}_slice(\d+)\.seq\.nrrd", path.name))
    }
    files = [whole] if whole.exists() else [path for _, path in sorted(numbered.items())]
    return tuple(_with_nan(read_seq_nrrd(path)) for path in files)


def _with_nan(stack: FrameStack) -> FrameStack:
    return replace(stack, frames=np.where(stack.frames == 0, np.float32(np.nan), stack.frames))
