"""The page as a file: what it says, what it forbids, what it hides, and the commands that write it."""

from __future__ import annotations

import base64
import dataclasses
import errno
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from damaged_json import REMOVED, damage
from hearts import HOSTILE, embedded, small_heart, with_names

from LaMoDCore.cli import main
from LaMoDCore.heart.case import InputRecord
from LaMoDCore.heart.notes import note
from LaMoDCore.io import load_case, read_result, write_result
from LaMoDCore.io.results.contour_masks import write_contour_masks
from LaMoDCore.prediction.outputs import DEFAULT_OUTPUTS
from LaMoDCore.report.html import bokeh_script
from LaMoDCore.report.html.content import page_texts
from LaMoDCore.report.html.page import SCRIPTS, PageParts, html_report
from LaMoDCore.report.html.page_shell import embedded_json
from LaMoDCore.report.html.stored import are_used_masks, shown_result, stored_table
from LaMoDCore.report.style import percent
from LaMoDCore.runtime.bounded_reads import sha256_of
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.manifest import list_again

pytest.importorskip("bokeh")
PARTS = ["segments", "motion", "displacement", "html"]


class _Elements(HTMLParser):
    """Elements of a page with their attributes, and the text outside of scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text, self._inside = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside not in ("script", "style"):
            self.text.append(data)


@pytest.fixture(scope="module")
def result():
    return small_heart(("base", "mid"))


@pytest.fixture(scope="module")
def page(result):
    return html_report(result)


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    out = tmp_path_factory.mktemp("result") / "out"
    write_result(result, out, outputs=PARTS)
    return out


def test_nothing_but_the_page_itself_may_be_loaded(page):
    elements = _Elements(page)
    policy = next(a["content"] for tag, a in elements.found if a.get("http-equiv") == "Content-Security-Policy")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'" and directives["img-src"] == "data: blob:"
    assert "unsafe" not in policy and "http" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert directives["script-src"] == " ".join(f"'sha256-{digest}'" for digest in digests)
    styles = [a for tag, a in elements.found if tag == "style"]
    assert {directives["style-src"]} == {f"'nonce-{style['nonce']}'" for style in styles}
    for tag, attributes in elements.found:
        assert tag not in ("link", "iframe", "object", "base", "form"), tag
        assert not {"src", "style", "srcset"} & set(attributes) and not any(
            name.startswith("on") for name in attributes
        )
        assert attributes.get("href", "#").startswith("#")


def test_the_page_is_small_and_has_the_same_bytes_again(result, page):
    assert html_report(result) == page
    assert len(page.encode()) < 3_000_000  # Bokeh alone has 1.4 MB


def test_it_holds_numbers_definitions_notes_and_provenance(result, page):
    text = " ".join("".join(_Elements(page).text).split())
    texts = page_texts(result, names=False)
    for row in texts["rows"]:
        assert row.name in text and row.value in text and row.definition in text
    for expected in (*texts["definitions"], texts["provenance"], texts["facts"]):
        assert " ".join(expected.split()) in text
    assert text.count("Research use only; not a medical device.") == 1
    es = result.summary["slices"][0]["segments"][1]["ecc_es"]
    assert f"{100 * es:+.1f}".replace("-", "−") in text


def test_the_most_severe_notes_come_first(result):
    notes = [note("synthetic_heart", "Info."), note("contours_automatic", "Warn."), note("slice_left_out", "Wrong.")]
    found = page_texts(dataclasses.replace(result, findings=tuple(notes)), names=False)["notes"]
    order = [entry["severity"] for entry in found]
    assert list(dict.fromkeys(order)) == ["error", "warning", "info"]


def test_names_are_shown_only_on_request_and_as_text(result):
    hostile = with_names(result, HOSTILE)
    hidden, shown = html_report(hostile), html_report(hostile, PageParts(names=True))
    assert "alert(1)" not in hidden and "esrever" not in hidden and "&lt;script" not in hidden
    elements = _Elements(shown)
    assert HOSTILE in elements.text
    assert [tag for tag, _ in elements.found].count("script") == [tag for tag, _ in _Elements(hidden).found].count(
        "script"
    )
    assert "<script>alert(1)" not in shown


def test_json_cannot_end_its_element():
    text = embedded_json({"name": "</script><!--<script>&\u2028"})
    assert not set("<>&\u2028") & set(text) and json.loads(text)["name"] == "</script><!--<script>&\u2028"


def test_unknown_values_do_not_stop_the_page(result):
    strain = result.slices[0]
    fields = {name: np.full_like(field, np.nan) for name, field in strain.fields.items()}
    curves = {name: np.full_like(curve, np.nan) for name, curve in strain.segment_curves.items()}
    means = {name: np.full_like(curve, np.nan) for name, curve in strain.global_curves.items()}
    unknown = dataclasses.replace(strain, fields=fields, segment_curves=curves, global_curves=means)
    data = embedded(html_report(dataclasses.replace(result, slices=(unknown, *result.slices[1:]))))
    assert set(data["slices"][0]["mean"]["ecc"]) == {None}


def test_predict_writes_the_page_where_it_is_chosen(result, folder):
    assert "html" not in DEFAULT_OUTPUTS
    data = embedded((folder / "report.html").read_text(encoding="utf-8"))
    assert data["segments_csv"] == (folder / "segments.csv").read_text(encoding="utf-8")


def test_a_stored_result_has_the_same_page(result, folder):
    stored = read_result(folder)
    shown = shown_result(stored, result.case)
    assert shown.drawn
    page = html_report(shown.result, PageParts(segments_csv=stored_table(stored), drawn=shown.drawn))
    written = (folder / "report.html").read_text(encoding="utf-8")
    assert page_texts(shown.result, names=True) == page_texts(result, names=True)
    again, first = embedded(page), embedded(written)
    for key in first:
        if key != "slices":
            assert again[key] == first[key], key
    for one, other in zip(again["slices"], first["slices"], strict=True):
        for key in ("segments", "drawn", "picture", "letters", "insertion_mm", "times_ms"):
            assert one[key] == other[key], key


def test_a_result_of_version_1_has_a_page_without_its_sentences(result, folder, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    content = json.loads((old / "strain.json").read_text(encoding="utf-8"))
    del content["schema_version"]
    content |= {"notes": ["/data/anna_smith.nii: no R–R interval."], "quality": ["anna_smith, slice 1: open."]}
    for row in (row for part in content["slices"] for row in part["segments"]):
        del row["ecc_extreme"], row["ecc_extreme_frame"]
    (old / "strain.json").write_text(json.dumps(content), encoding="utf-8")
    stored = read_result(old)
    hidden = html_report(shown_result(stored, result.case).result)
    assert "anna_smith" not in hidden and "LaMoD 1.x stored 2 notes that may name files" in hidden
    assert "anna_smith" in html_report(shown_result(stored, result.case, names=True).result, PageParts(names=True))
    peak = content["slices"][0]["segments"][0]["ecc_peak"]
    assert page_texts(shown_result(stored).result, names=False)["segments"][0]["ecc_peak"] == percent(peak)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("global", "gcs_peak"), "<x>"),
        (("global",), []),
        (("slices", 0, "segments", 0, "aha"), REMOVED),
        (("slices", 0, "segments"), None),
        (("provenance",), "<x>"),
        (("uncertainty",), 3),
    ],
)
def test_damaged_contents_are_one_line_or_a_page(folder, tmp_path, capsys, place, value):
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    damage(damaged / "strain.json", place, value)
    page = tmp_path / "page.html"
    code = main(["report", str(damaged), "--html", "--out", str(page)])
    text = capsys.readouterr().err.strip()
    assert page.exists() == (code == 0)
    assert code == 0 or (code == 1 and "\n" not in text and "strain.json" in text and "predict again" in text)


def test_the_masks_must_be_those_of_the_result(folder):
    other = small_heart(("base", "mid"), from_base=True)
    with pytest.raises(LaMoDInputError, match="its slices are not those of the masks"):
        shown_result(read_result(folder), other.case)


def test_the_command_writes_the_page_again_and_keeps_a_changed_one(folder, capsys):
    assert main(["report", str(folder), "--html"]) == 0
    data = embedded((folder / "report.html").read_text(encoding="utf-8"))
    assert [each["picture"] for each in data["slices"]] == [None, None]
    assert all(each["drawn"] is None for each in data["slices"])
    read_result(folder)  # the folder is still a result
    other = folder.parent / "page.html"
    assert main(["report", str(folder), "--html", "--out", str(other)]) == 0
    assert other.read_bytes() == (folder / "report.html").read_bytes()
    (folder / "report.html").write_text("mine")
    capsys.readouterr()
    assert main(["report", str(folder), "--html"]) == 1
    assert "'report.html' was changed since LaMoD wrote it" in capsys.readouterr().err
    assert (folder / "report.html").read_text() == "mine"


def test_a_result_with_a_new_page_is_still_replaced(result, folder, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(folder, out)
    marker = json.loads((out / ".lamod.json").read_text(encoding="utf-8"))
    (out / "report.html").unlink()
    assert main(["report", str(out), "--html"]) == 0
    again = json.loads((out / ".lamod.json").read_text(encoding="utf-8"))
    assert {**again, "files": None} == {**marker, "files": None}, "the page does not change who wrote the result"
    write_result(result, out, outputs=["strain"])
    assert {path.name for path in out.iterdir()} == {".lamod.json", "strain.json"}
    (out / ".lamod.lock").write_text("mine")
    with pytest.raises(LaMoDInputError, match=r"it holds '\.lamod\.lock', which LaMoD did not write"):
        write_result(result, out, outputs=["strain"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--cine", "cine.nii"], "add --masks"),
        (["--out", "."], "it is a folder"),
        (["--out", "no/page.html"], "does not exist"),
        (["--out", "thesis.docx"], "ends with .html"),
        (["--out", "{result}/other.html"], "in the folder of the result"),
    ],
)
def test_the_command_refuses_what_it_cannot_use(folder, capsys, words, expected):
    assert main(["report", str(folder), "--html", *[word.format(result=folder) for word in words]]) == 1
    message = capsys.readouterr().err
    assert expected in message and message.count("\n") == 1


def test_a_full_disk_is_named_and_keeps_the_page(folder, tmp_path, capsys, monkeypatch):
    page = tmp_path / "page.html"
    assert main(["report", str(folder), "--html", "--out", str(page)]) == 0
    before = page.read_bytes()

    def is_full(self, *_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", is_full)
    capsys.readouterr()
    assert main(["report", str(folder), "--html", "--out", str(page)]) == 1
    assert f"{page}: it cannot be written (No space left on device); free some space" in capsys.readouterr().err
    assert page.read_bytes() == before


def test_masks_that_changed_since_the_prediction_are_not_shown(result, tmp_path, capsys):
    """Also if only other frames than end-diastole differ."""
    used, changed, out = tmp_path / "used", tmp_path / "changed", tmp_path / "out"
    case, moved = result.case, []
    for cine in case.slices:
        masks = cine.myocardium.copy()
        masks[3] = np.roll(masks[3], 2, axis=-1)
        moved.append(dataclasses.replace(cine, myocardium=masks))
    for folder, written in ((used, case), (changed, dataclasses.replace(case, slices=tuple(moved)))):
        folder.mkdir()
        write_contour_masks(written, folder)
    files = sorted(used.glob("*.seq.nrrd"))
    inputs = [{"name": path.name, "sha256": sha256_of(path)} for path in files]
    provenance = {**result.summary["provenance"], "inputs": inputs}
    summary = {**result.summary, "provenance": provenance}
    write_result(dataclasses.replace(result, case=load_case(files), summary=summary), out, outputs=["motion"])
    pages = []
    for folder in (used, changed):
        masks = [str(path) for path in sorted(folder.glob("*.seq.nrrd"))]
        assert main(["report", str(out), "--html", "--masks", *masks]) == 0, capsys.readouterr().err
        pages.append((out / "report.html").read_text(encoding="utf-8"))
    assert "The masks are not those of the prediction" in pages[1] and "not those" not in pages[0]
    drawn = [[each["drawn"] is not None for each in embedded(page)["slices"]] for page in pages]
    assert drawn == [[True, True], [False, False]]
    own = out / "contours.seq.nrrd"
    shutil.copy(sorted(changed.glob("*.seq.nrrd"))[0], own)
    record = dataclasses.replace(case, inputs=(InputRecord(own.name, sha256_of(own)),))
    assert not are_used_masks(read_result(out), [own], record)
    list_again(out, own.name)
    assert are_used_masks(read_result(out), [own], record), "it is listed as part of the result"


def test_a_file_that_is_no_page_is_not_replaced(folder, tmp_path, capsys):
    page = tmp_path / "page.HTML"
    page.write_text("<html>my own page</html>", encoding="utf-8")
    assert main(["report", str(folder), "--html", "--out", str(page)]) == 1
    assert "it exists and is not a page of LaMoD" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == "<html>my own page</html>"


def test_without_bokeh_one_line_tells_how_to_get_it(result, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bokeh_script, "find_spec", lambda name: None)
    with pytest.raises(LaMoDInputError, match=r"pip install 'lamod\[html\]'"):
        write_result(result, tmp_path / "out", outputs=PARTS)
    assert not (tmp_path / "out").exists()
    for words in (["report", str(folder), "--html"], ["predict", "x.nii", "--out", str(tmp_path), "--outputs", "html"]):
        assert main(words) == 1
        message = capsys.readouterr().err
        assert message.count("\n") == 1 and "pip install 'lamod[html]'" in message


def test_every_script_is_on_the_page(page):
    assets = Path(bokeh_script.__file__).parent / "assets"
    for name in (*SCRIPTS, "style_nonce.js", "page.css", "report.css", "report_print.css"):
        assert (assets / name).read_text(encoding="utf-8") in page, name
