"""Splits by subject and site, and collecting several datasets in one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.io.dataset.collection import add_case
from LaMoDCore.io.dataset.folder import (
    DatasetCase,
    DatasetEntry,
    DatasetIndex,
    read_dataset_case,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.io.dataset.split import count_splits, propose_split, with_split, write_split
from LaMoDCore.runtime.errors import LaMoDInputError


def entries(sites: dict[str, int], slices: int = 3) -> list[DatasetEntry]:
    """Cases of a number of subjects per site, each with a number of slices."""
    return [
        DatasetEntry(f"{site}{k}-{z}", f"{site}{k}", site, "train", "dense", "", "mid")
        for site, count in sites.items()
        for k in range(count)
        for z in range(slices)
    ]


def ring(case_id: str, paired_with: str | None = None) -> DatasetCase:
    y, x = np.mgrid[:40, :40]
    radius = np.hypot(x - 20, y - 20)
    masks = np.broadcast_to((radius > 8) & (radius < 14), (8, 1, 40, 40)).copy()
    return DatasetCase(case_id, masks, np.eye(4), np.arange(8) * 100.0, 800.0, 0, "mid", paired_with=paired_with)


def write(folder: Path, cases: list[DatasetCase]) -> Path:
    for case in cases:
        write_dataset_case(folder, case)
    lines = [DatasetEntry(case.id, case.id, "A", "train", "cine", "", "mid") for case in cases]
    write_dataset_index(folder, lines, {"made_by": "somebody"})
    return folder


def test_subjects_are_assigned_evenly_from_every_site() -> None:
    everybody = entries({"A": 40, "B": 20, "C": 7})
    split_of = propose_split(everybody, (0.7, 0.15, 0.15), seed=3)
    assert set(split_of) == {entry.subject for entry in everybody}
    counts = {(c.site, c.split): c for c in count_splits(with_split(everybody, split_of))}
    for site, subjects in (("A", 40), ("B", 20), ("C", 7)):
        for split, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
            found = counts[site, split]
            assert abs(found.subjects - share * subjects) <= 1.5
            assert found.cases == 3 * found.subjects
    total = Counter(split_of.values())
    assert abs(total["train"] - 0.7 * 67) <= 1 and abs(total["test"] - 0.15 * 67) <= 1
    assert propose_split(everybody, seed=3) == split_of != propose_split(everybody, seed=4)


def test_sites_with_one_subject_are_balanced_together() -> None:
    split_of = propose_split(entries({f"site {k:02d}": 1 for k in range(20)}), (0.6, 0.2, 0.2))
    assert Counter(split_of.values()) == {"train": 12, "val": 4, "test": 4}


def test_three_subjects_give_a_validation_case() -> None:
    assert Counter(propose_split(entries({"A": 3})).values()) == {"train": 2, "val": 1}
    assert "test" not in propose_split(entries({"A": 30}), (0.8, 0.2, 0.0)).values()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.2, -0.1), (0.5, 0.2, 0.2)])
def test_invalid_shares(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        propose_split(entries({"A": 3}), shares)


def test_the_command_previews_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "data", [ring(f"s{k}") for k in range(6)])
    before = (folder / "dataset.json").read_text()
    assert main(["split-dataset", str(folder), "--shares", "0.5,0.5,0", "--preview"]) == 0
    assert "3 subjects, 3 cases" in capsys.readouterr().out
    assert (folder / "dataset.json").read_text() == before
    assert main(["split-dataset", str(folder), "--shares", "0.5,0.5,0"]) == 0
    index = DatasetIndex.load(folder)
    assert Counter(entry.split for entry in index) == {"train": 3, "val": 3}
    assert index.about["made_by"] == "somebody"
    assert main(["split-dataset", str(folder), "--shares", "half,half"]) == 1
    with pytest.raises(LaMoDInputError, match="changed"):
        write_split(folder, {"s0": "train"})


def test_datasets_are_collected_and_pairs_stay_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write(tmp_path / "first", [ring("a", "b"), ring("b", "a")])
    second = write(tmp_path / "second", [ring("a", "b"), ring("b", "a"), ring("c")])
    assert main(["collect", str(first), str(second), "--into", str(tmp_path / "all")]) == 0
    assert "5 cases" in capsys.readouterr().out
    index = DatasetIndex.load(tmp_path / "all")
    assert [entry.id for entry in index] == ["a", "b", "a-2", "b-2", "c"]
    assert read_dataset_case(index.folder, "a-2").paired_with == "b-2"
    assert read_dataset_case(index.folder, "b").paired_with == "a"
    assert len(DatasetIndex.load(second)) == 3
    assert main(["collect", str(first), "--into", str(first)]) == 1


def test_a_case_is_added_to_a_new_and_to_an_existing_dataset(tmp_path: Path) -> None:
    line = DatasetEntry("Mr. X/1", "x", "", "train", "cine", "", "mid")
    assert add_case(tmp_path / "new", ring("any"), line).id == "Mr.-X-1"
    assert add_case(tmp_path / "new", ring("any"), line).id == "Mr.-X-1-2"
    index = DatasetIndex.load(tmp_path / "new")
    assert [read_dataset_case(index.folder, entry.id).id for entry in index] == ["Mr.-X-1", "Mr.-X-1-2"]
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("...")
    with pytest.raises(LaMoDInputError, match=r"dear\.txt"):
        add_case(tmp_path / "letters", ring("any"), line)
    assert [file.name for file in (tmp_path / "letters").iterdir()] == ["dear.txt"]


def test_findings_as_json_name_predicted_motion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = ring("a")
    still = np.where(case.masks[:1, ..., None], 0.0, np.nan).astype(np.float32)
    details = {"motion_source": "predicted by somebody's model"}
    moved = DatasetCase(
        **{
            **vars(case),
            "displacement_mm": np.broadcast_to(still, (*case.masks.shape, 3)).copy(),
            "valid": case.masks,
            "details": details,
        }
    )
    folder = write(tmp_path / "data", [moved])
    assert main(["validate-dataset", str(folder), "--json", "--progress", "none"]) == 3
    findings = json.loads(capsys.readouterr().out)
    assert any(f["case"] == "a" and "predicted by somebody's model" in f["message"] for f in findings)
