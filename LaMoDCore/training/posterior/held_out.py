"""Calibrate a model's intervals on subjects that it was not trained on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.canonical import cycle_phases
from LaMoDCore.heart.case import CineSlice, SliceMotion, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.prediction.samples import MotionSamples
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.strain import slice_strain
from LaMoDCore.strain.tensor import FIELD_NAMES
from LaMoDCore.training.posterior.held_out_hearts import (
    HeldOutGlobal,
    PredictedSlice,
    fit_global_numbers,
    predicted_slices,
    slices_and_heart,
)
from LaMoDCore.training.posterior.predicted_case import PredictedCase, predicted_case, predicted_data
from LaMoDCore.training.posterior.randomised_residuals import SLICES, randomised_cases
from LaMoDCore.uncertainty.calibration import Calibration, fit_quantity
from LaMoDCore.uncertainty.weak_segments import SEGMENT_ECC, fit_weak_segments, weak_variance, weakness

if TYPE_CHECKING:
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

#: Every fourth frame is used, since neighbouring frames are similar.
_EVERY_FRAME = 4
#: Smallest number of validation subjects that are divided between selection and calibration.
_FEWEST_SUBJECTS = 4


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Errors and spreads of one slice at its T chosen frames.

    Attributes:
        entry: entry of the slice in the dataset.
        phases: [T] fractions of the cycle.
        error, spread: by quantity, [T, K]: |truth − prediction| and the standard deviation of the samples.
        weak: `weakness` of the segments, [T, S].
    """

    entry: DatasetEntry
    phases: Array
    error: dict[str, Array]
    spread: dict[str, Array]
    weak: Array

    def extra(self, name: str, calibration: Calibration) -> Array | None:
        """Variance that the calibration adds for weak segments, [T, S]; None for other quantities."""
        return weak_variance(calibration, name, self.weak)


def held_out_errors(
    model: LoadedModel, index: DatasetIndex, entry: DatasetEntry, samples: int, seed: int = 0
) -> list[HeldOut]:
    """Predict one case of a dataset like `predict_strain` and compare it with the truth; empty without a truth.

    Fields are compared on the pixels common to the drawn and the true wall. Segments are compared as they are reported:
    the prediction on the drawn wall, the truth on the true wall.
    """
    predicted = predicted_case(model, index, entry, samples, seed)
    return [] if predicted is None else errors_of(predicted)


def errors_of(predicted: PredictedCase) -> list[HeldOut]:
    """As `held_out_errors`, of a case that was predicted."""
    case, truth = predicted.case, predicted.truth
    found: list[HeldOut] = []
    for slice_, motion, true_slice, true_motion, true_strain in zip(
        case.slices, predicted.motions, truth.case.slices, truth.motions, truth.strains, strict=True
    ):
        assert isinstance(motion.samples_mm, MotionSamples)
        frames = _frames(slice_, true_slice, case.reference_frame)
        fewer = _at_frames(slice_, frames)
        thin = SliceMotion(motion.displacement_mm[frames], motion.samples_mm.at_frames(frames))
        strain = slice_strain(fewer, thin, 0, case.rv_insertion_lps)
        shared = strain.myocardium & true_strain.myocardium
        error, spread = _fields(strain, true_strain, frames, shared)
        gap = np.abs(thin.displacement_mm - true_motion.displacement_mm[frames])[:, :, shared]
        error["displacement_mm"] = gap.reshape(len(frames), -1)
        deviation = strain.fields_std["displacement_mm"][:, :, shared]
        spread["displacement_mm"] = deviation.reshape(len(frames), -1)
        if strain.segment_names == true_strain.segment_names:
            for name, curves in strain.segment_curves.items():
                error[f"segment_{name}"] = np.abs(curves - true_strain.segment_curves[name][:, frames]).T
                spread[f"segment_{name}"] = strain.segment_curves_std[name].T
        phases = cycle_phases(slice_.frame_times_ms, slice_.rr_ms, case.reference_frame)[frames]
        found.append(HeldOut(predicted.entry, phases, error, spread, weakness(strain.segment_curves["ecc"]).T))
    return found


def calibration_entries(index: DatasetIndex, left_out: Collection[str]) -> list[int]:
    """Positions in the index of the cases on which intervals are calibrated: every second validation subject.

    Everything else that is chosen on validation data (early stopping, the weight of the regression, the flag's limit)
    uses the other subjects, so that the calibration sees errors as they are on new subjects. Empty with fewer than
    four validation subjects: then both use all of them.
    """
    own = [number for number, entry in enumerate(index) if entry.split == "val" and entry.id not in left_out]
    every = list(index)
    subjects = list(dict.fromkeys(every[number].subject for number in own))
    if len(subjects) < _FEWEST_SUBJECTS:
        return []
    chosen = set(subjects[1::2])
    return [number for number in own if every[number].subject in chosen]


