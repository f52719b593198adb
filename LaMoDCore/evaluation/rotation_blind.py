"""The rotation-blind reference of a synthetic cohort: the error if all motion is known exactly except rotation.

It guesses rotation from level and contraction alone. It is no lower bound: a ring that is not exactly round shows some
of its rotation, and predictions from exact contours have a smaller error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.io.dataset.folder import DatasetIndex
from LaMoDCore.runtime.json_file import read_json

if TYPE_CHECKING:
    from LaMoDCore.phantom.heart.slices import PhantomSlice

#: Subjects on which the conditional mean of rotation is fitted; no cohort for training or testing uses these seeds.
_REFERENCE_SEED, _REFERENCE_SUBJECTS = 880003, 300


@dataclass(frozen=True)
class RotationBlindReference:
    """Mean errors over planes, mm, as `LaMoDCore.phantom.cohort.rotation_blind` defines them."""

    epe_mm: float
    epe_es_mm: float
    planes: int

    @property
    def sentence(self) -> str:
        """One line for the page."""
        return (
            f"Rotation-blind reference on these {self.planes} planes (all motion known except rotation, which is "
            f"guessed from level and contraction): EPE {self.epe_mm:.2f} mm over the cycle, {self.epe_es_mm:.2f} mm at "
            "ES."
        )


def synthetic_reference(index: DatasetIndex, case_ids: Sequence[str]) -> RotationBlindReference | None:
    """Compute the rotation-blind reference of the planes of cases from `lamod phantom`; None for other datasets.

    Args:
        index: the dataset.
        case_ids: its cases to include; two scans of a plane count once.
    """
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe
    from LaMoDCore.phantom.cohort.rotation_blind import fit_rotation, rotation_blind_row

    planes = {}
    for case_id in case_ids:
        plane = plane_of(index, case_id)
        if plane is not None:
            planes[plane.subject.seed, plane.name] = plane
    if not planes:
        return None
    reference = CohortRecipe(count=_REFERENCE_SUBJECTS, seed=_REFERENCE_SEED)
    rotation = fit_rotation(plane for k in range(reference.count) for plane in reference.subject(k).slices())
    rows = [rotation_blind_row(plane, rotation) for plane in planes.values()]
    return RotationBlindReference(
        float(np.mean([row.epe for row in rows])), float(np.mean([row.epe_es for row in rows])), planes=len(rows)
    )


def plane_of(index: DatasetIndex, case_id: str) -> PhantomSlice | None:
    """Regenerate the synthetic plane of a case from the seed in its case.json; None if the case is not synthetic."""
    from LaMoDCore.phantom.heart.subject import sample_subject

    about = read_json(index.folder / "cases" / case_id / "case.json", "write the case again")
    if index.about.get("made_by") != "lamod phantom" or not {"phantom_seed", "plane", "disease"} <= set(about):
        return None
    subject = sample_subject(int(about["phantom_seed"]), str(about["disease"]))
    return next((plane for plane in subject.slices() if plane.name == about["plane"]), None)
