"""The page in headless Chromium, driven by the mouse and the keyboard as a person would."""

from __future__ import annotations

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from browser_pages import SIZES
from hearts import HOSTILE, long_axis_views, small_heart, with_names, with_views
from PIL import Image

from LaMoDCore.io.results.segments_csv import segment_rows, write_segments_csv
from LaMoDCore.report.html.long_axis import lines_of_views
from LaMoDCore.report.html.page import PageParts, html_report

pytest.importorskip("bokeh")
expect = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed").expect


@pytest.fixture(scope="module")
def heart():
    return with_views(small_heart(("base", "mid")), long_axis_views())


@pytest.fixture(scope="module")
def file(heart, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html_report(heart, PageParts(long_axis=lines_of_views(long_axis_views()))), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shared_page(watched, file):
    return watched.open(file)


@pytest.fixture
def page(shared_page, watched):
    """The page as it is after loading. No test may leave an error in it, or make it ask the network."""
    watched.faults.clear()
    yield shared_page
    assert watched.faults == []
    shared_page.mouse.move(5, 5)
    for label in ("Ecc", "This frame"):
        shared_page.get_by_text(label, exact=True).first.click()
    for box in ("#show-drawn", "#show-predicted", "#show-labels"):
        shared_page.locator(box).check()
    shared_page.locator("#limit").fill("25")
    shared_page.locator("#curves-of").select_option("0")
    shared_page.locator("h1").click()
    shared_page.keyboard.press("Escape")
    shared_page.keyboard.press("End")


def _frame(page):
    return int(page.locator("#frame").input_value())


def _shown(value, digits=1):
    return f"{value:+.{digits}f}".replace("-", "−")


def _row(heart, slice_number, name, frame):
    """A row of segments.csv, whose strains have six decimals."""
    rows = segment_rows(heart)
    row = next(row for row in rows if (row.slice, row.name, row.frame) == (slice_number, name, frame))
    return dataclasses.replace(row, **{key: round(getattr(row, key), 6) for key in ("ecc", "err", "ecc_std")})


def _sector(page, name, ring=0):
    return page.locator(f"#bullseye .sector[data-ring='{ring}'][data-name^='{name},']")


def _picture(page, z):
    """Pixels [H, W, 4] of a slice's canvas."""
    text = page.evaluate("(z) => document.querySelectorAll('canvas[data-slice]')[z].toDataURL()", z)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text.split(",")[1]))).convert("RGBA")).astype(int)


def _place_of(page, z, name):
    """A place in a slice's canvas, CSS pixels, within a segment at the present frame."""
    return page.evaluate(
        """([z, name]) => {
          const data = JSON.parse(document.getElementById('data').textContent).slices[z];
          const canvas = document.querySelectorAll('canvas[data-slice]')[z];
          const number = data.segments.find((segment) => segment.name === name).place_mm;
          const middle = data.size_mm / 2;
          const away = Math.hypot(number[0] - middle, number[1] - middle);
          const scale = canvas.clientWidth / data.size_mm;
          return [0, 1].map((axis) => scale * (middle + (number[axis] - middle) * 24 / away));
        }""",
        [z, name],
    )


#: Waits until every frame was shown.
_EVERY_FRAME = """() => new Promise((resolve) => {
  const slider = document.getElementById('frame');
  const seen = new Set();
  const look = () => {
    seen.add(slider.value);
    if (seen.size === Number(slider.max)) resolve(seen.size);
    else requestAnimationFrame(look);
  };
  look();
})"""


def test_it_begins_at_end_systole_and_plays_on_request(page, heart):
    assert _frame(page) == heart.es_frame + 1
    assert page.locator("#play").get_attribute("aria-label") == "Play"
    page.locator("#speed").select_option("0.5")
    page.locator("#play").click()
    assert page.locator("#play").get_attribute("aria-label") == "Pause"
    assert page.locator("#readout").get_attribute("aria-live") == "off"
    assert page.evaluate(_EVERY_FRAME) == heart.case.frames
    page.locator("#play").click()
    assert page.locator("#readout").get_attribute("aria-live") == "polite"
    stopped = _frame(page)
    page.locator("#play").press("ArrowRight")
    assert _frame(page) == stopped % heart.case.frames + 1
    page.locator("#speed").select_option("1")


