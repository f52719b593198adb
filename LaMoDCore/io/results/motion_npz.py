"""motion.npz: the material fields of every slice, on the pixels of the reference frame.

T frames, Z slices (base to apex), H rows, W columns. Slices smaller than the largest one are padded at the high
indices (`slice_shape` holds the size of each): NaN in fields, 0 in masks.

==================  ==========================================================================
displacement_mm     float32 [T, Z, H, W, 3], LPS; NaN outside the reference myocardium
ecc, err, ecr, e1,  float32 [T, Z, H, W]; Green-Lagrange strain as fractions and the in-plane
e2, jacobian        det F; NaN outside
NAME_std            with several samples: standard deviation over them of each of the above
myocardium          bool [Z, H, W]
segment             int16 [Z, H, W]; 0 = none
ijk_to_lps          float64 [Z, 4, 4], (column, row, slice) to LPS mm
frame_times_ms      float64 [Z, T]
reference_frame     int, end-diastole
es_frame            int, end-systole
slice_shape         int [Z, 2]
rv_insertion_lps    float64 [Z, 3], anterior RV insertion point; NaN where unknown
==================  ==========================================================================
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import SliceStrain, StrainResult
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.wall_fields import wall_values
from LaMoDCore.io.results.stable_npz import write_stable_npz
from LaMoDCore.runtime.array_files import read_npz
from LaMoDCore.runtime.blocks import Blocks
from LaMoDCore.runtime.errors import LaMoDInputError

#: Names of the fields in the file, in its order.
FIELD_NAMES = ("ecc", "err", "ecr", "e1", "e2", "jacobian")
_REQUIRED = (
    *("displacement_mm", *FIELD_NAMES, "myocardium", "segment", "ijk_to_lps", "frame_times_ms"),
    *("reference_frame", "es_frame", "slice_shape"),
)


@dataclass(frozen=True, eq=False)
class MotionFile:
    """The arrays of motion.npz; see the module for shapes and units.

    Attributes:
        displacement_mm: [T, Z, H, W, 3] LPS.
        fields: ecc, err, ecr, e1, e2, jacobian: [T, Z, H, W].
        displacement_std_mm: [T, Z, H, W, 3] LPS; None with one sample.
        fields_std: the keys of `fields`; empty with one sample.
        myocardium: bool [Z, H, W].
        segment: int16 [Z, H, W].
        ijk_to_lps: [Z, 4, 4].
        frame_times_ms: [Z, T].
        reference_frame, es_frame: frame indices.
        slice_shape: [Z, 2]: rows and columns of each slice without the padding.
        rv_insertion_lps: [Z, 3]; NaN where unknown, as in files of version 1.
    """

    displacement_mm: Array
    fields: Mapping[str, Array]
    displacement_std_mm: Array | None
    fields_std: Mapping[str, Array]
    myocardium: Array
    segment: Array
    ijk_to_lps: Array
    frame_times_ms: Array
    reference_frame: int
    es_frame: int
    slice_shape: Array
    rv_insertion_lps: Array

    def grid(self, z: int) -> SliceGrid:
        """The pixel grid of one slice, without the padding."""
        height, width = self.slice_shape[z]
        return SliceGrid((int(height), int(width)), self.ijk_to_lps[z])


def motion_arrays(result: StrainResult) -> dict[str, Array]:
    """The arrays of motion.npz by name, in the file's order."""
    return {name: np.asarray(array) for name, array in _each_array(result)}


def write_motion_npz(result: StrainResult, path: Path) -> None:
    """Write `motion_arrays`, one frame at a time in memory; the same result gives the same bytes."""
    write_stable_npz(path, _each_array(result))


def read_motion_npz(path: str | Path, *, leave_out: Collection[str] = ()) -> MotionFile:
    """Read what `write_motion_npz` wrote.

    Args:
        path: the file.
        leave_out: arrays that are not read, of the fields and the standard deviations.

    Raises:
        LaMoDInputError: the file is missing or damaged, or lacks an array.
    """
    path = Path(path)
    if not os.path.exists(path):
        raise LaMoDInputError(path, "the file does not exist", "choose a folder with a whole result, or predict again")
    arrays = read_npz(path, remedy="predict again", leave_out=leave_out)
    missing = [name for name in _REQUIRED if name not in arrays and name not in leave_out]
    if missing:
        raise LaMoDInputError(path, f"it lacks the array {missing[0]}", "predict again")
    if arrays["ecc"].ndim != 4 or arrays["displacement_mm"].shape != (*arrays["ecc"].shape, 3):
        raise LaMoDInputError(path, "its arrays have shapes that do not fit together", "predict again")
    slices = arrays["ecc"].shape[1]
    return MotionFile(
        displacement_mm=arrays["displacement_mm"],
        fields={name: arrays[name] for name in FIELD_NAMES if name in arrays},
        displacement_std_mm=arrays.get("displacement_mm_std"),
        fields_std={name: arrays[f"{name}_std"] for name in FIELD_NAMES if f"{name}_std" in arrays},
        myocardium=arrays["myocardium"].astype(bool),
        segment=arrays["segment"],
        ijk_to_lps=arrays["ijk_to_lps"],
        frame_times_ms=arrays["frame_times_ms"],
        reference_frame=int(arrays["reference_frame"]),
        es_frame=int(arrays["es_frame"]),
        slice_shape=arrays["slice_shape"],
        rv_insertion_lps=arrays.get("rv_insertion_lps", np.full((slices, 3), np.nan)),
    )


