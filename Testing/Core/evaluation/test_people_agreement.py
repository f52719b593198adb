"""Agreement in people: known bias and ICC are recovered, intervals hold on clustered data, tables count persons."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.evaluation.agreement import bland_altman, icc
from LaMoDCore.evaluation.people.clustered import clustered_agreement, expanded_tail
from LaMoDCore.evaluation.people.measures import SEGMENTAL_ECC, paired_values
from LaMoDCore.evaluation.people.page import write_agreement_pdf
from LaMoDCore.evaluation.people.report import COLUMNS, people_agreement, people_section, write_agreement_csv
from LaMoDCore.evaluation.records import PAIRED, CaseRecord, SegmentRecord

BIAS, BETWEEN_PERSONS, BETWEEN_SLICES, WITHIN = 0.02, 0.02, 0.01, 0.03
TRUE_SD = float(np.sqrt(BETWEEN_PERSONS**2 + BETWEEN_SLICES**2 + WITHIN**2))


def clustered(persons: int, seed: int, slices: int = 3, segments: int = 6):
    """Segments within slices within persons: method, reference, persons, slices."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-0.17, 0.03, (persons, 1, 1)) + rng.normal(0, 0.03, (persons, slices, segments))
    offset = rng.normal(BIAS, BETWEEN_PERSONS, (persons, 1, 1)) + rng.normal(0, BETWEEN_SLICES, (persons, slices, 1))
    found = truth + offset + rng.normal(0, WITHIN, truth.shape)
    who = np.repeat([f"p{k}" for k in range(persons)], slices * segments)
    return found.ravel(), truth.ravel(), who, np.repeat([f"s{k}" for k in range(persons * slices)], segments)


def test_known_bias_limits_and_icc_are_recovered() -> None:
    method, reference, persons, slices = clustered(3000, 0)
    found = clustered_agreement(method, reference, persons, slices, repetitions=50)
    assert (found.persons, found.slices, found.values) == (3000, 9000, 54000)
    assert found.bias.value == pytest.approx(BIAS, abs=0.001)
    assert found.sd.value == pytest.approx(TRUE_SD, rel=0.01)
    assert found.upper.value - found.lower.value == pytest.approx(2 * 1.96 * TRUE_SD, rel=0.01)
    # variance of the truth over that of all, with the offset: 2 σ² / (2 σ² + SD² + bias²)
    variance = 2 * (0.03**2 + 0.03**2)
    assert found.icc.value == pytest.approx(variance / (variance + TRUE_SD**2 + BIAS**2), abs=0.01)
    assert found.cov.value == pytest.approx(TRUE_SD / 0.17, rel=0.02)


def test_the_sums_give_the_plain_statistics() -> None:
    method, reference, persons, _ = clustered(7, 1)
    found = clustered_agreement(method, reference, persons, repetitions=20)
    assert found.icc.value == pytest.approx(icc(np.stack([method, reference], axis=1)), abs=1e-9)
    assert found.bias.value == pytest.approx(bland_altman(method, reference).bias, abs=1e-12)
    single = clustered_agreement(method[::18], reference[::18], persons[::18], repetitions=20)
    assert single.sd.value == pytest.approx(bland_altman(method[::18], reference[::18]).sd, rel=1e-9)


def test_intervals_have_their_nominal_coverage_on_clustered_data_and_independent_ones_do_not() -> None:
    trials, held, naive = 250, 0, 0
    for trial in range(trials):
        method, reference, persons, slices = clustered(12, 100 + trial)
        found = clustered_agreement(method, reference, persons, slices, repetitions=300, seed=trial).bias
        held += found.lower <= BIAS <= found.upper
        difference = method - reference
        half = 1.96 * difference.std(ddof=1) / np.sqrt(difference.size)
        naive += abs(difference.mean() - BIAS) <= half
    assert 0.92 <= held / trials <= 0.98  # the standard error of 250 trials is 1.4 %
    assert naive / trials < 0.7


def test_an_unbalanced_cohort_and_missing_values_are_allowed() -> None:
    method, reference, persons, slices = clustered(8, 3)
    whole = np.ones(len(method), dtype=bool)
    whole[persons == "p0"] = slices[persons == "p0"] == "s0"
    method[5] = np.nan
    found = clustered_agreement(method[whole], reference[whole], persons[whole], slices[whole])
    assert (found.persons, found.values) == (8, int(whole.sum()) - 1)
    assert found.bias.lower < found.bias.value < found.bias.upper


