"""A case of a dataset as input of the models, and its true motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import Case, CineSlice, SliceMotion, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain import end_systole, slice_strain


@dataclass(frozen=True, eq=False)
class Truth:
    """The measured motion of a scan, or the known motion of a phantom.

    Attributes:
        case: the slices with their true masks if known, else with the drawn ones.
        motions: true displacement of each slice, extended beyond the wall; 0 in frames that were not measured.
        valid: bool [T, H, W] per slice: pixels of the true reference myocardium in measured frames.
        strains: strain of the true motion on the true wall.
        es_frame: end-systole according to the true masks.
    """

    case: Case
    motions: tuple[SliceMotion, ...]
    valid: tuple[Array, ...]
    strains: tuple[SliceStrain, ...]
    es_frame: int


def drawn_case(data: DatasetCase) -> Case:
    """The input of a model: the masks as drawn, without the truth."""
    return _case(data, data.masks)


def truth_of(data: DatasetCase) -> Truth | None:
    """The truth of a case; None if its motion was not measured.

    A pixel belongs to the true wall if it is in the reference mask and its motion is known in every acquired frame.
    Values that are not finite count as unknown, even where `valid` is true.

    Raises:
        LaMoDInputError: the motion is not known anywhere in the myocardium.
    """
    if data.displacement_mm is None or data.valid is None:
        return None
    masks = data.masks if data.masks_true is None else data.masks_true
    measured = data.valid & np.isfinite(data.displacement_mm).all(axis=-1)
    frames_known = np.asarray(measured.any(axis=(1, 2, 3)))
    wall = masks[data.reference_frame] & measured[frames_known].all(axis=0)
    if not frames_known.any() or not wall.any():
        raise LaMoDInputError(
            data.id,
            "its motion is not known anywhere in the myocardium",
            "store finite displacement on the wall of the reference mask, and mark it in `valid`, in displacement.npz",
        )
    true_masks = masks.copy()
    true_masks[data.reference_frame] = wall
    case = _case(data, true_masks, frames_known)
    motions, valid = [], []
    for z, slice_ in enumerate(case.slices):
        in_plane = slice_.grid.vectors_from_lps(data.displacement_mm[:, z])
        known = measured[:, z] & wall[z]
        filled = np.moveaxis(np.where(known[..., None], in_plane, 0.0), -1, 1).astype(np.float32)
        motions.append(SliceMotion(_continued(filled, wall[z])))
        valid.append(known)
    strains = tuple(
        slice_strain(slice_, motion, case.reference_frame, case.rv_insertion_lps)
        for slice_, motion in zip(case.slices, motions, strict=True)
    )
    return Truth(case, tuple(motions), tuple(valid), strains, end_systole(case))


def _continued(displacement_mm: Array, wall: Array) -> Array:
    """Extend the wall's motion beyond the wall by the nearest value, so that its border can be drawn."""
    nearest = ndimage.distance_transform_edt(~wall, return_distances=False, return_indices=True)
    return np.asarray(displacement_mm[:, :, nearest[0], nearest[1]])


def _case(data: DatasetCase, masks: Array, frames_known: Array | None = None) -> Case:
    slices = tuple(
        CineSlice(
            name=f"{data.id}, slice {z + 1}",
            grid=grid,
            myocardium=masks[:, z],
            frame_times_ms=data.frame_times_ms,
            rr_ms=data.rr_ms,
            level=data.level,
            level_known=data.level_known,
            contour_convention=data.contour_convention,
            convention_source="case",
            cine=None if data.cine is None else data.cine[:, z],
            valid_frames=np.empty(0, dtype=bool) if frames_known is None else frames_known,
        )
        for z, grid in enumerate(data.grids)
    )
    return Case(slices, data.reference_frame, data.rv_insertion_lps)
