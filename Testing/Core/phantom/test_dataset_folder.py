"""Dataset folders: round trip, refused inputs, and findings of dataset validation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.io.dataset.checks import check_dataset
from LaMoDCore.io.dataset.folder import (
    DatasetCase,
    DatasetEntry,
    DatasetIndex,
    read_dataset_case,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.phantom import sample_subject
from LaMoDCore.phantom.cohort.cases import canonical_case
from LaMoDCore.runtime.errors import LaMoDInputError


def entry(case_id: str, **changes: str) -> DatasetEntry:
    made = DatasetEntry(case_id, "p1", "here", "train", "dense", "infarct", "mid")
    return replace(made, **changes)


@pytest.fixture(scope="module")
def case() -> DatasetCase:
    return canonical_case(sample_subject(8, "infarct").slices()[1], "a", (0, 0))


@pytest.fixture
def folder(case: DatasetCase, tmp_path: Path) -> Path:
    write_dataset_case(tmp_path, case)
    write_dataset_index(tmp_path, [entry("a")], {"made_by": "a test"})
    return tmp_path


def messages(folder: Path) -> str:
    return "\n".join(f"{f.severity} {f.case}: {f.message}" for f in check_dataset(folder)[1])


def test_a_case_is_read_as_it_was_written(case: DatasetCase, folder: Path) -> None:
    index = DatasetIndex.load(folder)
    assert index.entries == (entry("a"),)
    assert index.about["made_by"] == "a test"
    back = read_dataset_case(folder, "a")
    assert np.array_equal(back.masks, case.masks)
    assert np.array_equal(back.masks_true, case.masks_true)  # type: ignore[arg-type]
    assert np.array_equal(back.valid, case.valid)  # type: ignore[arg-type]
    assert back.displacement_mm is not None
    assert case.displacement_mm is not None
    assert np.nanmax(np.abs(back.displacement_mm - case.displacement_mm)) < 1e-4
    assert np.array_equal(np.isnan(back.displacement_mm), np.isnan(case.displacement_mm))
    assert np.allclose(back.ijk_to_lps, case.ijk_to_lps, atol=1e-6)
    assert np.allclose(back.rv_insertion_lps, case.rv_insertion_lps, atol=1e-3)  # type: ignore[arg-type]
    assert (back.level, back.disease, back.rr_ms) == (case.level, case.disease, case.rr_ms)
    assert back.details == case.details


def test_a_case_may_hold_masks_only(case: DatasetCase, tmp_path: Path) -> None:
    write_dataset_case(tmp_path, replace(case, displacement_mm=None, valid=None, masks_true=None))
    back = read_dataset_case(tmp_path, "a")
    assert back.displacement_mm is None
    assert back.rr_ms == case.rr_ms
    assert np.allclose(back.frame_times_ms, case.frame_times_ms)


def test_slicer_and_itk_read_the_masks(case: DatasetCase, folder: Path) -> None:
    import SimpleITK as sitk

    image = sitk.ReadImage(str(folder / "cases/a/masks.seq.nrrd"))
    array = sitk.GetArrayFromImage(image)
    assert np.array_equal(np.moveaxis(array, -1, 0) > 0, case.masks)
    assert np.allclose(image.GetOrigin(), case.ijk_to_lps[:3, 3], atol=1e-4)


def test_arrays_that_do_not_fit_are_refused(case: DatasetCase, tmp_path: Path) -> None:
    for changes in (
        {"masks": case.masks.astype(np.uint8)},
        {"displacement_mm": case.displacement_mm[:5]},  # type: ignore[index]
        {"valid": None},
        {"frame_times_ms": case.frame_times_ms[:5]},
    ):
        with pytest.raises(ValueError, match=r"."):
            write_dataset_case(tmp_path, replace(case, **changes))
    assert not any((tmp_path / "cases").iterdir()) if (tmp_path / "cases").exists() else True


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("dataset.json", None, "does not exist"),
        ("dataset.json", "{", "JSON"),
        ("dataset.json", '{"version": 99, "cases": []}', "version"),
        ("dataset.json", '{"version": 1, "cases": [{"id": "../a"}]}', "subject"),
        ("cases/a/case.json", None, "does not exist"),
        ("cases/a/case.json", '{"level": "top"}', "level"),
        ("cases/a/masks.seq.nrrd", "nonsense", ""),
        ("cases/a/displacement.npz", "nonsense", "read"),
    ],
)
def test_the_error_of_a_damaged_dataset_names_the_file(folder: Path, name: str, content: str | None, word: str) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(LaMoDInputError) as fault:
        for item in DatasetIndex.load(folder):
            read_dataset_case(folder, item.id)
    assert Path(name).name in str(fault.value)
    assert word in str(fault.value)


def test_validate_finds_nothing_wrong_with_a_good_case(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = messages(folder).splitlines()
    assert [line.split(":")[1].split(" is")[0] for line in found] == [" No subject"] * 2  # val and test are empty
    assert main(["validate-dataset", str(folder), "--progress", "none"]) == 3
    assert "1 case: 0 errors, 2 warnings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"displacement_mm": lambda c: -c.displacement_mm * 1.5}, "in the drawn wall after"),
        ({"displacement_mm": lambda c: c.displacement_mm * 20}, "check units"),
        ({"displacement_mm": lambda c: c.displacement_mm + 1}, "reference frame"),
        ({"displacement_mm": lambda c: c.displacement_mm * 0}, "displacement is zero"),
        ({"displacement_mm": lambda c: np.full_like(c.displacement_mm, np.nan)}, "not finite"),
        ({"masks": lambda c: c.masks & (np.arange(40) != 7)[:, None, None, None]}, "empty in frame 7"),
        ({"masks": lambda c: c.masks & (np.arange(128) > 64)}, "closed ring"),
        ({"rr_ms": lambda c: 100.0}, "implausible for a human heart"),
        ({"rv_insertion_lps": lambda c: None}, "insertion is unknown"),
        ({"rv_insertion_lps": lambda c: -c.rv_insertion_lps + 300}, "25 mm"),
        ({"frame_times_ms": lambda c: c.frame_times_ms[::-1].copy()}, "do not increase"),
        ({"paired_with": lambda c: "b"}, "not in the dataset"),
    ],
)
def test_validate_finds(case: DatasetCase, tmp_path: Path, changes: dict, words: str) -> None:  # type: ignore[type-arg]
    changed = {name: change(case) for name, change in changes.items()}
    write_dataset_case(tmp_path, replace(case, **changed))
    write_dataset_index(tmp_path, [entry("a")])
    assert words in messages(tmp_path)


def test_validate_finds_leaks_strays_and_missing_cases(
    case: DatasetCase, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cases" / "stray").mkdir()
    write_dataset_index(folder, [entry("a"), entry("gone", split="test")])
    found = messages(folder)
    assert "splits leak" in found
    assert "stray" in found
    assert "error gone: case.json" in found
    assert main(["validate-dataset", str(folder), "--progress", "none"]) == 3
    assert "error: gone" in capsys.readouterr().out
    assert main(["validate-dataset", str(folder / "cases"), "--progress", "none"]) == 1


def test_case_json_keeps_non_ascii_characters(case: DatasetCase, tmp_path: Path) -> None:
    write_dataset_case(tmp_path, replace(case, disease="Herzinfarkt – Ä"))
    assert read_dataset_case(tmp_path, "a").disease == "Herzinfarkt – Ä"
    assert json.loads((tmp_path / "cases/a/case.json").read_text(encoding="utf-8"))["level"] == "mid"
