"""Hearts of the wider distribution that the networks' input cannot hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from annuli_dataset import _case

from LaMoDCore.heart.canonical import SIZE
from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.posterior import held_out, randomised_residuals

RECIPE = CohortRecipe(count=8, seed=3)


@pytest.fixture(scope="module")
def usual() -> DatasetCase:
    return _case("s1", "dense")


@pytest.fixture(scope="module")
def large(usual: DatasetCase) -> DatasetCase:
    """The same pixels, larger: the ring spans more than the canonical image."""
    columns = np.flatnonzero(usual.masks[0, 0].any(axis=0))
    factor = SIZE / (np.ptp(columns) * np.linalg.norm(usual.ijk_to_lps[:3, 0]))
    return replace(usual, id="large", ijk_to_lps=usual.ijk_to_lps @ np.diag([factor, factor, 1.0, 1.0]))


def test_slices_that_do_not_fit_are_left_out(usual: DatasetCase, large: DatasetCase) -> None:
    kept = randomised_residuals._cache_of_fitting([usual, large, usual])
    assert kept is not None and len(kept.levels) == 2
    assert randomised_residuals._cache_of_fitting([large]) is None


def test_no_slice_that_fits_is_an_error(monkeypatch: pytest.MonkeyPatch, large: DatasetCase) -> None:
    monkeypatch.setattr(randomised_residuals, "randomised_cases", lambda recipe, number: [large])
    with pytest.raises(LaMoDInputError, match="none of 2 fits into the networks' input"):
        randomised_residuals.randomised_residuals(None, [4, 5], 3)  # type: ignore[arg-type]


def test_the_calibration_leaves_them_out(
    monkeypatch: pytest.MonkeyPatch, usual: DatasetCase, large: DatasetCase
) -> None:
    seen: list[str] = []

    def predicted(model: object, data: DatasetCase, entry: object, samples: int) -> None:
        if data is large:
            raise LaMoDInputError(data.id, "does not fit", "")
        seen.append(data.id)

    monkeypatch.setattr(held_out, "randomised_cases", lambda recipe, number: [large, usual])
    monkeypatch.setattr(held_out, "predicted_data", predicted)
    assert held_out._randomised_errors(None, RECIPE, 4, 8) == []  # type: ignore[arg-type]
    assert seen == [usual.id]
