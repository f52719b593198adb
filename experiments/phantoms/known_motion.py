"""Error of a prediction for a heart of known motion: one slice, the same pixels for both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import Case, StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.strain import compute_strain


@dataclass(frozen=True, eq=False)
class KnownMotionScore:
    """Errors over the drawn wall of the reference frame.

    Attributes:
        epe_mm, motion_mm: mean |u − u_true| and |u_true| over all frames.
        epe_es_mm, motion_es_mm: the same at end-systole.
        ecc_error: mean |Ecc − true Ecc| of the six segments at end-systole.
        ecc_bias: mean Ecc minus the true one there.
        true_ecc: [6, T], the segments' curves from the exact displacement at the same pixels.
    """

    epe_mm: float
    motion_mm: float
    epe_es_mm: float
    motion_es_mm: float
    ecc_error: float
    ecc_bias: float
    true_ecc: Array


def score_known_motion(case: Case, truth: Array, result: StrainResult) -> KnownMotionScore:
    """Score a result of one slice.

    Args:
        case: the heart as drawn.
        truth: its exact displacement [T, 2, H, W] in mm along the grid's axes.
        result: the prediction.
    """
    slice_, strain, es = case.slices[0], result.slices[0], result.es_frame
    wall = slice_.myocardium[case.reference_frame]
    error = np.linalg.norm(strain.displacement_mm - truth, axis=1)[:, wall]
    motion = np.linalg.norm(truth, axis=1)[:, wall]
    exact = compute_strain(truth, wall, slice_.grid.spacing_mm).ecc
    true_ecc = np.stack([np.nanmean(exact[:, strain.segment == n], axis=1) for n in range(1, 7)])
    return KnownMotionScore(
        float(error.mean()),
        float(motion.mean()),
        float(error[es].mean()),
        float(motion[es].mean()),
        float(np.abs(strain.segment_curves["ecc"][:, es] - true_ecc[:, es]).mean()),
        float(np.nanmean(strain.fields["ecc"][es]) - np.nanmean(exact[es])),
        true_ecc,
    )
