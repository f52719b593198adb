"""index.html and the pages of an evaluation: every number is that of the records."""

from __future__ import annotations

import dataclasses
import errno
import json
import re
from pathlib import Path

import numpy as np
import pytest
from annuli_dataset import scaled_truth

from LaMoDCore.cli import main
from LaMoDCore.evaluation.agreement import bland_altman
from LaMoDCore.evaluation.pages import case_pages
from LaMoDCore.evaluation.pages.case_pages import CasePages
from LaMoDCore.evaluation.pages.compared_values import compared_values
from LaMoDCore.evaluation.pages.index_page import evaluation_index
from LaMoDCore.evaluation.records import CaseRecord
from LaMoDCore.evaluation.run import evaluate, write_evaluation
from LaMoDCore.report.style import percent
from LaMoDCore.runtime.errors import LaMoDInputError

pytest.importorskip("bokeh")
METHODS = [scaled_truth("nine tenths", 0.9), scaled_truth("<b>exact</b>", 1.0)]


@pytest.fixture(scope="module")
def evaluated(index, tmp_path_factory):
    pages = CasePages(tmp_path_factory.mktemp("pages"), None)
    return evaluate(index, METHODS, limit=2, pages=pages), pages


@pytest.fixture(scope="module")
def text(evaluated):
    found, pages = evaluated
    return evaluation_index(
        found.cases, found.segments, pages.found, failures={"lost": "it is empty"}, without_truth=["unknown"]
    )