def test_few_persons_give_no_interval_and_one_person_no_limits() -> None:
    method, reference, persons, _ = clustered(4, 4)
    few = clustered_agreement(method, reference, persons)
    assert np.isfinite(few.icc.value)
    assert np.isnan(few.icc.lower)
    one = clustered_agreement(method[:18], reference[:18], persons[:18])
    assert one.persons == 1
    assert np.isfinite(one.bias.value)
    assert np.isnan([one.sd.value, one.lower.value, one.icc.value, one.bias.lower]).all()
    nobody = clustered_agreement([], [], [])
    assert nobody.persons == 0
    assert np.isnan(nobody.bias.value)


def test_intervals_are_wider_for_fewer_persons() -> None:
    tails = [expanded_tail(count) for count in (5, 12, 1000)]
    assert tails == sorted(tails)
    assert tails[-1] == pytest.approx(0.025, abs=0.001)


def records(persons: int = 6) -> tuple[list[CaseRecord], list[SegmentRecord]]:
    """Two slices per person, by two methods; the second method is exact but for 0.01."""
    rng = np.random.default_rng(7)
    cases, segments = [], []
    truth = rng.normal(-0.17, 0.03, (persons, 2, 2))
    for model, gap in (("poor", 0.05), ("good", 0.01)):
        for p in range(persons):
            for z, level in enumerate(("base", "apex")):
                name, disease = f"p{p}-{z}", "dcm" if p % 2 else "healthy"
                values = {"gcs": -0.15 + gap, "gcs_true": -0.15, "gcs_time_ms": 300.0, "gcs_time_ms_true": 310.0}
                cases.append(CaseRecord(name, f"p{p}", "", disease, level, "cine", PAIRED, model, **values))
                for s in range(2):
                    ecc = float(truth[p, z, s])
                    numbers = (1, s + 1, 7 + s, "anterior", ecc + gap, ecc, 0.3, 0.3, ecc, ecc, 0.0)
                    segment = SegmentRecord(name, f"p{p}", PAIRED, model, *numbers)
                    segments.append(replace(segment, time_ms=300.0, time_ms_true=320.0, ecc_half_width=0.02))
    return cases, segments


def test_groups_coverage_and_counts() -> None:
    cases, segments = records()
    cases[-1] = replace(cases[-1], failed="no motion")
    pairs = paired_values(SEGMENTAL_ECC, "good", cases, segments)
    assert pairs.agreement().values == 22, "segments of the failed slice are left out"
    assert pairs.agreement().bias.value == pytest.approx(1.0)
    assert {name: found.persons for name, found in pairs.by("level").items()} == {"base": 6, "apex": 5}
    assert {name: found.persons for name, found in pairs.by("disease").items()} == {"healthy": 3, "dcm": 3}
    assert list(pairs.by("segment")) == ["7 anterior", "8 anterior"]
    assert pairs.coverage() == (22, 1.0)
    assert paired_values(SEGMENTAL_ECC, "poor", cases, segments).coverage() == (24, 0.0)


def test_every_table_states_the_number_of_persons(tmp_path: Path) -> None:
    found = people_agreement(*records(), ({"automatic": 12}, {"given": 12}))
    assert found is not None
    text = people_section(found)
    assert "12 slices of 6 persons" in text
    assert "cine 12 automatic; DENSE 12 given" in text
    headers = [line for line in text.splitlines() if line.startswith("|") and "CoV" in line]
    assert len(headers) == 8 + 3
    assert all("| persons |" in header for header in headers)
    write_agreement_csv(tmp_path / "a.csv", found)
    with (tmp_path / "a.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert all(row["persons"].isdigit() for row in rows)
    (row,) = (r for r in rows if (r["method"], r["quantity"], r["group"]) == ("good", "segmental Ecc at ES", ""))
    assert (row["unit"], row["intervals"], row["coverage"]) == ("%", "24", "1")
    assert float(row["bias"]) == pytest.approx(1.0)
    assert people_agreement([], []) is None
    assert COLUMNS[0] == "persons"


def test_the_page_is_one_page_and_byte_stable(tmp_path: Path) -> None:
    found = people_agreement(*records())
    assert found is not None
    for name in ("a.pdf", "b.pdf"):
        write_agreement_pdf(tmp_path / name, found, "Dataset study", "LaMoD")
    data = (tmp_path / "a.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") == 1
    assert data == (tmp_path / "b.pdf").read_bytes()
