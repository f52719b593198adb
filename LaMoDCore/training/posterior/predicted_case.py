"""A case of a dataset with known motion, and the model's prediction for it."""

from __future__ import annotations

from dataclasses import dataclass

from LaMoDCore.evaluation.truth import Truth, drawn_case, truth_of
from LaMoDCore.heart.case import Case, SliceMotion
from LaMoDCore.io.dataset.folder import DatasetCase, DatasetEntry, DatasetIndex, read_dataset_case
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.prediction.slice_motion import predict_slice


@dataclass(frozen=True, eq=False)
class PredictedCase:
    """One case: as drawn, its truth, and the predicted motion of each slice with its samples."""

    entry: DatasetEntry
    case: Case
    truth: Truth
    motions: tuple[SliceMotion, ...]


def predicted_case(
    model: LoadedModel, index: DatasetIndex, entry: DatasetEntry, samples: int, seed: int = 0
) -> PredictedCase | None:
    """Predict one case of a dataset like `predict_strain`; None without a truth."""
    return predicted_data(model, read_dataset_case(index.folder, entry.id), entry, samples, seed)


def predicted_data(
    model: LoadedModel, data: DatasetCase, entry: DatasetEntry, samples: int, seed: int = 0
) -> PredictedCase | None:
    """As `predicted_case`, of a case in memory."""
    truth = truth_of(data)
    if truth is None:
        return None
    case = drawn_case(data)
    options = resolve_options(model, samples=samples)
    motions = [predict_slice(slice_, case.reference_frame, model, options, seed).motion for slice_ in case.slices]
    return PredictedCase(entry, case, truth, tuple(motions))
