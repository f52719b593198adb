"""Slices predicted in several threads: the same result, the same errors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from LaMoDCore import load_case
from LaMoDCore.heart.case import Case
from LaMoDCore.models.folder import load_model
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.runtime.threads import in_order


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def stack(ring_file: Path) -> Case:
    """Three different slices."""
    case = load_case(ring_file)
    slice_ = case.slices[0]
    masks = [np.roll(slice_.myocardium, shift, axis=1) for shift in (0, 2, 5)]
    return replace(case, slices=tuple(replace(slice_, myocardium=m, cavity=None, name=str(len(m))) for m in masks))


def test_the_number_of_threads_changes_no_byte(stack: Case, small_model: Path) -> None:
    model = load_model(small_model)
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        results.append(predict_strain(stack, model, samples=1))
        assert torch.get_num_threads() == threads
    for result in results[1:]:
        for found, expected in zip(result.slices, results[0].slices, strict=True):
            np.testing.assert_array_equal(found.displacement_mm, expected.displacement_mm)
            np.testing.assert_array_equal(found.fields["ecc"], expected.fields["ecc"])
        assert result.summary["provenance"] == results[0].summary["provenance"]


@pytest.mark.parametrize("threads", [1, 2])
def test_results_keep_their_order_and_the_first_error_is_raised(threads: int) -> None:
    def half(number: int) -> int:
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number // 2

    assert list(in_order(half, [8, 2, 6, 0], threads)) == [4, 1, 3, 0]
    with pytest.raises(ValueError, match="3 is odd"):
        list(in_order(half, [8, 3, 5, 0], threads))


def test_blas_gets_one_thread_before_numpy_is_loaded_and_the_users_number_is_kept() -> None:
    script = "; ".join(
        [
            "import os",
            "from LaMoDCore.runtime.threads import limit_blas_threads",
            "limit_blas_threads()",
            "print(os.environ['OPENBLAS_NUM_THREADS'], os.environ['VECLIB_MAXIMUM_THREADS'])",
        ]
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBLAS", "VECLIB"))}
    environment["VECLIB_MAXIMUM_THREADS"] = "3"
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    assert run.stdout.split() == ["1", "3"]
