"""`lamod benchmark` prints its measurements."""

from __future__ import annotations

import re

import pytest
import torch

from LaMoDCore.benchmarks.timing import best_of_each
from LaMoDCore.cli import main
from LaMoDCore.models.registry import known_models


@pytest.fixture(autouse=True)
def _threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_best_run_counts_and_every_work_is_run_as_often():
    calls = []
    durations = best_of_each([lambda: calls.append("a"), lambda: calls.append("b")], 3)
    assert "".join(calls) == "ab" + "ab" * 3
    assert all(each.cpu >= 0 and 0 <= each.wall < 1 for each in durations)


@pytest.mark.parametrize(
    ("subject", "rows"),
    [
        ("predict", ("E_R", "D_η", "predict_strain, 1 sample")),
        ("strain", ("pixel by pixel", "| 2.65 |")),
    ],
)
def test_a_table_of_times(subject, rows, capsys):
    if subject == "predict" and not known_models():
        pytest.skip("there is no shipped model")
    assert main(["benchmark", subject, "--repeats", "1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"\d\.\d+ s", printed) and "| --- |" in printed
    for row in rows:
        assert row in printed


def test_no_repeats_measure_nothing(capsys):
    assert main(["benchmark", "predict", "--repeats", "0"]) == 1
    assert "at least 1" in capsys.readouterr().err
