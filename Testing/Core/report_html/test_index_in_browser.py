"""index.html in headless Chromium: sorting, filter, plots, and points that open the page of their case."""

from __future__ import annotations

import numpy as np
import pytest
from browser_pages import SIZES

from LaMoDCore.cohort.entries import MEASURES
from LaMoDCore.report.html.check_page import FindingRow, FrameStrip, check_page
from LaMoDCore.report.html.cohort_page import CohortEntry, Measure, cohort_page
from LaMoDCore.report.html.comparison import Comparison

pytest.importorskip("bokeh")
expect = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed").expect
HOSTILE = "<script>alert(1)</script>\"'&\u202eesrever" + "x" * 300
VALUES = {"a": (-0.12, 0.5, "info"), "b": (-0.2, 0.2, "error"), "c": (-0.16, 0.3, None)}


def _comparison(quantity, method, cases, places, values, reference):
    return Comparison(
        quantity, "%", method, "truth", cases, places, np.array(values), np.array(reference), -1.0, -3.0, 1.0,
        f"Bias of {method}",
    )  # fmt: skip


@pytest.fixture(scope="module")
def shared_index(watched, tmp_path_factory):
    """Three cases, a failed one with a hostile reason, and two methods compared with the truth."""
    folder = tmp_path_factory.mktemp("index")
    (folder / "cases" / "b").mkdir(parents=True)
    (folder / "cases" / "b" / "report.html").write_text("<title>the page of b</title>")
    entries = [
        CohortEntry(name, f"cases/{name}/report.html", measures={"gcs_peak": gcs, "grs_peak": grs}, severity=severity)
        for name, (gcs, grs, severity) in VALUES.items()
    ]
    entries.append(CohortEntry("d", failure=f"it is empty {HOSTILE}"))
    names = list(VALUES)
    comparisons = [
        _comparison("GCS", "first", names, [""] * 3, [-12.0, -20.0, -16.0], [-13.0, -19.0, -17.0]),
        _comparison("GCS", HOSTILE, names, [""] * 3, [-11.0, -18.0, -15.0], [-13.0, -19.0, -17.0]),
        _comparison(
            "segments", HOSTILE, ["a", "b", "b"], ["one", "one", "two"], [-5.0, -9.0, -7.0], [-6.0, -8.0, -3.0]
        ),
    ]
    path = folder / "index.html"
    path.write_text(cohort_page(entries, MEASURES, comparisons=comparisons), "utf-8")
    return watched.open(path)


@pytest.fixture
def index(shared_index, watched):
    watched.faults.clear()
    yield shared_index
    assert watched.faults == []


def _cases(page):
    return [row.get_attribute("data-case") for row in page.locator("#cases tbody tr:visible").all()]


def _readout(page):
    """The line about a point, without the characters that isolate names."""
    return page.locator("#readout").text_content().translate({0x2068: None, 0x2069: None})


def _place(page, plot, x, y):
    """The place of a point of a plot on the screen."""
    page.wait_for_selector(f"#{plot}:not([aria-busy])")
    page.locator(f"#{plot}").scroll_into_view_if_needed()
    return page.evaluate(
        """([plot, x, y]) => {
          const place = document.getElementById(plot);
          const view = [...Bokeh.index].find((each) => place.contains(each.el) && each.frame);
          const box = place.getBoundingClientRect();
          return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)];
        }""",
        [plot, x, y],
    )


def test_cases_are_sorted_and_filtered(index):
    index.get_by_role("button", name="GCS, peak").click()
    assert _cases(index) == ["b", "c", "a", "d"]
    index.get_by_role("button", name="GCS, peak").click()
    assert _cases(index) == ["a", "c", "b", "d"]
    assert index.get_by_role("columnheader", name="GCS, peak").get_attribute("aria-sort") == "descending"
    index.locator("#filter").fill("EMPTY")
    assert _cases(index) == ["d"]
    index.locator("#filter").fill("")
    index.locator("#severity").select_option("2")
    assert _cases(index) == ["b", "d"] and index.locator("#count").inner_text() == "2 of 4 shown"
    index.locator("#severity").select_option("-1")
    index.get_by_role("button", name="Case").click()
    assert _cases(index) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("plot", "at", "expected"),
    [
        ("scatter", (-16, 30), "c: GCS, peak (%) −16.0, GRS, peak (%) +30.0"),
        ("agreement-scatter", (-19, -18), "b: {} −18.0, truth −19.0 %"),
        ("bland-altman", (-16, 2), "c: {} −15.0, truth −17.0 %"),
    ],
)
def test_a_point_names_its_case_and_its_row(index, plot, at, expected):
    index.mouse.move(*_place(index, plot, *at))
    assert _readout(index) == expected.format(HOSTILE)
    assert [row.get_attribute("data-case") for row in index.locator("tr.is-active").all()] == [expected[0]]
    index.mouse.move(2, 2)
    assert index.locator("tr.is-active").count() == 0


