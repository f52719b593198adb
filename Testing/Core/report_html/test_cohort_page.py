"""index.html of a cohort: its table, its thumbnails, and the commands that write it."""

from __future__ import annotations

import dataclasses
import io
import json
import re

import numpy as np
import pytest
from hearts import HOSTILE, embedded, small_heart, with_names
from PIL import Image

from LaMoDCore.cohort.compared import cases_of_other_slices, compared_cohorts
from LaMoDCore.cohort.entries import MEASURES, cohort_entry, contours_text
from LaMoDCore.cohort.ledger import Ledger
from LaMoDCore.cohort.work_list import CohortCase
from LaMoDCore.heart.notes import note
from LaMoDCore.io import write_result
from LaMoDCore.io.results.strain_json import read_strain_json
from LaMoDCore.report.html.cohort_page import CohortEntry, cohort_page
from LaMoDCore.report.html.thumbnail import SIDE, thumbnail
from LaMoDCore.report.html.view import views_of

pytest.importorskip("bokeh")
CASES = ("it's 50%", "anna", "no page")
FAILED = {"empty": "masks: they are empty; draw them", HOSTILE[:40]: HOSTILE}


@pytest.fixture(scope="module")
def result():
    return small_heart(("mid",))


@pytest.fixture(scope="module")
def cohort(result, tmp_path_factory):
    """A folder of a cohort with two pages, a result without one, and two failures."""
    ledger = Ledger(tmp_path_factory.mktemp("cohort") / "out")
    ledger.open()
    for case_id in CASES:
        parts = ["strain"] if case_id == "no page" else ["html"]
        write_result(with_names(result, HOSTILE), ledger.folder(case_id), outputs=parts)
    ledger.record_failure("empty", f"/data/anna_smith.nii: {FAILED['empty']}", FAILED["empty"])
    unlisted = {name: reason for name, reason in FAILED.items() if name != "empty"}
    cases = [CohortCase(name, ledger.folder(name)) for name in (*CASES, "empty")]
    ledger.write_tables(cases, unlisted)
    ledger.write_index(cases, unlisted)
    return ledger


