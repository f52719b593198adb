"""Statistics compared with the literature, the contact sheet, and the rotation-blind reference."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from LaMoDCore.phantom import sample_subject
from LaMoDCore.phantom.cohort.contact_sheet import write_contact_sheet
from LaMoDCore.phantom.cohort.rotation_blind import fit_rotation, rotation_blind_row
from LaMoDCore.phantom.cohort.statistics import LITERATURE, cohort_table, subject_statistics


def test_the_table_marks_means_outside_the_range_of_the_literature() -> None:
    subjects = [sample_subject(k, "healthy") for k in range(8)]
    rows = [(subject, subject_statistics(subject)) for subject in subjects]
    table = cohort_table(rows)
    assert "| healthy | Inner radius, mid, ED |" in table
    assert table.count("\n| healthy |") == sum(entry.group == "healthy" for entry in LITERATURE)
    assert "**no**" in cohort_table([(s, {**v, "ecc": 0.5}) for s, v in rows])


def test_every_source_that_is_named_is_listed() -> None:
    table = cohort_table([])
    for entry in LITERATURE:
        for author, _ in re.findall(r"([A-Z][a-z]+) (\d{4})", entry.source):
            assert f"- {author} " in table, entry


def test_statistics_of_a_subject_agree_with_its_motion() -> None:
    subject = sample_subject(2, "healthy")
    values = subject_statistics(subject)
    assert values["ecc_endo"] < values["ecc"] < values["ecc_epi"] < 0
    assert values["err"] > 0.1
    plane = subject.slices()[1]
    wall = plane.masks([0.0], material=True)[0]
    strain = plane.strain([subject.timing.end_systole], plane.points_of(plane.grid)[wall])
    assert values["ecc"] == pytest.approx(strain.ecc.mean(), abs=0.004)
    assert values["jacobian"] == pytest.approx(strain.jacobian.mean(), abs=0.01)


def test_the_rotation_blind_reference_errs_by_the_rotation_only() -> None:
    """A rotation that is 3° wrong at 24–33 mm is an error of about 1.5 mm at end-systole; the true one has none."""
    reference = [plane for k in range(60) for plane in sample_subject(5000 + k).slices()]
    model = fit_rotation(reference)
    rows = [rotation_blind_row(plane, model) for k in range(12) for plane in sample_subject(k).slices()]
    epe, zero = np.mean([row.epe_es for row in rows]), np.mean([row.zero_es for row in rows])
    assert 0.3 < epe < 2.0
    assert epe < 0.5 * zero
    plane = sample_subject(1).slices()[0]

    class Perfect:
        def __call__(self, of: object) -> tuple[float, float]:
            return plane.parameters.rotation_epi_deg, plane.parameters.rotation_endo_deg

    assert rotation_blind_row(plane, Perfect()).epe_es < 1e-9  # type: ignore[arg-type]


def test_the_contact_sheet_is_written(tmp_path: Path) -> None:
    planes = sample_subject(1, "lbbb").slices()[:2]
    write_contact_sheet(tmp_path / "sheet.png", planes, columns=2)
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert pixels.shape[1] > 250
    assert pixels.std() > 20
