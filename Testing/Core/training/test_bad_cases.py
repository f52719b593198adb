"""Faults of a dataset are named one by one, and a bad case stops neither training nor evaluation nor prediction."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ring_dataset import TINY, write_rings

from LaMoDCore.cli import main
from LaMoDCore.io.dataset.checks import check_dataset
from LaMoDCore.io.dataset.folder import DatasetCaseError, DatasetIndex, read_dataset_case
from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.data.cache import open_cache


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_rings(tmp_path_factory.mktemp("data") / "rings", 2, 2)
    edit(folder / "dataset.json", lambda content: content["cases"][3].update(split="test"))
    return folder


@pytest.fixture
def rings(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "rings"))


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")


def edit_motion(folder: Path, **changes: Callable[[Any], Any]) -> None:
    with np.load(folder / "displacement.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(folder / "displacement.npz", **{**arrays, **{name: f(arrays[name]) for name, f in changes.items()}})


def findings(folder: Path) -> list[str]:
    return [f"{f.case}: {f.message}" for f in check_dataset(folder)[1] if "insertion is unknown" not in f.message]


def test_a_good_dataset_has_no_findings(rings: Path) -> None:
    assert findings(rings) == []


def test_one_finding_per_fault_and_case(rings: Path) -> None:
    cases = rings / "cases"
    edit(cases / "s0-mid/case.json", lambda c: c.update(level="top", rv_insertion_lps=[1, 2], disease=5))
    edit_motion(cases / "s0-mid", frame_times_ms=lambda a: a * np.nan, rr_ms=lambda a: -1.0)
    (cases / "s1-mid/displacement.npz").write_bytes(b"noise")
    edit(rings / "dataset.json", lambda c: c["cases"][2].update(site=5, cohort="mri"))
    found = findings(rings)
    assert sum(each.startswith("s0-mid: case.json") for each in found) == 3
    assert "s0-mid: displacement.npz: frame_times_ms is not finite." in found
    assert any(each.startswith("s0-mid: displacement.npz: rr_ms contains -1") for each in found)
    assert sum(each.startswith("s1-mid:") for each in found) == 1
    assert sum(each.startswith("s2-mid: dataset.json") for each in found) == 2
    assert sum(each.startswith("s3-mid") for each in found) == 0
    assert main(["dataset", "validate", str(rings), "--progress", "none"]) == 3


def test_a_case_imported_twice_and_empty_splits_are_named(rings: Path) -> None:
    def copy(content: dict[str, Any]) -> None:
        content["cases"] = [content["cases"][0], {**content["cases"][0], "id": "again", "subject": "other"}]

    shutil.copytree(rings / "cases/s0-mid", rings / "cases/again")
    edit(rings / "dataset.json", copy)
    found = "\n".join(findings(rings))
    assert "again: Its masks, times and motion are those of s0-mid: it was imported twice." in found
    assert "No subject is in val" in found and "No subject is in test" in found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"displacement_mm": lambda a: a[..., :2]}, "displacement_mm has the shape"),
        ({"displacement_mm": lambda a: a.astype(int)}, "displacement_mm is of type int64"),
        ({"valid": lambda a: a.astype(int) * 7}, "valid contains 7"),
        ({"frame_times_ms": lambda a: a[::-1]}, "do not increase"),
        ({"reference_frame": lambda a: 99}, "reference_frame contains 99"),
        ({"reference_frame": lambda a: 0.5}, "reference_frame is of type float64"),
        ({"rr_ms": lambda a: np.array([1.0, 2.0])}, "rr_ms has the shape"),
    ],
)
def test_fields_of_the_motion(rings: Path, changes: dict[str, Any], reason: str) -> None:
    edit_motion(rings / "cases/s0-mid", **changes)
    with pytest.raises(DatasetCaseError, match=reason):
        read_dataset_case(rings, "s0-mid")


def test_an_invalid_entry_is_refused_where_the_index_is_written(rings: Path) -> None:
    before = (rings / "cases").stat()
    edit(rings / "dataset.json", lambda c: c["cases"][0].update(id="../../x"))
    with pytest.raises(LaMoDInputError, match="is not a folder name"):
        DatasetIndex.load(rings)
    usable = DatasetIndex.load_usable(rings)
    assert len(usable) == 3 and usable.faults[0].case == "../../x"
    assert main(["dataset", "split", str(rings)]) == 1
    assert (rings / "cases").stat() == before


def test_training_leaves_bad_cases_out(rings: Path, tmp_path: Path) -> None:
    edit(rings / "cases/s0-mid/case.json", lambda c: c.update(level=5))
    cache = open_cache(rings, tmp_path / "cache")
    assert list(cache.left_out) == ["s0-mid"]
    assert "level must be text" in cache.left_out["s0-mid"]
    assert cache.indices("train").tolist() == [1]
    assert open_cache(rings, tmp_path / "cache").left_out == cache.left_out


def test_evaluation_and_cohort_leave_bad_cases_out(
    rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(rings / "dataset.json", lambda c: [case.update(split="test") for case in c["cases"]])
    edit(rings / "dataset.json", lambda c: c["cases"][3].update(level=5))
    (rings / "cases/s0-mid/masks.seq.nrrd").write_bytes(b"noise")
    words = ["evaluate", "--data", str(rings), "--out", str(tmp_path / "results"), "--models", "zero"]
    assert main([*words, "--no-figures", "--progress", "none"]) == 0
    printed = capsys.readouterr().out
    assert "left out s0-mid" in printed and "left out s3-mid: dataset.json: level must be text" in printed
    model = save_model(LaMoDModel(TINY.model), tmp_path / "model", "small")
    words = ["predict-cohort", str(rings), "--out", str(tmp_path / "cohort"), "--model", str(model)]
    assert main([*words, "--no-diffusion", "--progress", "none"]) == 0
    failed = (tmp_path / "cohort/failures.csv").read_text(encoding="utf-8")
    assert "s0-mid" in failed and "s3-mid" in failed
    assert (tmp_path / "cohort/cases/s1-mid/strain.json").is_file()
