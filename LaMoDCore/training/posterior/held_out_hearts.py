"""Errors of global strain on subjects that a model was not trained on, of single slices and of whole hearts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice, SliceStrain
from LaMoDCore.io.dataset.folder import DatasetEntry
from LaMoDCore.strain import end_systole, slice_strain
from LaMoDCore.strain.curves import heart_cycle
from LaMoDCore.strain.global_strain import (
    GLOBAL_NUMBERS,
    global_number,
    heart_curves,
    heart_sample_curves,
    sample_spread,
)
from LaMoDCore.training.posterior.predicted_case import PredictedCase
from LaMoDCore.uncertainty.calibration import GlobalScale, fit_global


@dataclass(frozen=True, eq=False)
class HeldOutGlobal:
    """Global numbers of one slice, or of all slices of a subject.

    Attributes:
        subject, disease: of the dataset.
        slices: number of slices.
        error, spread: by name (`GLOBAL_NUMBERS`): prediction − truth, and the standard deviation of the samples.
    """

    subject: str
    disease: str
    slices: int
    error: dict[str, float]
    spread: dict[str, float]


@dataclass(frozen=True, eq=False)
class PredictedSlice:
    """One slice of a dataset: as drawn with its predicted strain, and its truth."""

    entry: DatasetEntry
    reference_frame: int
    drawn: CineSlice
    predicted: SliceStrain
    true: CineSlice
    true_strain: SliceStrain


def predicted_slices(predicted: PredictedCase) -> list[PredictedSlice]:
    """The slices of a predicted case."""
    case, truth = predicted.case, predicted.truth
    found = []
    for slice_, motion, true, true_strain in zip(
        case.slices, predicted.motions, truth.case.slices, truth.strains, strict=True
    ):
        strain = slice_strain(slice_, motion, case.reference_frame, case.rv_insertion_lps)
        found.append(PredictedSlice(predicted.entry, case.reference_frame, slice_, strain, true, true_strain))
    return found


def held_out_global(parts: Sequence[PredictedSlice]) -> HeldOutGlobal | None:
    """Compare the global numbers of slices of one subject with the truth; None if they are not one heart's frames."""
    if len({part.drawn.frames for part in parts}) > 1 or len({part.reference_frame for part in parts}) > 1:
        return None
    reference = parts[0].reference_frame
    drawn = Case(tuple(part.drawn for part in parts), reference)
    true = Case(tuple(part.true for part in parts), reference)
    strains, true_strains = [part.predicted for part in parts], [part.true_strain for part in parts]
    course, true_course = heart_cycle(drawn, end_systole(drawn)), heart_cycle(true, end_systole(true))
    curves, true_curves = heart_curves(drawn.slices, strains), heart_curves(true.slices, true_strains)
    samples = heart_sample_curves(drawn.slices, strains)
    error, spread = {}, {}
    for name, curve in GLOBAL_NUMBERS.items():
        error[name] = global_number(name, curves[curve], course) - global_number(name, true_curves[curve], true_course)
        spread[name] = sample_spread(name, samples[curve], course)
    entry = parts[0].entry
    return HeldOutGlobal(entry.subject, entry.disease, len(parts), error, spread)


def slices_and_heart(parts: Sequence[PredictedSlice]) -> list[HeldOutGlobal]:
    """Every slice of a subject alone, then all of them as one heart."""
    chosen = [*([part] for part in parts), *([list(parts)] if len(parts) > 1 else [])]
    return [found for found in map(held_out_global, chosen) if found is not None]


def fit_global_numbers(found: Sequence[HeldOutGlobal]) -> dict[str, GlobalScale]:
    """Fit the scale of every global number; empty without truths."""
    if not found:
        return {}
    return {
        name: fit_global(
            np.array([abs(each.error[name]) for each in found]), np.array([each.spread[name] for each in found])
        )
        for name in GLOBAL_NUMBERS
    }
