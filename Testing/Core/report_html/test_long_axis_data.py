"""Long-axis views of the page: lines, landmarks, strain and curves are those of the result."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from damaged_json import damage
from hearts import HOSTILE, embedded, long_axis_views, small_heart, unpacked, with_views

from LaMoDCore.cli import main
from LaMoDCore.heart.long_axis.mid_wall import lines_mm
from LaMoDCore.io import write_result
from LaMoDCore.io.long_axis.reader import LongAxisCase
from LaMoDCore.io.results.long_axis_files import read_long_axis
from LaMoDCore.prediction.long_axis import write_long_axis_alone
from LaMoDCore.report.html.content import page_texts
from LaMoDCore.report.html.long_axis import lines_of_stored, lines_of_views, with_pictures
from LaMoDCore.report.html.packing import LENGTH_UNIT_MM
from LaMoDCore.report.html.page import PageParts, html_report

pytest.importorskip("bokeh")


@pytest.fixture(scope="module")
def views():
    return long_axis_views()


@pytest.fixture(scope="module")
def result(views):
    return with_views(small_heart(("mid",)), views)


@pytest.fixture(scope="module")
def text(result, views):
    return html_report(result, PageParts(long_axis=lines_of_views(views)))


def _line(view, packed):
    steps = unpacked(packed, np.int16).reshape(view["frames"], -1, 2).astype(float)
    return np.cumsum(steps, axis=0) * LENGTH_UNIT_MM


def test_lines_and_landmarks_are_drawn_where_the_result_has_them(text, views):
    data = embedded(text)["long_axis"]["views"]
    for view, shown in zip(views, data, strict=True):
        lines = lines_mm(view)
        corner = None
        for name, line in lines.items():
            offset = _line(shown, shown["lines"][name]) - line
            corner = offset[0, 0] if corner is None else corner
            np.testing.assert_allclose(offset, np.broadcast_to(corner, offset.shape), atol=LENGTH_UNIT_MM * 1.01)
        annulus = _line(shown, shown["annulus"])
        np.testing.assert_allclose(annulus - corner, view.annulus_mm, atol=LENGTH_UNIT_MM * 1.01)
        everything = _line(shown, shown["lines"]["epicardial"])
        assert everything.min() > 5 and everything.max() < shown["size_mm"] - 5
    assert data[0]["picture"] and data[1]["picture"] is None


def test_strain_of_views_walls_and_their_mean_is_that_of_strain_json(text, result, views):
    stored, data = result.summary["long_axis"], embedded(text)["long_axis"]
    assert data["mean"]["percent"] == pytest.approx([100 * each for each in stored["curves"]["mid_wall"]], abs=1e-3)
    for part, curve, view in zip(stored["views"], data["curves"], data["views"], strict=True):
        assert curve["percent"] == pytest.approx([100 * each for each in part["curves"]["mid_wall"]], abs=1e-3)
        es = part["es_frame"]
        for wall, row in zip(view["walls"], (part["segments"][0], part["segments"][3]), strict=True):
            assert wall["name"] == row["wall"]
            assert wall["percent"][es] == pytest.approx(100 * row["strain_es"], abs=1e-2)
    assert min(data["mean"]["percent"]) < -10


def test_gls_comes_first_and_names_are_not_shown(text, result):
    texts = page_texts(result, names=False)
    assert texts["answer"][0].name == texts["rows"][0].name == "GLS, systolic peak"
    assert "Four-chamber view" in text and "alert(1)" not in text and HOSTILE[-20:] not in text


def test_a_stored_result_shows_the_same_lines_with_the_cine_that_is_named(result, views, tmp_path):
    write_result(result, tmp_path / "out", outputs=["segments", "motion"], long_axis=views)
    stored = lines_of_stored(read_long_axis(tmp_path / "out"))
    for one, other in zip(lines_of_views(views), stored, strict=True):
        for name, line in one.lines_mm.items():
            np.testing.assert_allclose(other.lines_mm[name], line, atol=1e-3)
        assert other.walls == one.walls and other.cine is None
    shown = with_pictures(stored, [(views[0].grid, views[0].cine), (views[1].grid, views[0].cine[:3])])
    assert shown[0].cine is views[0].cine and shown[1].cine is None
    assert main(["report", str(tmp_path / "out"), "--html"]) == 0
    page = embedded((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert [each["label"] for each in page["long_axis"]["views"]] == ["four-chamber", "two-chamber"]


def test_curves_are_shown_without_lines(result):
    data = embedded(html_report(result))["long_axis"]
    assert data["views"] == [] and len(data["curves"]) == 2


@pytest.fixture(scope="module")
def alone(views, tmp_path_factory):
    """The folder of views without short-axis slices, with its page."""
    folder = tmp_path_factory.mktemp("alone") / "out"
    write_long_axis_alone(LongAxisCase(tuple(views)), folder, report=False, html=True)
    return folder


def test_views_without_short_axis_slices_have_a_page_of_their_own(alone):
    text = (alone / "report.html").read_text(encoding="utf-8")
    numbers = json.loads((alone / "strain.json").read_text(encoding="utf-8"))["long_axis"]
    data = embedded(text)
    assert data["long_axis_csv"] == (alone / "long_axis.csv").read_text(encoding="utf-8")
    assert data["long_axis"]["mean"]["percent"] == pytest.approx(
        [100 * each for each in numbers["curves"]["mid_wall"]], abs=1e-3
    )
    assert [view["picture"] is not None for view in data["long_axis"]["views"]] == [True, False]
    assert (data["frames"], data["es"]) == (len(numbers["views"][0]["frame_times_ms"]), numbers["views"][0]["es_frame"])
    gls = f"{100 * numbers['gls']['mid_wall']:.1f}".replace("-", "−")
    assert f"<dt>GLS, mid-wall</dt><dd>{gls} %</dd>" in text and "Four-chamber view" in text
    assert "Research use only" in text and "alert(1)" not in text and HOSTILE[-20:] not in text


def test_the_page_of_stored_views_has_names_only_on_request(alone, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["report", str(alone), "--html", "--out", str(page), "--names"]) == 0
    assert HOSTILE[-20:] in page.read_text(encoding="utf-8") and embedded(page.read_text(encoding="utf-8"))
    assert main(["report", str(alone), "--html", "--masks", "x.nii"]) == 1
    assert "--masks: it describes short-axis slices" in capsys.readouterr().err
    assert main(["report", str(alone), "--html"]) == 0
    data = embedded((alone / "report.html").read_text(encoding="utf-8"))
    assert [view["picture"] for view in data["long_axis"]["views"]] == [None, None]
    written = json.loads((alone / ".lamod.json").read_text(encoding="utf-8"))["files"]
    assert "report.html" in written


def test_damaged_provenance_is_one_line(alone, tmp_path, capsys):
    damaged = tmp_path / "damaged"
    shutil.copytree(alone, damaged)
    damage(damaged / "strain.json", ("provenance", "inputs"), [1])
    assert main(["report", str(damaged), "--html", "--out", str(tmp_path / "page.html")]) == 1
    text = capsys.readouterr().err.strip()
    assert "\n" not in text and "strain.json: its contents cannot be shown" in text
    assert not (tmp_path / "page.html").exists()
