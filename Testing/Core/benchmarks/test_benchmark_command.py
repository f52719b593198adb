"""`lamod benchmark` prints its measurements."""

from __future__ import annotations

import json
import re

import pytest
import torch
from contracting_heart import contracting_heart, short_axis_grid

from LaMoDCore.benchmarks.timing import best_of_each
from LaMoDCore.cli import main
from LaMoDCore.models.registry import known_models


def small_heart():
    """One slice of eight frames in place of the demo case."""
    return contracting_heart(frames=8, grids=[short_axis_grid((72, 76))]).case


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
def test_a_table_of_times(subject, rows, capsys, monkeypatch):
    """Of a small heart and few draws: the figures themselves are not tested."""
    if subject == "predict" and not known_models():
        pytest.skip("there is no shipped model")
    monkeypatch.setattr("LaMoDCore.benchmarks.predict.demo_case", small_heart)
    for name, number in (("FRAMES", 4), ("PLAIN_FRAMES", 1), ("DRAWS", 3)):
        monkeypatch.setattr(f"LaMoDCore.benchmarks.strain.{name}", number)
    assert main(["benchmark", subject, "--repeats", "1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"\d\.\d+ s", printed) and "| --- |" in printed
    for row in rows:
        assert row in printed


def test_no_repeats_measure_nothing(capsys):
    assert main(["benchmark", "predict", "--repeats", "0"]) == 1
    assert "at least 1" in capsys.readouterr().err


@pytest.mark.skipif(not known_models(), reason="there is no shipped model")
def test_a_whole_heart_by_part_as_text_and_json(capsys):
    words = ["benchmark", "predict", "--slices", "2", "--frames", "8", "--pixels", "64", "--samples", "2"]
    assert main([*words, "--to-files", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    parts = found["parts"]
    assert {"read the masks", "predict", "write", "write motion", "write report"} <= set(parts)
    assert all(each["wall"] > 0 for each in parts.values())
    assert found["of_slices_s"]["motion"] > 0 and found["of_slices_s"]["strain"] > 0
    stages = ("load the model", "read the masks", "predict", "write")
    assert found["total"]["wall"] >= sum(parts[name]["wall"] for name in stages)
    assert found["size"] == {"slices": 2, "frames": 8, "pixels": 64}
    assert found["peak_mib"] is None or found["peak_mib"] > 50
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "| predict |" in printed and "| all |" in printed and "| write |" not in printed


@pytest.mark.parametrize(
    "words",
    [("predict", "--to-files"), ("predict", "--json"), ("strain", "--slices", "2"), ("predict", "--slices", "0")],
)
def test_options_of_a_whole_heart_that_do_not_fit_are_refused(words, capsys):
    assert main(["benchmark", *words]) == 1
    assert capsys.readouterr().err.startswith("lamod: --")
