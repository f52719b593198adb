"""A tiny rehearsal: DICOM studies of two persons, paired and evaluated, give what the same pictures give alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_study import RING, person

from experiments.people.rehearsal import TOLERANCE, Rehearsal, folders_in, largest_difference, rehearse, report
from experiments.people.scanner import text
from LaMoDCore.evaluation.records import CaseRecord
from LaMoDCore.evaluation.run import EvaluationRecords
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rehearsal") / "out"


@pytest.fixture(scope="module")
def rehearsal(out: Path) -> Rehearsal:
    persons = [person(number, planes=1) for number in (1, 2)]
    return rehearse(out, persons, ["zero", "lamod-phantom-v1:no-diffusion"], smoothing_mm=3.0)


def test_the_dicom_step_changes_no_strain(rehearsal: Rehearsal) -> None:
    assert (rehearsal.persons, rehearsal.pairs) == (2, 2)
    assert rehearsal.strain_difference < TOLERANCE
    assert rehearsal.differences["gcs_time_ms"] < 0.1


def test_dense_is_close_to_the_exact_motion(rehearsal: Rehearsal) -> None:
    rows = {row[0]: row[1:] for row in rehearsal.rows}
    assert rows["DENSE itself"][2] < 0.02
    # without motion the error is the strain itself
    assert rows["zero"][2] > 0.1
    assert f"{rehearsal.persons} synthetic persons" in report(rehearsal)


def test_the_paired_dataset_is_marked_as_synthetic_and_states_the_diseases(rehearsal: Rehearsal, out: Path) -> None:
    folders = folders_in(out)
    assert json.loads((folders.paired / "dataset.json").read_text(encoding="utf-8"))["synthetic"] is True
    assert {entry.disease for entry in DatasetIndex.load(folders.paired)} == {"healthy"}
    case = read_dataset_case(folders.paired, "p02-1-cine")
    assert np.array_equal(case.masks, person(2, planes=1).planes[0].cine.masks)
    assert RING.outer > RING.inner


def test_a_difference_of_a_number_is_found() -> None:
    record = CaseRecord("a", "p", "", "", "mid", "cine", "paired", "m", gcs=-0.15)
    first, second = (EvaluationRecords(cases=[replace(record, gcs=value)]) for value in (-0.15, -0.152))
    assert largest_difference(first, second)["gcs"] == pytest.approx(0.002)
    unknown = EvaluationRecords(cases=[replace(record, gcs=float("nan"))])
    assert largest_difference(first, unknown)["gcs"] == float("inf")
    with pytest.raises(ValueError, match="different cases"):
        largest_difference(first, EvaluationRecords())


def test_decimal_strings_fit_into_dicom() -> None:
    values = [-123.456789012345, 1e-7 / 3, -1.23456789e-5, 0.0, 1.40625]
    assert max(len(text(value)) for value in values) <= 16
    assert [float(text(value)) for value in values] == pytest.approx(values, rel=1e-9)