def test_every_case_is_a_row_with_its_number_picture_and_page(cohort, result):
    page = (cohort.out / "index.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr data-case="(.*?)" data-rank="(.*?)".*?</tr>', page, re.S)
    assert [rank for _, rank in rows] == ["1"] * len(CASES) + ["3"] * len(FAILED)
    assert page.count("data:image/webp;base64,") == 2
    assert '<a href="cases/anna/report.html">' in page and '<a href="cases/it%27s%2050%25/report.html">' in page
    assert "5 cases: 3 predicted, 2 failed" in page and "Masks: they are empty" in page and "anna_smith" not in page
    data = embedded(page)
    assert [case["id"] for case in data["cases"]] == list(CASES)
    names = data["measures"]
    shown = data["cases"][0]["values"][names.index("GCS, peak (%)")]
    assert shown == pytest.approx(100 * result.summary["global"]["gcs_peak"], abs=1e-3)
    assert "EF (%)" not in names  # one slice has no ejection fraction
    assert "<script>alert" not in page and HOSTILE.replace("&", "&amp;").split("<")[0] in page


def test_the_command_writes_the_index_again(cohort):
    from LaMoDCore.cli import main

    before = (cohort.out / "index.html").read_text(encoding="utf-8")
    assert main(["report", str(cohort.out), "--html"]) == 0
    page = (cohort.out / "index.html").read_text(encoding="utf-8")
    assert embedded(page) == embedded(before)
    names = [re.findall(r'<tr data-case="(.*?)"', each.replace("\u202e", r"\u202e")) for each in (before, page)]
    assert names[0] == names[1] and len(names[0]) == 5
    assert "5 cases: 3 predicted, 2 failed" in page and "See failures.csv." in page
    assert main(["report", str(cohort.out), "--html", "--names"]) == 1


def test_two_cohorts_are_compared_number_by_number(cohort, result, tmp_path):
    from LaMoDCore.cli import main

    other = Ledger(tmp_path / "other")
    other.open()
    write_result(result, other.folder("anna"), outputs=["strain"])
    path = other.folder("anna") / "strain.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["global"]["gcs_peak"] -= 0.01
    path.write_text(json.dumps(stored), encoding="utf-8")
    other.write_tables([CohortCase("anna", other.folder("anna"))])
    assert main(["report", str(cohort.out), "--html", "--compare", str(other.out)]) == 0
    data = embedded((cohort.out / "index.html").read_text(encoding="utf-8"))
    gcs = next(each for each in data["comparisons"] if each["quantity"] == "GCS, peak")
    assert [data["cases"][k]["id"] for k in gcs["case"]] == ["anna"] and gcs["bias"] == pytest.approx(1.0)
    segments = next(each for each in data["comparisons"] if each["quantity"] == "segmental Ecc at ES")
    assert segments["x"] == segments["y"] and len(segments["x"]) == 6
    assert main(["report", str(cohort.out), "--html", "--compare", str(tmp_path)]) == 1
    assert main(["report", str(cohort.folder("anna")), "--html", "--compare", str(other.out)]) == 1


def test_models_name_the_compared_results_if_they_differ():
    one, two = ({"a": {"provenance": {"model": name}, "global": {"gcs_es": -0.1}}} for name in ("one", "two"))
    assert {(each.method, each.reference) for each in compared_cohorts(one, two)} == {("one", "two")}
    assert {(each.method, each.reference) for each in compared_cohorts(one, one)} == {
        ("these results", "compared results")
    }
    assert compared_cohorts(one, {"b": two["a"]}) == []


def test_slices_are_compared_only_with_themselves(tmp_path):
    whole = small_heart(("base", "mid", "apex")).summary
    short = {**whole, "slices": whole["slices"][1:]}
    own, other = {"a": whole, "b": whole}, {"a": short, "b": whole}
    assert cases_of_other_slices(own, other) == ["a"]
    assert {case for each in compared_cohorts(own, other) for case in each.cases} == {"b"}
    grids = np.stack([np.eye(4)] * 3)
    cropped, moved = grids.copy(), grids.copy()
    cropped[:, :2, 3], moved[1, 2, 3] = 30.0, 8.0
    planes = {"a": grids, "b": grids}
    assert cases_of_other_slices(own, own, planes, {"a": cropped, "b": moved}) == ["b"]
    ledgers = [Ledger(tmp_path / name) for name in ("own", "other")]
    for ledger, summaries in zip(ledgers, (own, other), strict=True):
        ledger.open()
        for name, summary in summaries.items():
            ledger.folder(name).mkdir()
            (ledger.folder(name) / "strain.json").write_text(json.dumps(summary), encoding="utf-8")
            np.savez(ledger.folder(name) / "motion.npz", ijk_to_lps=grids[: len(summary["slices"])])
    ledgers[0].write_index(ledgers[0].stored_cases(), compared=ledgers[1])
    page = (ledgers[0].out / "index.html").read_text(encoding="utf-8")
    assert "Not compared, since their slices differ: 1 case." in page
    assert all(set(each["case"]) == {1} for each in embedded(page)["comparisons"])


def test_a_failure_that_version_1_recorded_is_shown_without_its_path(tmp_path):
    ledger = Ledger(tmp_path / "out")
    ledger.open()
    ledger.record_failure("one", "/data/anna_smith.nii: it is empty", "")
    cases = [CohortCase("one", ledger.folder("one"))]
    ledger.write_tables(cases)
    ledger.write_index(cases)
    page, table = ((ledger.out / name).read_text(encoding="utf-8") for name in ("index.html", "failures.csv"))
    assert "See failures.csv." in page and "anna_smith" not in page and "anna_smith" in table


def test_an_entry_of_version_1_shows_none_of_its_sentences(result, tmp_path):
    entry = cohort_entry("one", tmp_path, {**result.summary, "notes": ["anna_smith.nii: no R–R interval."]})
    assert entry.severity == "warning" and entry.note.startswith("LaMoD 1.x stored 1 note that may name files")


def test_an_entry_has_the_worst_note_and_the_origin_of_the_contours(result, tmp_path):
    findings = (note("contours_unsure", "Unsure.", slice=1, frame=3), note("slice_left_out", "Left out."))
    contours = {"engine": "an-engine", "reviewed": False, "slices": 1}
    summary = {**result.summary, "provenance": {"contours": contours}}
    write_result(dataclasses.replace(result, findings=findings, summary=summary), tmp_path / "out", outputs=["strain"])
    stored = read_strain_json(tmp_path / "out" / "strain.json")
    content = {**stored.summary, "notes": [each.to_dict() for each in stored.notes]}
    entry = cohort_entry("one", tmp_path / "out", content)
    assert (entry.severity, entry.note, entry.contours) == ("error", "Left out.", "automatic, 1 unsure")
    assert (entry.page, entry.picture, entry.about) == ("", b"", "1 (mid)")
    assert contours_text({"reviewed": True}, ()) == "automatic, reviewed"
    assert contours_text({}, (note("contours_carried", "Carried."),)) == "drawn, some carried"


@pytest.mark.parametrize("from_base", [False, True])
def test_the_thumbnail_is_the_heart_at_end_systole(from_base):
    result = small_heart(("mid",), from_base=from_base)
    picture = np.asarray(Image.open(io.BytesIO(thumbnail(result))).convert("RGB")).astype(int)
    assert picture.shape == (SIDE, SIDE, 3)
    cine, strain = result.case.slices[0], result.slices[0]
    view = views_of([cine.grid], [strain])[0]
    motion = np.moveaxis(strain.displacement_mm[result.es_frame], 0, -1)
    for number, name in enumerate(strain.segment_names, start=1):
        inside = strain.segment == number
        row, column = np.nonzero(inside)
        now = view.points(np.stack([column, row], axis=-1)) + view.vectors(motion[inside])
        x, y = now.mean(axis=0) * SIDE / (2 * view.half_mm)
        red, _, blue = picture[int(y), int(x)]
        assert (red > blue + 30) if name == "inferolateral" else (blue > red + 30), name


def test_a_cohort_without_results_has_a_page():
    assert "1 case: 0 predicted, 1 failed" in cohort_page([CohortEntry("a", failure="it is empty")], MEASURES)


def test_frames_of_a_failure_have_the_numbering_of_the_command():
    page = cohort_page([CohortEntry("a", failure="frame 6 has no myocardium; draw it.")], MEASURES)
    assert "Frame 6 has no myocardium; draw it. (Here frames count from 0.)" in page
    assert "count from 0" not in cohort_page([CohortEntry("a", failure="it has 3 frames; draw 4.")], MEASURES)
