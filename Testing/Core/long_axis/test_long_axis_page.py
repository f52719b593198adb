import re
from dataclasses import replace

import numpy as np
import pytest
from long_axis_files import write_masks
from long_axis_shapes import ANGLES
from page_texts import faults_of

from LaMoDCore.heart.notes import note
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.prediction.long_axis import long_axis_numbers
from LaMoDCore.report.long_axis_page import draw_long_axis_page
from LaMoDCore.report.report_files import write_long_axis_report
from LaMoDCore.report.style import page_style, percent


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    return load_long_axis([write_masks(folder / f"Jane Doe {kind}.seq.nrrd", kind) for kind in ANGLES]).views


def page_of(views, notes=(), **more):
    with page_style():
        return draw_long_axis_page(views, {"long_axis": long_axis_numbers(views), **more}, notes)


@pytest.fixture(scope="module")
def page(views):
    return page_of(views, function={"ef": 0.61, "edv_ml": 120.0, "esv_ml": 47.0})


def words(page):
    from matplotlib.text import Text

    return [text.get_text() for text in page.findobj(Text) if text.get_text()]


def test_numbers_are_those_of_strain_json(views, page):
    numbers, found = long_axis_numbers(views), words(page)
    assert f"{percent(numbers['gls']['mid_wall'])} %" in found
    for part in numbers["views"]:
        assert ", ".join(f"{value:.0f}" for value in part["mapse_mm"].values()) + " mm" in found
    assert f"{100 * numbers['volumes']['ef']:.0f} %" in found and "short axis 61 %" in found
    assert percent(numbers["bullseye"][16]) in found, "the apical cap"
    assert not any("Jane" in text for text in found)


def test_walls_carry_their_strain_at_end_systole(views, page):
    numbers, found = long_axis_numbers(views), words(page)
    for part in numbers["views"]:
        first, second = part["segments"][0], part["segments"][3]
        for row in (first, second):
            assert f"{row['wall']} {percent(row['strain_es'])} %" in found
    from matplotlib.collections import LineCollection

    lines = [each for ax in page.axes for each in ax.collections if isinstance(each, LineCollection)]
    lines = [each for each in lines if each.get_array() is not None]
    assert len(lines) == len(views)
    for part, line in zip(numbers["views"], lines, strict=True):
        colours = np.unique(np.asarray(line.get_array()).round(6))
        assert colours == pytest.approx(sorted(100 * part["segments"][k]["strain_es"] for k in (0, 3)), abs=1e-4)


def test_one_view_is_shown_at_both_ends_of_systole_and_carried_frames_are_named(views):
    view = replace(views[0], kind=None, drawn=np.arange(views[0].frames) % 5 == 0)
    found = words(page_of([view], [note("long_axis_length_jump", "A length jumps.")]))
    titles = [text for text in found if text.startswith("View 1, ")]
    assert [re.sub(r" \(.*", "", text) for text in titles] == ["View 1, end-diastole", "View 1, end-systole"]
    assert any("carried between drawn frames" in text for text in found)
    assert any("A length jumps." in text for text in found)
    assert "mean of the views" not in found


def test_the_files_have_the_same_bytes_and_name_nobody(tmp_path, views):
    numbers = {"long_axis": long_axis_numbers(views[:1]), "provenance": {"lamod_version": "0"}}
    written = []
    for name in ("one", "two"):
        files = tmp_path / f"{name}.png", tmp_path / f"{name}.pdf"
        write_long_axis_report(views[:1], numbers, (), *files)
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    assert not any(b"Jane" in content or b"CreationDate" in content for content in written[0])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_text_overlaps_another_or_leaves_the_page(views, count):
    sentence = "The length of the wall jumps between frames, which may be a drawing error; look at the contours there. "
    notes = [note("long_axis_length_jump", 2 * sentence + str(k)) for k in range(8)]
    found = [replace(view, drawn=np.arange(view.frames) % 3 == 0) for view in views[:count]]
    function = {"ef": 0.61, "edv_ml": 1120.0, "esv_ml": 1047.0}
    with page_style():
        numbers = {"long_axis": long_axis_numbers(found), "function": function}
        page = draw_long_axis_page(
            found, numbers, notes, provenance=f"LaMoD 2.0  ·  model {'m' * 40}  ·  ddim  ·  1000 steps"
        )
        faults = faults_of(page)
    assert not faults, "\n".join(faults)