def test_frames_are_chosen_by_keys_buttons_and_slider(page, heart):
    page.keyboard.press("Home")
    assert _frame(page) == 1
    page.keyboard.press("ArrowLeft")
    assert _frame(page) == heart.case.frames
    page.keyboard.press("ArrowRight")
    page.locator("#next").click()
    assert _frame(page) == 2
    page.keyboard.press("End")
    assert _frame(page) == heart.es_frame + 1
    box = page.locator("#frame").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    assert _frame(page) == heart.case.frames
    times = heart.case.frame_times_ms
    assert page.locator("#time").inner_text() == f"frame 8 of 8, {times[-1]:.0f} ms"
    page.keyboard.press("Home")  # within the slider
    assert page.locator("#frame").get_attribute("aria-valuetext") == "frame 1 of 8, 0 ms"


@pytest.mark.parametrize("name", ["inferolateral", "anterior"])
def test_a_segment_under_the_mouse_is_named_with_the_values_of_the_table(page, heart, name):
    x, y = _place_of(page, 0, name)
    page.locator("canvas[data-slice='0']").hover(position={"x": x, "y": y})
    row = _row(heart, 1, name, heart.es_frame)
    assert page.locator("#readout").inner_text() == (
        f"{name} (AHA {row.aha}), slice 1: Ecc {_shown(100 * row.ecc)} % "
        f"({_shown(100 * (row.ecc - row.ecc_std))} … {_shown(100 * (row.ecc + row.ecc_std))}), frame {row.frame + 1}"
    )
    assert "is-active" in _sector(page, name).get_attribute("class")
    page.mouse.move(5, 5)
    assert page.locator("#readout").inner_text().startswith("Whole wall: GCS")


def test_a_click_highlights_a_segment_everywhere(page):
    x, y = _place_of(page, 1, "inferior")
    before = _picture(page, 1)
    page.locator("canvas[data-slice='1']").click(position={"x": x, "y": y})
    page.mouse.move(5, 5)
    assert page.locator("#curves-of").input_value() == "1"
    assert _sector(page, "inferior", ring=1).get_attribute("aria-pressed") == "true"
    assert _sector(page, "inferior", ring=0).get_attribute("aria-pressed") == "false"
    pressed = page.locator("#legend [aria-pressed='true']")
    assert pressed.all_inner_texts() == ["inferior (AHA 10)"]
    assert (_picture(page, 1) != before).any()
    page.keyboard.press("Escape")
    assert page.locator("#legend [aria-pressed='true']").count() == 0
    assert (_picture(page, 1) == before).all()


def test_the_bullseye_is_operated_by_keyboard(page):
    sector = _sector(page, "septal" if _sector(page, "septal").count() else "anteroseptal", ring=1)
    sector.focus()
    page.keyboard.press("Enter")
    assert sector.get_attribute("aria-pressed") == "true"
    assert "slice 2: Ecc −" in sector.get_attribute("aria-label")
    page.locator("canvas[data-slice='0']").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("#curves-of").input_value() == "0"
    assert page.locator("#legend [aria-pressed='true']").all_inner_texts() == ["anteroseptal (AHA 2)"]


@pytest.mark.parametrize(("quantity", "column"), [("Ecc", "ecc"), ("Err", "err")])
def test_the_bullseye_shows_the_values_of_the_table(page, heart, quantity, column):
    page.get_by_text(quantity, exact=True).first.click()
    page.keyboard.press("End")
    for ring in (0, 1):
        for sector in page.locator(f"#bullseye .sector[data-ring='{ring}']").all():
            name = sector.get_attribute("data-name").split(",")[0]
            row = _row(heart, ring + 1, name, heart.es_frame)
            assert sector.locator("text").text_content() == _shown(100 * getattr(row, column))
    page.get_by_text("Peak", exact=True).click()
    peak = heart.summary["slices"][0]["segments"][0][{"ecc": "ecc_extreme", "err": "err_peak"}[column]]
    assert _sector(page, "anteroseptal").locator("text").text_content() == _shown(100 * peak)


def test_displacement_has_its_own_unit_and_range(page):
    page.get_by_text("|u|", exact=True).click()
    assert page.locator("#limit").input_value() == "10"
    assert page.locator("#limit-unit").inner_text() == "mm"
    assert page.locator("#scale-low").inner_text() == "0"
    assert re.fullmatch(r"\d\.\d", _sector(page, "anterior").locator("text").text_content())
    assert page.locator("#curves-title").inner_text() == "|u| (mm)"