def fit_calibration(
    model: LoadedModel,
    index: DatasetIndex,
    entries: Sequence[DatasetEntry],
    samples: int,
    progress: Progress = SILENT,
    *,
    randomised: tuple[CohortRecipe, Sequence[int]] | None = None,
) -> Calibration:
    """Fit the scales of every quantity, and of global strain, to held-out cases.

    Args:
        model: a model that is not calibrated yet.
        index: the dataset.
        entries: its held-out cases; those of one subject are also compared as one heart.
        samples: number of samples.
        progress: updated after every case.
        randomised: numbers of subjects of the wider distribution that nothing else was fitted to, to which the term of
            weak segments is fitted; None: without this term.
    """
    subjects = [] if randomised is None else list(randomised[1])
    count = len(entries) + SLICES * len(subjects)
    found: list[HeldOut] = []
    hearts: list[HeldOutGlobal] = []
    groups: dict[tuple[str, str], list[DatasetEntry]] = {}  # cine and DENSE scans of a subject are different hearts
    for entry in entries:
        groups.setdefault((entry.subject, entry.cohort), []).append(entry)
    done = 0
    for group in groups.values():
        parts: list[PredictedSlice] = []
        for entry in group:
            predicted = predicted_case(model, index, entry, samples)
            if predicted is not None:
                found += errors_of(predicted)
                parts += predicted_slices(predicted)
            done += 1
            progress.update("calibrate", done / count, f"{done} of {count} cases")
        hearts += slices_and_heart(parts)
    calibration = calibration_from(found, samples)
    if randomised is not None:
        unusual: list[HeldOut] = []
        for number in subjects:
            unusual += _randomised_errors(model, randomised[0], number, samples)
            done += SLICES
            progress.update("calibrate", done / count, f"{done} of {count} cases")
        calibration = calibration_from(found, samples, weak_segments_of(unusual, calibration))
    return replace(calibration, global_numbers=fit_global_numbers(hearts))


def _randomised_errors(model: LoadedModel, recipe: CohortRecipe, number: int, samples: int) -> list[HeldOut]:
    found: list[HeldOut] = []
    for data in randomised_cases(recipe, number):
        entry = DatasetEntry(data.id, str(number), "", "val", "dense", data.disease, data.level)
        try:
            predicted = predicted_data(model, data, entry, samples)
        except LaMoDInputError:  # too large for the networks' input
            continue
        found += [] if predicted is None else errors_of(predicted)
    return found


def weak_segments_of(unusual: Sequence[HeldOut], calibration: Calibration) -> dict[str, float]:
    """Fit the term of weak segments to errors on unusual hearts.

    Args:
        unusual: the errors.
        calibration: calibration without this term.
    """
    having = [each for each in unusual if SEGMENT_ECC in each.error]
    deviation = [calibration.deviation(SEGMENT_ECC, each.spread[SEGMENT_ECC], each.phases) for each in having]
    k = fit_weak_segments(
        [each.error[SEGMENT_ECC] for each in having], deviation, [each.weak for each in having], calibration
    )
    return {SEGMENT_ECC: k} if k > 0 else {}


def calibration_from(
    found: Sequence[HeldOut], samples: int, weak_segments: Mapping[str, float] | None = None
) -> Calibration:
    """Fit the scales of every quantity to errors and spreads, with the term of weak segments if there is one."""
    calibration = Calibration(samples=samples, weak_segments=weak_segments or {})
    names = sorted({name for each in found for name in each.error})
    quantities = {}
    for name in names:
        having = [each for each in found if name in each.error]
        extra = [variance for each in having if (variance := each.extra(name, calibration)) is not None]
        quantities[name] = fit_quantity(
            [each.error[name] for each in having],
            [each.spread[name] for each in having],
            [each.phases for each in having],
            extra=extra or None,
        )
    return replace(calibration, quantities=quantities)


def coverage_of(calibration: Calibration, found: Sequence[HeldOut], name: str) -> Array:
    """Share of the true values of a quantity within their intervals, per slice; without end-diastole."""
    shares = []
    for each in found:
        if name not in each.error:
            continue
        deviation = calibration.deviation(name, each.spread[name], each.phases, each.extra(name, calibration))
        known = np.isfinite(each.error[name]) & (each.phases > 0)[:, None]
        inside = each.error[name] <= calibration.half_width * deviation
        shares.append(inside[known].mean() if known.any() else np.nan)
    return np.array(shares)


def _frames(slice_: CineSlice, true_slice: CineSlice, reference: int) -> Array:
    """The reference frame, then every fourth frame after it that was acquired."""
    order = (reference + np.arange(0, slice_.frames, _EVERY_FRAME)) % slice_.frames
    acquired = true_slice.valid_frames[order]
    acquired[0] = True
    return np.asarray(order[acquired])


def _at_frames(slice_: CineSlice, frames: Array) -> CineSlice:
    return replace(
        slice_,
        myocardium=slice_.myocardium[frames],
        frame_times_ms=slice_.frame_times_ms[frames],
        valid_frames=np.ones(len(frames), dtype=bool),
        cavity=None,
        right_ventricle=None,
        cine=None,
    )


def _fields(
    strain: SliceStrain, true_strain: SliceStrain, frames: Array, shared: Array
) -> tuple[dict[str, Array], dict[str, Array]]:
    error, spread = {}, {}
    for name in FIELD_NAMES:
        error[name] = np.abs(strain.fields[name] - true_strain.fields[name][frames])[:, shared]
        spread[name] = strain.fields_std[name][:, shared]
    return error, spread