def _each_array(result: StrainResult) -> Iterator[tuple[str, Array | Blocks]]:
    case, strains = result.case, result.slices
    grids = [s.grid for s in case.slices]
    walls = [np.asarray(s.myocardium, dtype=bool) for s in strains]
    size = (max(g.shape[0] for g in grids), max(g.shape[1] for g in grids))

    def on_walls(values: Sequence[Array]) -> Blocks:
        return _over_time(values, walls, size)

    yield "displacement_mm", on_walls([_displacement(g, s) for g, s in zip(grids, strains, strict=True)])
    for name in strains[0].fields:
        yield name, on_walls([wall_values(s.fields, name, w) for s, w in zip(strains, walls, strict=True)])
    if all(s.fields_std for s in strains):
        spread = [_displacement_std(*each) for each in zip(grids, strains, strict=True)]
        yield "displacement_mm_std", on_walls(spread)
        for name in (n for n in strains[0].fields_std if n != "displacement_mm"):
            fields = [wall_values(s.fields_std, name, w) for s, w in zip(strains, walls, strict=True)]
            yield f"{name}_std", on_walls(fields)
    yield "myocardium", _padded(walls, size)
    yield "segment", _padded([np.asarray(s.segment, dtype=np.int16) for s in strains], size)
    yield "ijk_to_lps", np.stack([g.ijk_to_lps for g in grids])
    yield "frame_times_ms", np.stack([np.asarray(s.frame_times_ms, dtype=np.float64) for s in case.slices])
    yield "reference_frame", np.array(case.reference_frame)
    yield "es_frame", np.array(result.es_frame)
    yield "slice_shape", np.array([g.shape for g in grids])
    insertions = [case.insertion_of(s) for s in case.slices]
    yield "rv_insertion_lps", np.stack([np.full(3, np.nan) if p is None else np.float64(p) for p in insertions])


def _displacement(grid: SliceGrid, strain: SliceStrain) -> Array:
    """Displacement at the wall's pixels, float32 [T, P, 3] LPS mm."""
    in_plane = strain.displacement_on(np.asarray(strain.myocardium, dtype=bool))
    return np.asarray(grid.vectors_to_lps(np.moveaxis(in_plane, 1, -1)), dtype=np.float32)


def _displacement_std(grid: SliceGrid, strain: SliceStrain) -> Array:
    """Standard deviation (n − 1) over the samples of each LPS component at the wall's pixels, float32 [T, P, 3]."""
    assert strain.displacement_covariance_mm2 is not None
    variance_x, variance_y, covariance = np.moveaxis(strain.displacement_covariance_mm2.astype(np.float64), 1, 0)
    along_x, along_y = grid.directions.T
    variance = variance_x[..., None] * along_x**2 + variance_y[..., None] * along_y**2
    variance += 2 * covariance[..., None] * along_x * along_y
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)), dtype=np.float32)


def _over_time(values: Sequence[Array], walls: Sequence[Array], size: tuple[int, int]) -> Blocks:
    """Values [T, P(, 3)] of each slice as an array [T, Z, H, W(, 3)] with NaN elsewhere, made frame by frame."""
    frames, ending = len(values[0]), values[0].shape[2:]
    shape = (frames, len(values), *size, *ending)

    def blocks() -> Iterator[Array]:
        block = np.full(shape[1:], np.nan, dtype=np.float32)
        for frame in range(frames):
            for z, (of_slice, wall) in enumerate(zip(values, walls, strict=True)):
                block[z, : wall.shape[0], : wall.shape[1]][wall] = of_slice[frame]
            yield block

    return Blocks(shape, np.dtype(np.float32), blocks)


def _padded(slices: Sequence[Array], size: tuple[int, int]) -> Array:
    """Stack slices [H, W] into one array [Z, H, W], with zeros at the high indices of smaller slices."""
    stacked = np.zeros((len(slices), *size), dtype=slices[0].dtype)
    for z, values in enumerate(slices):
        stacked[z, : values.shape[0], : values.shape[1]] = values
    return stacked
