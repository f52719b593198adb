"""ecc.seq.nrrd and err.seq.nrrd: strain on the deformed heart, frame by frame.

Fractions, float32. Outside the wall of a frame the value is 0, which Slicer's threshold hides and every reader can
count; NaN would be painted by Slicer's colour lookup. So that the wall is still told from its surroundings where
there is no strain (all of the reference frame), no value inside it is 0: the least magnitude is 1e-6, one
ten-thousandth of a per cent.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.spatial import material_coordinates, push_forward
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.io.results.stack import volumes_of

SPATIAL_FIELDS = ("ecc", "err")
_LEAST = np.float32(1e-6)


def spatial_fields(result: StrainResult, index: int) -> dict[str, Array]:
    """`SPATIAL_FIELDS` of one slice, pushed forward: name -> float32 [T, H, W], NaN outside the wall."""
    strain, grid = result.slices[index], result.case.slices[index].grid
    where = material_coordinates(strain.displacement_mm, strain.myocardium, grid.spacing_mm)
    return {name: push_forward(strain.fields[name], where, strain.myocardium) for name in SPATIAL_FIELDS}


def on_background(field: Array) -> Array:
    """A field with NaN outside the wall -> the same with 0 there and nowhere else."""
    inside = np.isfinite(field)
    return np.where(inside, np.where(np.abs(field) < _LEAST, _LEAST, field), np.float32(0.0)).astype(np.float32)


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
