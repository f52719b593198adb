"""Names that LaMoD creates are valid on every system."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from annuli_dataset import write_annuli

from LaMoDCore.cohort.work_list import list_cases
from LaMoDCore.io.dataset.collection import free_id, plain
from LaMoDCore.io.dataset.folder import read_dataset_case, write_dataset_case
from LaMoDCore.models.store import rename_model
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_names import check_path_length, name_fault, portable_name

INVALID = (
    *("", ".", "..", "a/b", "a\\b", "a:b", "a?", "a*", 'a"', "a<", "a|b", "a\x00", "a\n", "a.", "a ", "x" * 201),
    *("CON", "con", "nul.txt", "Aux.seq.nrrd", "COM1", "lpt9", "COM¹", "prn .x"),
)
VALID = ("a", "s00001-base", "Müller", "a b", ".hidden", "con1", "common", "null", "x" * 200, "日本")


@pytest.mark.parametrize("name", INVALID)
def test_invalid_names(name: str) -> None:
    assert name_fault(name)
    fixed = portable_name(name, "case")
    assert not name_fault(fixed)
    assert not name_fault(plain(name))


@pytest.mark.parametrize("name", VALID)
def test_valid_names(name: str) -> None:
    assert not name_fault(name)


def test_ids_that_differ_only_in_case_are_one_folder_on_windows_and_macos() -> None:
    assert free_id("Heart", ["heart", "HEART-2"]) == "Heart-3"
    assert free_id("heart", ["hearts"]) == "heart"


def test_cases_of_a_plain_folder_get_valid_names(tmp_path: Path) -> None:
    for name in ("CON.nii", "a..nii", "b.nii", "B.nrrd", "c:1.nii", "ok.nii.gz"):
        (tmp_path / name).touch()
    ids = [case.id for case in list_cases(tmp_path)]
    assert len({each.casefold() for each in ids}) == 6
    assert not any(name_fault(each) for each in ids) and "ok" in ids


@pytest.mark.parametrize("name", ["NUL", "a:b", "a.", "../a"])
def test_a_case_with_such_an_id_is_not_written(tmp_path: Path, name: str) -> None:
    write_annuli(tmp_path / "data")
    case = read_dataset_case(tmp_path / "data", "s1-cine")
    with pytest.raises(LaMoDInputError, match="the case id"):
        write_dataset_case(tmp_path / "out", replace(case, id=name))
    assert not (tmp_path / "out").exists() and not (tmp_path / "a").exists()


def test_a_model_of_such_a_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMOD_MODELS", str(tmp_path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.json").write_text("{}")
    for name in ("con", "a."):
        with pytest.raises(LaMoDInputError):
            rename_model("mine", name)


def test_long_paths_are_refused_on_windows_before_the_work() -> None:
    check_path_length(Path("x" * 100), 100, limit=260)
    with pytest.raises(LaMoDInputError, match="260 characters"):
        check_path_length(Path("x" * 200), 100, limit=260)
