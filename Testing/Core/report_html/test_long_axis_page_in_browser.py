"""The page of long-axis views without short-axis slices in headless Chromium."""

from __future__ import annotations

import re

import pytest
from browser_pages import SIZES
from hearts import HOSTILE, long_axis_views

from LaMoDCore.io.long_axis.reader import LongAxisCase
from LaMoDCore.prediction.long_axis import write_long_axis_alone

pytest.importorskip("bokeh")
expect = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed").expect


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "out"
    write_long_axis_alone(LongAxisCase(tuple(long_axis_views())), folder, report=False, html=True)
    return folder


def test_it_beats_names_its_numbers_saves_its_table_and_is_printed_on_one_page(watched, folder, tmp_path):
    watched.faults.clear()
    page = watched.open(folder / "report.html")
    readout = page.locator("#readout")
    page.keyboard.press("Home")
    expect(readout).to_have_text(re.compile(r"four-chamber 0\.0 %, two-chamber 0\.0 %; frame 1$"), timeout=20_000)
    at_rest = page.locator("#long-axis .cursor").bounding_box()["x"]
    page.keyboard.press("End")
    expect(readout).to_have_text(re.compile("four-chamber −"), timeout=20_000)
    assert page.locator("#long-axis .cursor").bounding_box()["x"] > at_rest
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_attribute("aria-label", "Pause")
    page.locator("#play").click()
    with page.expect_download() as download:
        page.locator("#save-table").click()
    download.value.save_as(tmp_path / "saved.csv")
    assert download.value.suggested_filename == "long_axis.csv"
    assert (tmp_path / "saved.csv").read_bytes() == (folder / "long_axis.csv").read_bytes()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width, height in SIZES.values():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    document = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", document)) == 1
    assert HOSTILE not in page.content() and watched.faults == []
    page.close()