@pytest.mark.parametrize(
    ("typed", "used", "scale"),
    [("0.5", "1", "−1"), ("", "25", "−25"), ("1e9", "200", "−200"), ("25.44", "25.4", "−25.4"), ("40", "40", "−40")],
)
def test_the_range_that_is_shown_is_the_one_in_use(page, typed, used, scale):
    page.locator("#limit").fill("25")
    page.locator("#limit").fill("")
    page.locator("#limit").press_sequentially(typed)
    page.locator("#limit").press("Enter")
    page.locator("#limit").blur()
    assert page.locator("#limit").input_value() == used
    assert page.locator("#scale-low").inner_text() == scale


def test_arrow_keys_scroll_a_table_that_is_too_wide(page):
    page.set_viewport_size({"width": 280, "height": 700})
    details = page.locator("details:has(.scroll)")
    details.evaluate("(element) => { element.open = true; }")
    region = details.locator(".scroll")
    assert region.evaluate("(element) => element.scrollWidth > element.clientWidth")
    frame = _frame(page)
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")
    assert _frame(page) == frame
    details.evaluate("(element) => { element.open = false; }")
    page.set_viewport_size({"width": SIZES["desktop"][0], "height": SIZES["desktop"][1]})


def _colours(page):
    """(red, green, blue) of sectors of the outer ring."""
    fills = {
        sector.get_attribute("data-name").split(",")[0]: sector.locator("path").get_attribute("fill")
        for sector in page.locator("#bullseye .sector[data-ring='0']").all()
    }
    return {name: [int(part) for part in re.findall(r"\d+", fill)] for name, fill in fills.items()}


def test_stretch_is_red_and_shortening_blue_on_the_heart_and_in_the_bullseye(page):
    for box in ("#show-drawn", "#show-predicted", "#show-labels"):
        page.locator(box).uncheck()
    page.mouse.move(5, 5)
    pixels = _picture(page, 0)
    for name, (red, _, blue) in _colours(page).items():
        assert (red > blue) == (name == "inferolateral"), name
        x, y = _place_of(page, 0, name)
        pixel = pixels[round(y), round(x)]
        assert (pixel[0] > pixel[2]) == (name == "inferolateral"), name
    before = _colours(page)["anterior"]
    page.locator("#limit").fill("100")
    assert sum(_colours(page)["anterior"]) > sum(before)  # paler


def test_a_cell_of_the_matrix_leads_to_its_frame_and_segment(page, heart):
    page.locator("#matrix").evaluate("(element) => element.scrollIntoView({block: 'center'})")
    box = page.locator("#matrix .cursor").bounding_box()
    area = page.locator("#matrix").bounding_box()
    rows = sum(len(strain.segment_names) for strain in heart.slices)
    row = 8  # slice 2, inferior
    page.mouse.click(area["x"] + area["width"] - 14, box["y"] + (row + 0.5) / rows * box["height"])
    expect(page.locator("#frame")).to_have_value(str(heart.case.frames))
    page.mouse.move(5, 5)
    assert page.locator("#curves-of").input_value() == "1"
    assert _sector(page, "inferior", ring=1).get_attribute("aria-pressed") == "true"


def test_a_curve_under_the_mouse_is_named(page, heart):
    page.locator("#curves").evaluate("(element) => element.scrollIntoView({block: 'center'})")
    cursor = page.locator("#curves .cursor").bounding_box()
    for step in np.linspace(0.05, 0.95, 40):
        page.mouse.move(cursor["x"], cursor["y"] + step * cursor["height"])
        if page.locator("#readout").inner_text().startswith("inferolateral (AHA 5), slice 1: Ecc +18.0 %"):
            break
    else:
        pytest.fail("the curve that stretches was not found")
    assert "is-active" in _sector(page, "inferolateral").get_attribute("class")


def test_the_saved_table_is_segments_csv(page, heart, tmp_path):
    write_segments_csv(heart, tmp_path / "segments.csv")
    with page.expect_download() as download:
        page.locator("#save-table").click()
    assert download.value.suggested_filename == "segments.csv"
    download.value.save_as(tmp_path / "saved.csv")
    assert (tmp_path / "saved.csv").read_bytes() == (tmp_path / "segments.csv").read_bytes()


