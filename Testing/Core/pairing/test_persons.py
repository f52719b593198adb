"""Persons of two folders are matched by the names of their folders, else by PatientID; mismatches are listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_study import examination, short_axis_grid

from experiments.people.scanner import write_classic
from LaMoDCore.pairing.contents import contents_of
from LaMoDCore.pairing.persons import match_persons
from LaMoDCore.runtime.errors import LaMoDInputError

GRID = short_axis_grid(8, 4.0)


def images(folder: Path, patient: str, **same: str) -> None:
    """Two images of an examination of its own, or of a given one."""
    exam = examination(patient, **same)
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


def test_only_the_examination_that_both_sides_have_is_paired(tmp_path: Path) -> None:
    images(tmp_path / "cine" / "cine1", "P", study="1.1")
    images(tmp_path / "dense" / "first", "P", study="1.1")
    images(tmp_path / "dense" / "second", "P", study="1.2")
    (person,), (left_out,) = match_persons(tmp_path / "cine", tmp_path / "dense")
    assert {file.parent.name for file in person.dense.dicom} == {"first"}
    assert (left_out.side, left_out.reason) == ("DENSE", "2 files of another examination than the cine left out")
    images(tmp_path / "cine" / "cine2", "P", study="1.2")
    with pytest.raises(LaMoDInputError, match="its cine images are of 2 examinations, and the other side has 2 of"):
        match_persons(tmp_path / "cine", tmp_path / "dense")
    assert len(match_persons(tmp_path / "cine", tmp_path / "dense", "one")[0][0].dense.dicom) == 4


def test_a_placeholder_as_patient_id_does_not_make_two_persons_one(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "ANONYMOUS", "b": "ANONYMOUS"}, {"c": "ANONYMOUS", "d": "ANONYMOUS"})
    with pytest.raises(LaMoDInputError, match="of 2 examinations, and the other side has none of them"):
        match_persons(cine, dense)


def test_studies_with_a_common_frame_of_reference_are_one_examination(tmp_path: Path) -> None:
    for side, uid in (("cine", "1.1"), ("cine", "1.2"), ("dense", "1.2")):
        images(tmp_path / side / f"{side}-{uid}", "P", study=uid, frame_of_reference="1.9")
    (person,), mismatches = match_persons(tmp_path / "cine", tmp_path / "dense")
    assert len(person.cine.dicom) == 4
    assert not mismatches


def test_a_person_of_several_examinations_is_listed_and_the_others_are_paired(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "1", "b": "2"}, {"a": "1", "b": "2"})
    images(dense / "a" / "more", "1")
    for by in ("auto", "folder", "patient-id"):
        persons, (mismatch,) = match_persons(cine, dense, by)
        assert names(persons) == [("b", "b")]
        assert (mismatch.name, "DENSE images are of 2 examinations" in mismatch.reason) == ("a", True)


def test_dense_images_of_two_patients_are_not_paired_even_if_names_are_trusted(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "1", "b": "2"}, {"a": "1", "b": "2"})
    images(dense / "a" / "more", "3")
    persons, (mismatch,) = match_persons(cine, dense, "folder")
    assert names(persons) == [("b", "b")]
    assert "DENSE images are of 2 patients" in mismatch.reason


def test_a_patient_id_of_several_folders_matches_nobody(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "1", "b": "X", "c": "X"}, {"a": "1", "z": "X"})
    persons, mismatches = match_persons(cine, dense)
    assert names(persons) == [("a", "a")]
    assert {m.name for m in mismatches} == {"b", "c", "z"}
    assert all("several have its PatientID" in m.reason for m in mismatches)


def test_matching_by_the_names_alone_uses_no_patient_id(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "1", "b": "2"}, {"a": "1", "z": "2"})
    persons, mismatches = match_persons(cine, dense, "folder")
    assert names(persons) == [("a", "a")]
    assert {m.reason for m in mismatches} == {"no DENSE folder has its name", "no cine folder has its name"}


def test_scans_without_a_patient_id_are_listed(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "1", "b": ""}, {"x": "1"})
    for file in (cine / "b").rglob("*.dcm"):
        file.write_bytes(file.read_bytes().replace(b"Mustermann^Erika", b" " * 16))
    persons, (mismatch,) = match_persons(cine, dense, "patient-id")
    assert names(persons) == [("a", "x")]
    assert (mismatch.side, mismatch.name, mismatch.reason) == ("cine", "b/series", "it has no PatientID")


def test_the_names_of_patients_in_shared_folders_are_unique_paths(tmp_path: Path) -> None:
    for patient in ("1", "2"):
        for series in ("s1", "s2"):
            images(tmp_path / "in" / patient, patient)
            for number, file in enumerate(sorted((tmp_path / "in" / patient).iterdir())):
                home = tmp_path / "cine" / "all" / series
                home.mkdir(parents=True, exist_ok=True)
                file.rename(home / f"IM-{number}{patient}.dcm")
    images(tmp_path / "cine" / "site" / "carl", "3")
    images(tmp_path / "cine" / "site" / "dora", "4")
    parts = {patient: part.name for patient, part in contents_of(tmp_path / "cine").by_patient().items()}
    assert parts == {"1": "all/s1/IM-01.dcm", "2": "all/s1/IM-02.dcm", "3": "site/carl", "4": "site/dora"}


def test_scans_of_the_same_name_are_refused(tmp_path: Path) -> None:
    cine, dense = study(tmp_path, {"a": "1", "b": "2"}, {"a": "1", "b": "2"})
    (dense / "a.mat").write_bytes(b"")
    with pytest.raises(LaMoDInputError, match="two of its scans are called 'a'"):
        match_persons(cine, dense)