def _embedded(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_a_point_is_a_segment_by_a_method_and_in_truth(evaluated, text):
    found, _ = evaluated
    data = _embedded(text)
    kinds = {(each["quantity"].split(", ")[-1], each["method"]) for each in data["comparisons"]}
    assert {kind for kind, _ in kinds} == {"truth", "paired DENSE"}
    shown = next(
        each
        for each in data["comparisons"]
        if each["quantity"] == "segmental Ecc at ES, truth" and each["method"] == "nine tenths"
    )
    own = [s for s in found.segments if (s.truth, s.model) == ("own", "nine tenths")]
    np.testing.assert_allclose(shown["y"], [100 * s.ecc for s in own], atol=1e-4)
    np.testing.assert_allclose(shown["x"], [100 * s.ecc_true for s in own], atol=1e-4)
    assert [data["cases"][k]["id"] for k in shown["case"]] == [s.id for s in own]
    assert shown["places"][shown["place"][0]] == f"slice 1, {own[0].name} (AHA {own[0].aha})"
    assert shown["bias"] == pytest.approx(np.mean([100 * (s.ecc - s.ecc_true) for s in own]), abs=1e-3)
    assert f"{len(own)} segments of" in shown["summary"]


def test_the_table_shows_the_last_method_and_what_was_left_out(evaluated, text):
    found, _ = evaluated
    data = _embedded(text)
    record = next(r for r in found.cases if r.model == "<b>exact</b>" and r.truth == "own")
    row = next(case for case in data["cases"] if case["id"] == record.id)
    assert row["values"][:2] == pytest.approx([100 * record.gcs, 100 * record.gcs_true], abs=1e-3)
    assert row["page"] == f"cases/{record.id}/report.html"
    assert "<b>exact" not in text and "&lt;b&gt;exact&lt;/b&gt;" in text
    assert "4 cases: 2 compared, 1 failed, 1 without a truth" in text
    assert "It has no true motion." in text and "It is empty" in text


def test_a_method_that_failed_has_no_numbers_of_a_prediction():
    whole = {"id": "a", "subject": "a", "site": "", "disease": "", "level": "mid", "cohort": "", "truth": "own"}
    first = CaseRecord(**whole, model="first", gcs=-0.15, gcs_true=-0.17)
    last = CaseRecord(**whole, model="last", gcs=0.0, gcs_true=-0.17, ecc_error=0.17, epe_mm=4.0, failed="no memory")
    other = dataclasses.replace(first, id="b", model="last", gcs=-0.0001, ecc_error=0.16, epe_mm=3.0)
    records = [first, last, dataclasses.replace(other, model="first"), other]
    text = evaluation_index(records, [], {}, failures={}, without_truth=[])
    data = _embedded(text)
    values = {case["id"]: dict(zip(data["measures"], case["values"], strict=True)) for case in data["cases"]}
    known = {name for name, value in values["a"].items() if value is not None}
    assert known == {"True GCS at ES (%)"} and values["b"]["Endpoint error (mm)"] == 3.0
    assert "2 cases: 1 compared, 1 failed" in text and "The method failed, see cases.csv" in text
    assert re.search(r'<tr data-case="a" data-rank="3"', text)
    assert ">0.0<" in text and "+0.0" not in text and "−0.0" not in text
    of_gcs = [each for each in data["comparisons"] if each["quantity"] == "GCS at ES"]
    shown = {each["method"]: [data["cases"][k]["id"] for k in each["case"]] for each in of_gcs}
    assert shown["first"] == ["a", "b"] and shown["last"] == ["b"]


def test_the_page_of_a_case_has_the_true_numbers(evaluated):
    found, pages = evaluated
    record = next(r for r in found.cases if r.model == "<b>exact</b>" and r.truth == "own")
    page = (pages.folder / "cases" / record.id / "report.html").read_text(encoding="utf-8")
    assert "GCS at end-systole, true" in page
    assert f"true motion; predicted {percent(record.gcs)} %" in page and f"{percent(record.gcs_true)} %" in page
    data = _embedded(page)
    assert data["heart"]["ecc"][data["es"]] == pytest.approx(100 * record.gcs, abs=1e-3)
    assert all(each["drawn"] for each in data["slices"])


def test_a_page_that_cannot_be_written_leaves_the_evaluation_as_it_is(index, evaluated, tmp_path, monkeypatch):
    monkeypatch.setattr(case_pages, "html_report", lambda *_: 1 / 0)
    pages = CasePages(tmp_path / "pages", None)
    found = evaluate(index, METHODS, limit=1, pages=pages)
    assert [page.address for page in pages.found.values()] == [""]
    assert "No page: unexpected ZeroDivisionError" in next(iter(pages.found.values())).note
    kept = [dataclasses.replace(r, seconds=0.0) for r in evaluated[0].cases if r.id == found.cases[0].id]
    assert repr([dataclasses.replace(r, seconds=0.0) for r in found.cases]) == repr(kept)
    files = write_evaluation(
        tmp_path / "out", index, METHODS, found, split="test", settings={}, figures=False, pages=pages
    )
    assert {path.name for path in files} >= {"index.html", "results.md"}
    assert "[index.html](index.html)" in (tmp_path / "out" / "results.md").read_text(encoding="utf-8")


def test_a_full_disk_ends_the_evaluation(index, tmp_path, monkeypatch):
    def is_full(self, text, **_):
        self.write_bytes(text[:100].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", is_full)
    with pytest.raises(LaMoDInputError, match=r"report.html: it cannot be written \(No space left on device\)"):
        evaluate(index, METHODS, limit=1, pages=CasePages(tmp_path, None))


def test_limits_of_one_value_per_person_are_those_of_bland_and_altman():
    rng = np.random.default_rng(0)
    truth = rng.normal(-18, 3, 20)
    values = truth + rng.normal(0.5, 1.2, 20)
    found = compared_values("GCS", "%", ("method", "truth"), [str(n) for n in range(20)], values, truth)
    expected = bland_altman(values, truth)
    assert (found.bias, found.lower, found.upper) == pytest.approx((expected.bias, expected.lower, expected.upper))
    nothing = compared_values("GCS", "%", ("method", "truth"), ["a"], [np.nan], [1.0])
    assert nothing.summary == "0 cases; no agreement can be computed." and nothing.plotted({"a": 0})["x"] == []


def test_the_command_checks_for_bokeh_before_it_works(tmp_path, dataset, monkeypatch, capsys):
    from LaMoDCore.report.html import bokeh_script

    monkeypatch.setattr(bokeh_script, "find_spec", lambda name: None)
    assert main(["evaluate", "--data", str(dataset), "--out", str(tmp_path / "out"), "--html"]) == 1
    assert "pip install 'lamod[html]'" in capsys.readouterr().err and not (tmp_path / "out").exists()
