"""The words of the page agree with what it shows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from contracting_heart import contracting_heart, short_axis_grid

from LaMoDCore.heart.notes import note
from LaMoDCore.report.bullseye import sector
from LaMoDCore.report.numbers import table_rows
from LaMoDCore.report.page import draw_page
from LaMoDCore.report.wording import definition_lines, warning_line

SMALL = (60, 64)


def heart(*levels):
    grids = [short_axis_grid(SMALL, (2.0, 2.0), offset_mm=-12.0 * k) for k in range(len(levels))]
    result = contracting_heart(levels, frames=8, grids=grids)
    case = dataclasses.replace(result.case, rv_insertion_lps=grids[0].pixel_to_lps([24.0, 15.0]))
    return dataclasses.replace(result, case=case)


def texts(result):
    """Every text on the page and the labels of its legend."""
    page = draw_page(result)
    found = [text.get_text() for text in page.texts]
    for ax in page.axes:
        found += [text.get_text() for text in ax.texts]
        found.append(ax.get_title(loc="left") or ax.get_title())
    legend = [text.get_text() for text in page.legends[0].get_texts()]
    markers = sum(line.get_marker() == "D" for ax in page.axes for line in ax.lines)
    return found, legend, markers


@pytest.fixture(scope="module")
def pages():
    return {levels: texts(heart(*levels)) for levels in (("base", "mid", "apex"), ("base", "mid"), ("mid",) * 5)}


def test_numbers_on_the_maps_are_those_of_the_heart_association(pages):
    found, legend, _ = pages["base", "mid", "apex"]
    for number in range(1, 17):
        assert str(number) in found
    assert "anterior (AHA 1, 7, 13)" in legend
    assert "septal (AHA 14)" in legend
    assert any("AHA numbers" in text for text in found)
    assert not any("AHA" in text for text in pages[("mid",) * 5][0])  # without room for numbers


def test_maps_and_bullseye_have_one_fixed_range_and_say_if_values_exceed_it():
    """Two reports can be compared only if one colour means one value in both."""
    from LaMoDCore.heart.colour_ranges import COLOUR_RANGES

    assert COLOUR_RANGES["ecc"] == 25.0
    for strength, limit, extended in ((1.0, 25.0, False), (3.0, 25.0, True), (3.0, 80.0, False)):
        result = heart("mid")
        fields = {**result.slices[0].fields, "ecc": strength * result.slices[0].fields["ecc"]}
        page = draw_page(
            dataclasses.replace(result, slices=(dataclasses.replace(result.slices[0], fields=fields),)), limit
        )
        images = [image for ax in page.axes for image in ax.images if image.cmap.name == "RdBu_r"]
        assert images
        assert {image.get_clim() for image in images} == {(-limit, limit)}
        (bar,) = [image.colorbar for image in images if image.colorbar is not None]
        assert (bar.extend == "both") is extended
        ticks = [text.get_text() for text in bar.ax.get_yticklabels()]
        assert [float(tick.replace("−", "-")) for tick in ticks] == [-limit, -limit / 2, 0, limit / 2, limit]


def test_the_diamond_is_announced_where_it_is_drawn(pages):
    for found, _, markers in pages.values():
        assert markers > 0
        assert any("(diamond)" in text for text in found)
    unknown = heart("mid")
    unknown = dataclasses.replace(unknown, case=dataclasses.replace(unknown.case, rv_insertion_lps=None))
    found, _, markers = texts(unknown)
    assert markers == 0
    assert not any("diamond" in text for text in found)
    assert any("expected position" in text for text in found)


def test_twist_names_the_slices_that_are_subtracted():
    with_apex = {row.name: row for row in table_rows(heart("base", "mid", "apex"))}["Twist, inferred"]
    assert with_apex.definition.startswith("apical − basal rotation")
    without = {row.name: row for row in table_rows(heart("base", "mid"))}["Twist, inferred"]
    assert without.definition.startswith("slice 2 − slice 1 rotation")


def test_a_bullseye_with_stretch_is_headed_so(pages):
    assert "Peak Ecc by segment (%)" in pages["base", "mid"][0]
    result = heart("mid")
    part = result.summary["slices"][0]
    rows = [dict(row) for row in part["segments"]]
    rows[2] |= {"ecc_extreme": 0.05, "ecc_systolic_stretch": 0.05, "time_to_peak_ms": None}
    summary = {**result.summary, "slices": [{**part, "segments": rows}]}
    found = texts(dataclasses.replace(result, summary=summary))[0]
    assert "Peak Ecc, or systolic stretch (+), by segment (%)" in found
    assert "strongest shortening … greatest systolic stretch" in found


def test_the_conversion_to_engineering_strain_is_given_once():
    assert sum("−20 % as engineering strain" in line for line in definition_lines(heart("mid"))) == 1
    assert np.sqrt(1 + 2 * -0.18) - 1 == pytest.approx(-0.20)


def test_times_of_the_heart_name_their_clock():
    result = heart("base", "mid")
    assert not any("R–R" in line for line in definition_lines(result))
    first, second = result.case.slices
    longer = dataclasses.replace(second, rr_ms=2 * first.rr_ms, frame_times_ms=2 * first.frame_times_ms)
    slower = dataclasses.replace(result, case=dataclasses.replace(result.case, slices=(first, longer)))
    clock = f"R–R {1.5 * first.rr_ms:.0f} ms"
    assert any(clock in line for line in definition_lines(slower))
    rows = {row.name: row for row in table_rows(slower)}
    assert rows["SD of time to peak"].when == rows["Time to peak GCS"].when == clock
    es_ms = 1.5 * first.frame_times_ms[result.es_frame]
    assert rows["GCS at end-systole"].when == f"frame {result.es_frame + 1}, {es_ms:.0f} ms"


def test_segments_of_a_contradictory_heart_are_numbered():
    result = heart("base", "apex")
    doubt = note("orientation_contradicted", "The heart is mirrored.")
    strains = tuple(
        dataclasses.replace(
            strain,
            segment_names=tuple(f"segment {n}" for n in range(1, len(strain.segment_names) + 1)),
            segment_aha=(None,) * len(strain.segment_names),
        )
        for strain in result.slices
    )
    result = dataclasses.replace(result, slices=strains, findings=(doubt,))
    found, legend, _ = texts(result)
    assert "segment 1" in legend
    assert not any("anterior" in text for text in legend)
    assert not any("AHA" in text for text in found)
    assert "not named" in warning_line(result)
    assert sector("segment 1", 6) == (90, 150)  # the insertion is at the top
    assert sector("segment 2", 4) == (105, 195)  # 15°–105° from the insertion
