"""What the model leaves open on hearts of a wider law than people's (`phantom.randomised`).

Residuals on hearts that the networks know say nothing of how far they go wrong on others. A posterior that has seen
both has modes for what strange hearts do, and learns by which descriptors it knows a heart on which it errs more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.data.cache import cache_of_cases
from LaMoDCore.training.posterior.contour_bank import EXACT_SHARE
from LaMoDCore.training.posterior.residuals import ResidualBank, residual_bank

if TYPE_CHECKING:
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

#: Of each subject.
SLICES = 4
_STREAM = 23


def randomised_residuals(
    model: LaMoDModel, subjects: Sequence[int], seed: int, progress: Progress = SILENT
) -> ResidualBank:
    """Predict randomised hearts, four slices each, and compare with their truth.

    They are augmented as the dataset's training slices are.

    Args:
        model: E_R, D_η and the estimate from contours at rest, in evaluation mode.
        subjects: numbers of the cohort's subjects, one or more; such as the model has not learned from.
        seed: of the cohort.
        progress: told of every subject.
    """
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

    recipe = CohortRecipe(count=max(subjects) + 1, seed=seed)
    banks = []
    for done, number in enumerate(subjects):
        cache = cache_of_cases(_cases(recipe, number))
        banks.append(residual_bank(model, cache, cache.indices("train"), seed=number))
        progress.update("randomised residuals", (done + 1) / len(subjects), f"{done + 1} of {len(subjects)} subjects")
    return ResidualBank.joined(banks)


def _cases(recipe: CohortRecipe, number: int) -> list[DatasetCase]:
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
