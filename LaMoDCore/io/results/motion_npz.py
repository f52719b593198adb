"""motion.npz: the material fields of every slice, on the reference frame's pixels.

T frames, Z slices (base to apex), H rows, W columns. Slices smaller than the largest are padded at the high
indices (`slice_shape` has each one's own size): NaN in fields, 0 in masks.

==================  ==========================================================================
displacement_mm     float32 [T, Z, H, W, 3], LPS; NaN outside the reference myocardium
ecc, err, ecr, e1,  float32 [T, Z, H, W]; Green-Lagrange strain as fractions and the in-plane
e2, jacobian        det F; NaN outside
NAME_std            with several samples: SD over them of each of the above
myocardium          bool [Z, H, W]
segment             int16 [Z, H, W]; 0 = none
ijk_to_lps          float64 [Z, 4, 4], (column, row, slice) to LPS mm
frame_times_ms      float64 [Z, T]
reference_frame     int, end-diastole
es_frame            int
slice_shape         int [Z, 2]
==================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import SliceMotion, SliceStrain, StrainResult
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.results.stable_npz import write_stable_npz


def motion_arrays(result: StrainResult) -> dict[str, Array]:
    """The arrays of motion.npz by name, in the file's order."""
    return dict(_each_array(result))


def write_motion_npz(result: StrainResult, path: Path) -> None:
    """Write `motion_arrays`, one at a time in memory; the same result gives the same bytes."""
    write_stable_npz(path, _each_array(result))


def _each_array(result: StrainResult) -> Iterator[tuple[str, Array]]:
    case, strains = result.case, result.slices
    grids = [s.grid for s in case.slices]
    size = (max(g.shape[0] for g in grids), max(g.shape[1] for g in grids))
    displacement = (
        _inside(_vectors_lps(g, s.displacement_mm), s.myocardium) for g, s in zip(grids, strains, strict=True)
    )
    yield "displacement_mm", _stacked(displacement, len(grids), size, axis=1)
    for name in strains[0].fields:
        fields = (np.asarray(s.fields[name], dtype=np.float32) for s in strains)
        yield name, _stacked(fields, len(grids), size, axis=1)
    if all(s.fields_std for s in strains):
        spread = (_displacement_std(*each) for each in zip(grids, result.motion.slices, strains, strict=True))
        yield "displacement_mm_std", _stacked(spread, len(grids), size, axis=1)
        for name in (n for n in strains[0].fields_std if n != "displacement_mm"):
            fields = (np.asarray(s.fields_std[name], dtype=np.float32) for s in strains)
            yield f"{name}_std", _stacked(fields, len(grids), size, axis=1)
    yield "myocardium", _stacked((np.asarray(s.myocardium, dtype=bool) for s in strains), len(grids), size, axis=0)
    yield "segment", _stacked((np.asarray(s.segment, dtype=np.int16) for s in strains), len(grids), size, axis=0)
    yield "ijk_to_lps", np.stack([g.ijk_to_lps for g in grids])
    yield "frame_times_ms", np.stack([np.asarray(s.frame_times_ms, dtype=np.float64) for s in case.slices])
    yield "reference_frame", np.array(case.reference_frame)
    yield "es_frame", np.array(result.es_frame)
    yield "slice_shape", np.array([g.shape for g in grids])


def _vectors_lps(grid: SliceGrid, displacement_mm: Array) -> Array:
    """[T, 2, H, W] in-plane mm -> float32 [T, H, W, 3] LPS mm."""
    return np.asarray(grid.vectors_to_lps(np.moveaxis(displacement_mm, 1, -1)), dtype=np.float32)


def _inside(values: Array, myocardium: Array) -> Array:
    """Values [T, H, W, 3] with NaN outside the myocardium [H, W]."""
    return np.where(np.asarray(myocardium, dtype=bool)[None, ..., None], values, np.float32(np.nan))


def _displacement_std(grid: SliceGrid, motion: SliceMotion, strain: SliceStrain) -> Array:
    """SD (n − 1) of each LPS component [T, H, W, 3], NaN outside the wall.

    A turned axis mixes the errors of x and y, so their covariance is needed: taken from the samples where
    there are some, as zero otherwise.
    """
    if motion.samples_mm is not None:
        lps = np.stack([_vectors_lps(grid, sample) for sample in motion.samples_mm])
        return _inside(lps.std(axis=0, dtype=np.float64, ddof=1).astype(np.float32), strain.myocardium)
    variance = np.moveaxis(np.asarray(strain.fields_std["displacement_mm"], dtype=np.float64) ** 2, 1, -1)
    lps_std = np.sqrt(variance @ (grid.directions**2).T)
    return _inside(lps_std.astype(np.float32), strain.myocardium)


def _stacked(slices: Iterable[Array], count: int, size: tuple[int, int], axis: int) -> Array:
    """Stack ``count`` arrays [..., H, W(, 3)] whose rows start at `axis` into one, padded to `size`."""
    stacked: Array | None = None
    for index, values in enumerate(slices):
        if stacked is None:
            shape = (*values.shape[:axis], count, *size, *values.shape[axis + 2 :])
            stacked = np.full(shape, np.nan if values.dtype.kind == "f" else 0, dtype=values.dtype)
        place: tuple[Any, ...] = (slice(None),) * axis
        place += (index, slice(values.shape[axis]), slice(values.shape[axis + 1]))
        stacked[place] = values
    assert stacked is not None  # a case has at least one slice
    return stacked