def test_it_fits_every_screen_in_both_themes(page):
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width, height in SIZES.values():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("#play").bounding_box()["y"] < height  # always at hand
        back, ink = page.evaluate(
            """() => {
              const style = getComputedStyle(document.documentElement);
              return [style.backgroundColor, style.color].map((each) => each.match(/\\d+/g).map(Number));
            }"""
        )
        assert (sum(back) < sum(ink)) == (theme == "dark")
    assert page.locator("#theme").inner_text() == "Light"
    page.locator("#theme").click()
    assert page.locator("#theme").inner_text() == "Dark"
    page.locator("#theme").click()
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": SIZES["desktop"][0], "height": SIZES["desktop"][1]})
    page.locator("#theme").click()


_UNNAMED = """() => [...document.querySelectorAll(
    'a, button, input, select, summary, [tabindex="0"], [role="img"], [role="button"]')]
  .filter((each) => each.checkVisibility() && !each.computedName).map((each) => each.outerHTML.slice(0, 200))"""
_FOCUSABLE = """() => [...document.querySelectorAll('a, button, input, select, summary, [tabindex="0"]')]
  .filter((each) => each.checkVisibility() && !(each.type === 'radio' && !each.checked))"""


def test_every_control_has_a_name_and_is_reached_in_the_order_of_the_page(page):
    assert page.evaluate(_UNNAMED) == []
    page.evaluate(f"window.tabbed = ({_FOCUSABLE})()")
    count = page.evaluate("tabbed.length")
    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges(); tabbed[0].focus()")
    for _ in range(count - 1):
        page.keyboard.press("Tab")
        page.evaluate("(window.order ??= []).push(tabbed.indexOf(document.activeElement))")
    assert page.evaluate("order") == list(range(1, count))
    assert count > 30
    page.evaluate("document.activeElement.blur()")


def test_the_long_axis_beats_with_the_heart(page, heart):
    page.locator("#show-labels").uncheck()
    page.locator("canvas[data-view='0']").scroll_into_view_if_needed()

    def blue_pixels():
        text = page.evaluate("document.querySelector('canvas[data-view]').toDataURL()")
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(text.split(",")[1]))).convert("RGB")).astype(int)
        return int(((shown[..., 2] > shown[..., 0] + 50) & (shown[..., 1] > 60) & (shown[..., 1] < 200)).sum())

    page.keyboard.press("Home")
    while blue_pixels() > 300:  # until the page has noticed that the view is visible
        page.evaluate("new Promise(requestAnimationFrame)")
    cursor = page.locator("#long-axis .cursor").bounding_box()["x"]
    page.keyboard.press("End")
    assert blue_pixels() > 600, "the mid-wall is blue where it shortens"
    assert page.locator("#long-axis .cursor").bounding_box()["x"] > cursor
    assert page.locator("#long-axis-legend").inner_text().split("\n") == [
        "four-chamber",
        "two-chamber",
        "mean of the views",
    ]
    page.mouse.wheel(0, -10000)


def test_it_is_printed_on_one_page(page):
    document = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", document)) == 1
    expect(page.locator(".print-only")).to_have_count(0)


def test_hostile_names_are_text_and_the_heart_beats_at_once(watched, heart, tmp_path):
    """Without the wish for reduced motion, on a phone."""
    path = tmp_path / "report.html"
    path.write_text(html_report(with_names(heart, HOSTILE), PageParts(names=True)), encoding="utf-8")
    watched.faults.clear()
    page = watched.open(path, "phone", reduced_motion="no-preference")
    assert page.locator("#play").get_attribute("aria-label") == "Pause"
    page.locator("#play").click()
    assert page.locator(".names li").first.text_content() == HOSTILE
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]
    page.close()
    assert watched.faults == []


def test_the_policy_forbids_the_network_and_new_scripts(page, watched):
    assert page.evaluate("fetch('https://example.org').then(() => 'loaded', () => 'refused')") == "refused"
    tried = """() => new Promise((resolve) => setTimeout(() => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      try {
        new Function('return 1')();
        resolve('evaluated');
      } catch {
        resolve(window.ran ? 'ran' : 'refused');
      }
    }))"""
    assert page.evaluate(tried) == "refused"
    assert watched.faults and all("Content Security Policy" in fault for fault in watched.faults)
    watched.faults.clear()
