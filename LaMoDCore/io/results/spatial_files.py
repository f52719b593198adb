"""ecc.seq.nrrd and err.seq.nrrd: strain on the deformed heart, frame by frame.

Fractions, float32. Outside the wall of a frame the value is 0, which Slicer's threshold hides; Slicer's colour lookup
would paint NaN. So that the wall can be distinguished from its surroundings where there is no strain (all of the
reference frame), no value inside it is 0: the smallest magnitude is 1e-6, one ten-thousandth of a per cent.
Where the slices do not form one regular stack, the files are ``ecc_sliceN.seq.nrrd``, slices counted from 1.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.spatial import material_coordinates, push_forward
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd, write_seq_nrrd
from LaMoDCore.io.results.stack import volumes_of

SPATIAL_FIELDS = ("ecc", "err")
_SMALLEST = np.float32(1e-6)


def spatial_fields(result: StrainResult, index: int) -> dict[str, Array]:
    """`SPATIAL_FIELDS` of one slice, pushed forward: name -> float32 [T, H, W], NaN outside the wall."""
    strain, grid = result.slices[index], result.case.slices[index].grid
    where = material_coordinates(strain.displacement_mm, strain.myocardium, grid.spacing_mm)
    return {name: push_forward(strain.fields[name], where, strain.myocardium) for name in SPATIAL_FIELDS}


def on_background(field: Array) -> Array:
    """Replace NaN outside the wall by 0, and values inside that are smaller than 1e-6 in magnitude by 1e-6."""
    inside = np.isfinite(field)
    return np.where(inside, np.where(np.abs(field) < _SMALLEST, _SMALLEST, field), np.float32(0.0)).astype(np.float32)


def write_spatial(result: StrainResult, folder: Path) -> list[str]:
    """Write the sequences; returns the names of the files."""
    fields = [spatial_fields(result, index) for index in range(len(result.slices))]
    names = []
    for name in SPATIAL_FIELDS:
        for volume in volumes_of(result.case):
            file = f"{name}{volume.suffix}.seq.nrrd"
            frames = np.stack([on_background(fields[z][name]) for z in volume.slices], axis=1)
            rr_ms = result.case.slices[volume.slices[0]].rr_ms
            write_seq_nrrd(folder / file, frames, volume.ijk_to_lps, volume.frame_times_ms, rr_ms=rr_ms)
            names.append(file)
    return names


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
