"""Residuals of the model on hearts from a wider distribution (`phantom.heart.randomised`).

Residuals on hearts like the training data do not describe the errors on other hearts. A posterior fitted to both has
modes for unusual motion, and the descriptors of a slice indicate where errors are larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.data.cache import TrainingCache, cache_of_cases
from LaMoDCore.training.posterior.contour_bank import EXACT_SHARE
from LaMoDCore.training.posterior.residuals import ResidualBank, residual_bank

if TYPE_CHECKING:
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

#: Slices per subject.
SLICES = 4
_STREAM = 23


def randomised_residuals(
    model: LaMoDModel, subjects: Sequence[int], seed: int, progress: Progress = SILENT
) -> ResidualBank:
    """Predict randomised hearts, four slices per subject, and compare with the truth.

    They are augmented like the training slices of the dataset. Slices that are too large for the networks' input are
    left out: the wider distribution has ventricles of more than 12 cm.

    Args:
        model: the model in evaluation mode, with the estimate from contours.
        subjects: numbers of one or more subjects of the cohort, which the model was not trained on.
        seed: seed of the cohort.
        progress: updated for every subject.

    Raises:
        LaMoDInputError: no slice fits into the networks' input.
    """
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

    recipe = CohortRecipe(count=max(subjects) + 1, seed=seed)
    banks = []
    for done, number in enumerate(subjects):
        cache = _cache_of_fitting(randomised_cases(recipe, number))
        if cache is not None:
            banks.append(residual_bank(model, cache, cache.indices("train"), seed=number))
        progress.update("randomised residuals", (done + 1) / len(subjects), f"{done + 1} of {len(subjects)} subjects")
    if not banks:
        raise LaMoDInputError(
            "randomised hearts",
            f"none of {len(subjects)} fits into the networks' input",
            "generate more of them (--randomised), or none",
        )
    return ResidualBank.joined(banks)


def _cache_of_fitting(cases: Sequence[DatasetCase]) -> TrainingCache | None:
    """The cache of the cases that fit into the networks' input; None if none does."""
    try:
        return cache_of_cases(cases)
    except LaMoDInputError:
        if len(cases) == 1:
            return None
    fitting = [case for case in cases if _cache_of_fitting([case]) is not None]
    return cache_of_cases(fitting) if fitting else None


def randomised_cases(recipe: CohortRecipe, number: int) -> list[DatasetCase]:
    """The four slices of a subject of the wider distribution, as careful readers draw them."""
    from LaMoDCore.phantom.cohort.cases import canonical_case
    from LaMoDCore.phantom.imaging.annotator import draw_careful_annotator

    cases = []
    for n, plane in enumerate(recipe.randomised_subject(number).slices()):
        rng = np.random.default_rng([_STREAM, recipe.seed, number, n])
        cases.append(
            canonical_case(
                plane,
                f"randomised-{recipe.seed}-{number}-{n}",
                (recipe.seed, number, n),
                annotated=bool(rng.random() >= EXACT_SHARE),
                annotator=draw_careful_annotator(rng),
                trabeculae_mm=recipe.trabeculae_mm,
            )
        )
    return cases