def test_a_point_has_the_digits_of_the_table(watched, tmp_path):
    measures = {"error": Measure("Endpoint error", "mm", 2), "frames": Measure("Frames", "")}
    entries = [CohortEntry(name, measures={"error": error, "frames": 40}) for name, error in (("a", 0.04), ("b", 0.93))]
    path = tmp_path / "index.html"
    path.write_text(cohort_page(entries, measures), encoding="utf-8")
    watched.faults.clear()
    page = watched.open(path)
    page.mouse.move(*_place(page, "scatter", 0.93, 40))
    assert _readout(page) == "b: Endpoint error (mm) 0.93, Frames 40"
    assert page.locator("tr[data-case='b'] td.number").all_inner_texts() == ["0.93", "40"]
    page.close()
    assert watched.faults == []


def test_quantity_and_method_are_chosen(index):
    assert index.locator("#method").input_value() == HOSTILE  # the last one is the method under test
    assert index.locator("#agreement").text_content() == f"Bias of {HOSTILE}"
    index.locator("#method").select_option("first")
    expect(index.locator("#agreement")).to_have_text("Bias of first")
    index.locator("#quantity").select_option("segments")
    expect(index.locator("#agreement")).to_have_text("This method has no values of this quantity.")
    index.locator("#method").select_option(HOSTILE)
    expect(index.locator("#agreement")).to_have_text(f"Bias of {HOSTILE}")
    index.mouse.move(*_place(index, "bland-altman", -5, -4))
    assert _readout(index) == f"b, two: {HOSTILE} −7.0, truth −3.0 %"
    index.locator("#quantity").select_option("GCS")


def test_hostile_words_are_text(index):
    assert "alert" not in index.evaluate("[...document.scripts].slice(-1)[0].textContent")
    assert HOSTILE in index.locator("tr[data-case='d'] .note").text_content()


def test_it_fits_every_screen_in_both_themes_and_is_operated_by_keyboard(index):
    for theme in ("light", "dark"):
        index.emulate_media(color_scheme=theme)
        for width, height in SIZES.values():
            index.set_viewport_size({"width": width, "height": height})
            assert index.evaluate("document.documentElement.scrollWidth") <= width
    assert index.locator("#theme").inner_text() == "Light"
    index.emulate_media(color_scheme="light")
    index.set_viewport_size({"width": SIZES["desktop"][0], "height": SIZES["desktop"][1]})
    unnamed = """() => [...document.querySelectorAll('a, button, input, select, summary, [tabindex="0"], [role="img"]')]
      .filter((each) => each.checkVisibility() && !each.computedName).map((each) => each.outerHTML)"""
    assert index.evaluate(unnamed) == []
    index.locator("#filter").focus()
    index.keyboard.press("Tab")
    index.keyboard.press("Tab")
    index.keyboard.press("Tab")
    index.keyboard.press("Enter")
    assert index.get_by_role("columnheader", name="Case").get_attribute("aria-sort") == "descending"
    index.get_by_role("button", name="Case").click()


def test_a_point_opens_the_page_of_its_case(index):
    index.mouse.click(*_place(index, "agreement-scatter", -19, -18))
    expect(index).to_have_title("the page of b")


def test_the_page_of_checked_contours_fits_a_phone_and_shows_hostile_words_as_text(browser, tmp_path):
    path = tmp_path / "check.html"
    strips = [FrameStrip(HOSTILE, ("good", "look", "repair", "not drawn") * 10)]
    findings = [FindingRow("Frame 2", "look", HOSTILE)]
    path.write_text(check_page(HOSTILE, strips, findings, [("warning", HOSTILE)], None), encoding="utf-8")
    faults = []
    page = browser.new_page(viewport={"width": SIZES["phone"][0], "height": SIZES["phone"][1]})
    page.on("console", lambda message: faults.append(message.text))
    page.on("request", lambda request: request.url.startswith("http") and faults.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]
    assert page.locator("td bdi").text_content() == HOSTILE and page.locator("script").count() == 0
    assert [row.inner_text() for row in page.locator(".strip li").all()[1:3]] == ["2\n?\nlook", "3\n✕\nrepair"]
    assert page.get_by_role("list", name=HOSTILE.split("\u202e", maxsplit=1)[0]).count() == 1
    page.close()
    assert faults == []
