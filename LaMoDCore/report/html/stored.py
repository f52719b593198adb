"""A stored result as the page needs it, with the images and masks of the case if they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceMotion, StrainResult
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.spatial import deformed_wall
from LaMoDCore.io.results.stored_result import StoredResult, StoredSlice
from LaMoDCore.io.results.strain_json import shareable_notes
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.manifest import is_as_listed, read_manifest

_SAME_GRID_MM = 0.01


@dataclass(frozen=True, eq=False)
class ShownResult:
    """A result read back.

    Attributes:
        result: the result, without the samples and findings apart from its notes.
        drawn: whether its masks are the drawn ones; otherwise they are those of the predicted wall.
    """

    result: StrainResult
    drawn: bool


def shown_result(
    stored: StoredResult, case: Case | None = None, *, names: bool = False, drawn: bool = True
) -> ShownResult:
    """A stored result as a StrainResult.

    Args:
        stored: the result.
        case: the case it was predicted from, with its masks and, if any, its images; slices in any order.
        names: whether to keep the sentences of LaMoD 1.x, which may name files.
        drawn: whether the masks of the case are those of the prediction at every frame; otherwise only its images are
            used.

    Raises:
        LaMoDInputError: a slice of the result is not among those of the case.
    """
    given = [None if case is None else _slice_of(case, one, stored) for one in stored.slices]
    cines = tuple(
        _cine_slice(one, number, stored, found, drawn=drawn)
        for number, (one, found) in enumerate(zip(stored.slices, given, strict=True), start=1)
    )
    strains = tuple(_with_finite_motion(one).strain for one in stored.slices)
    cines, insertion = _with_one_insertion(cines)
    notes = stored.notes if names else shareable_notes(stored.notes, stored.summary)
    heart = Case(cines, stored.reference_frame, insertion, notes=notes)
    motion = Motion(tuple(SliceMotion(strain.displacement_mm) for strain in strains))
    result = StrainResult(heart, motion, strains, stored.es_frame, stored.summary, conventions=stored.conventions)
    return ShownResult(result, drawn and case is not None)


def are_used_masks(stored: StoredResult, paths: Sequence[Path], case: Case) -> bool:
    """Whether mask files are those of the prediction, by their SHA-256.

    Args:
        stored: the result.
        paths: the mask files; those of the result's folder are compared with its marker.
        case: the case that was read from them, with one record for each path first.
    """
    provenance = stored.summary.get("provenance")
    records = provenance.get("inputs", []) if isinstance(provenance, Mapping) else []
    used = {str(record.get("sha256") or "") for record in records if isinstance(record, Mapping)} - {""}
    own = stored.folder.resolve()
    manifest = read_manifest(own)
    for path, record in zip(paths, case.inputs, strict=False):
        listed = "" if manifest is None or path.resolve().parent != own else manifest.files.get(path.name, "")
        if record.sha256 not in used and not (listed and is_as_listed(path.resolve(), listed)):
            return False
    return True


def _cine_slice(
    one: StoredSlice, number: int, stored: StoredResult, found: CineSlice | None, *, drawn: bool
) -> CineSlice:
    name = str(stored.summary["slices"][number - 1].get("name") or f"slice {number}")
    masks = found.myocardium if found is not None and drawn else _predicted_masks(one)
    return CineSlice(
        name=name,
        grid=one.grid,
        myocardium=masks,
        frame_times_ms=one.frame_times_ms,
        rr_ms=one.rr_ms,
        level=one.level,
        cine=None if found is None else found.cine,
        rv_insertion_lps=one.rv_insertion_lps,
        contour_convention=stored.conventions[number - 1].given if stored.conventions else "auto",
        convention_source=stored.conventions[number - 1].source if stored.conventions else "user",
    )


def _with_one_insertion(cines: tuple[CineSlice, ...]) -> tuple[tuple[CineSlice, ...], Array | None]:
    """The slices without their point, and the heart's, if all have the same: a result stores it with each slice."""
    points = [cine.rv_insertion_lps for cine in cines]
    if points[0] is None or not all(point is not None and np.array_equal(point, points[0]) for point in points):
        return cines, None
    return tuple(replace(cine, rv_insertion_lps=None) for cine in cines), points[0]


def _slice_of(case: Case, one: StoredSlice, stored: StoredResult) -> CineSlice:
    """The slice of a case with the grid and the reference wall of a stored one.

    Raises:
        LaMoDInputError: there is none.
    """
    for candidate in case.slices:
        if not _is_same_grid(candidate.grid, one.grid) or candidate.frames != len(one.frame_times_ms):
            continue
        if np.array_equal(candidate.myocardium[stored.reference_frame], one.strain.myocardium):
            return candidate
    raise LaMoDInputError(
        stored.folder,
        "its slices are not those of the masks and images",
        "give the masks and the cine from which it was predicted",
    )


def _is_same_grid(one: SliceGrid, other: SliceGrid) -> bool:
    return one.shape == other.shape and bool(np.abs(one.ijk_to_lps - other.ijk_to_lps).max() <= _SAME_GRID_MM)


def _with_finite_motion(one: StoredSlice) -> StoredSlice:
    """The slice with a displacement that is finite everywhere; without its folder it is known inside the wall only."""
    displacement = one.strain.displacement_mm
    if np.isfinite(displacement).all():
        return one
    known = np.isfinite(displacement).all(axis=(0, 1))
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled: Array = np.nan_to_num(displacement)[:, :, nearest[0], nearest[1]]
    return replace(one, strain=replace(one.strain, displacement_mm=filled))


def _predicted_masks(one: StoredSlice) -> Array:
    """bool [T, H, W]: the predicted wall."""
    strain = _with_finite_motion(one).strain
    wall = deformed_wall(strain.displacement_mm, strain.myocardium, one.grid.spacing_mm)
    masks = np.zeros(wall.shape, dtype=bool)
    masks[wall.frame, wall.row, wall.column] = True
    return masks


def stored_table(stored: StoredResult) -> str | None:
    """The text of segments.csv; None for a result that was written without it."""
    path = stored.folder / "segments.csv"
    return path.read_text(encoding="utf-8").replace("\r\n", "\n") if path.is_file() else None
