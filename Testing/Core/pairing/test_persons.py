"""Persons of two folders are matched by the names of their folders, else by PatientID; mismatches are listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_study import examination, short_axis_grid

from experiments.people.scanner import write_classic
from LaMoDCore.pairing.persons import match_persons
from LaMoDCore.runtime.errors import LaMoDInputError

GRID = short_axis_grid(8, 4.0)


def images(folder: Path, patient: str) -> None:
    """Two images of an examination of its own."""
    exam = examination(patient)
    write_classic(folder, np.zeros((2, 8, 8), dtype=np.uint16), GRID, None, None, exam.next_series())


def study(root: Path, cine: dict[str, str], dense: dict[str, str]) -> tuple[Path, Path]:
    for side, folders in (("cine", cine), ("dense", dense)):
        for name, patient in folders.items():
            images(root / side / name / "series", patient)
    return root / "cine", root / "dense"


def names(persons: tuple) -> list[tuple[str, str]]:
    return [(person.cine.name, person.dense.name) for person in persons]


def test_equal_folder_names_come_first_and_patient_ids_second(tmp_path: Path) -> None:
    cine, dense = study(
        tmp_path,
        {"anna": "1", "ben": "2", "carl": "3", "dora": "4"},
        {"anna": "1", "scan7": "2", "dora": "9", "eve": "5"},
    )
    persons, mismatches = match_persons(cine, dense)
    assert names(persons) == [("anna", "anna"), ("ben", "scan7")]
    assert [(m.side, m.name) for m in mismatches] == [("both", "dora"), ("cine", "carl"), ("DENSE", "eve")]
    assert "another person" in mismatches[0].reason
    assert not any(patient in m.reason for m in mismatches for patient in ["1234", "9"])


def test_the_names_of_folders_can_be_trusted_or_ignored(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "1", "b": "2"}, {"a": "2", "b": "1"})
    assert names(match_persons(cine, dense, "folder")[0]) == [("a", "a"), ("b", "b")]
    assert names(match_persons(cine, dense, "patient-id")[0]) == [("a", "b"), ("b", "a")]
    with pytest.raises(LaMoDInputError, match="none of the 2 folders could be matched"):
        match_persons(cine, dense)


def test_one_examination_on_each_side_is_one_person_whatever_its_folders_are_called(tmp_path: Path) -> None:
    for side, count in (("cine", 3), ("dense", 2)):
        exam = examination("1")
        for number in range(count):
            pixels = np.zeros((1, 8, 8), dtype=np.uint16)
            write_classic(tmp_path / side / f"series{number}", pixels, GRID, None, None, exam.next_series())
    (person,), mismatches = match_persons(tmp_path / "cine", tmp_path / "dense")
    assert len(person.cine.dicom) == 3
    assert not mismatches


def test_a_cine_of_another_person_is_refused_in_one_line_without_the_patient_ids(tmp_path: Path) -> None:
    images(tmp_path / "cine", "MRN-1")
    images(tmp_path / "dense", "MRN-2")
    with pytest.raises(LaMoDInputError, match="another person") as caught:
        match_persons(tmp_path / "cine", tmp_path / "dense")
    assert "MRN" not in str(caught.value)
    (person,), _ = match_persons(tmp_path / "cine", tmp_path / "dense", "one")
    assert not person.shares_reference


def test_images_of_two_patients_in_one_folder_are_not_paired(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "1", "b": "2"}, {"a": "1", "b": "2"})
    images(cine / "a" / "more", "3")
    persons, (mismatch,) = match_persons(cine, dense)
    assert names(persons) == [("b", "b")]
    assert "of 2 patients" in mismatch.reason


def test_persons_that_nothing_distinguishes_are_refused(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "", "b": ""}, {"c": "", "d": ""})
    for file in [*cine.rglob("*.dcm"), *dense.rglob("*.dcm")]:
        file.write_bytes(file.read_bytes().replace(b"Mustermann^Erika", b" " * 16))
    with pytest.raises(LaMoDInputError, match="cannot be matched"):
        match_persons(cine, dense)
