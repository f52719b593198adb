"""No text of the report's first page overlaps another or leaves the page, for plain and for crowded results."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from contracting_heart import contracting_heart, short_axis_grid
from page_texts import drawn_texts, faults_of

from LaMoDCore.heart.notes import note
from LaMoDCore.report.page import draw_page
from LaMoDCore.report.style import page_style

_SMALL = (72, 76)
_SENTENCE = "The contours of this slice differ from those of its neighbours, which may be a drawing error. "


def _heart(levels, **options):
    grids = [short_axis_grid(_SMALL, offset_mm=-8 * z) for z in range(len(levels))]
    return contracting_heart(levels, frames=8, grids=grids, **options)


def _crowded(result):
    """Everything that adds text: volumes, intervals, an infarct, twist, GLS, automatic contours, many long notes."""
    count = len(result.slices)
    codes = ("unlike_training", "slice_left_out", "wall_too_thin", "frames_missing", "several_cines", "cycles_differ")
    notes = tuple(note(code, 2 * _SENTENCE + code, slice=z + 1) for code in codes for z in range(count))
    function = {"edv_ml": 1188.4, "esv_ml": 1101.6, "stroke_volume_ml": 186.8, "ef": 0.461, "mass_g": 1104.0}
    contours = {"engine": "e" * 200, "engine_sha256": "0123456789" * 6, "licence": "weights MIT, " * 20}
    provenance = {**result.summary["provenance"], "contours": contours | {"reviewed": False, "slices": count}}
    provenance |= {
        "model": "a-model-with-a-long-name-" * 2,
        "model_sha256": "0" * 64,
        "device": "cuda:0",
        "steps": 1000,
    }
    provenance |= {"sampler": "ddim", "steps": 1000}
    intervals = {"confidence": 0.9, "calibrated": True, "half_width_sd": 1.6}
    heart = result.summary["global"]
    limits = {name: [heart[name] - 0.1234, heart[name] + 0.1234] for name in ("gcs_peak", "gcs_es", "grs_peak")}
    gls = {"mid_wall": -0.1834, "interval": {"mid_wall": [-0.2034, -0.1734]}}
    summary = {**result.summary, "global": {**heart, "intervals": {"basis": "bound", **limits}}}
    summary |= {"function": function | {"ed_frame": 0, "es_frame": 3}, "provenance": provenance}
    summary |= {"uncertainty": intervals, "long_axis": {"gls": gls, "views": [{}, {}, {}]}}
    cines = tuple(dataclasses.replace(c, rr_ms=c.rr_ms + 20 * z) for z, c in enumerate(result.case.slices))
    case = dataclasses.replace(result.case, slices=cines)
    return dataclasses.replace(result, case=case, findings=notes, summary=summary)


_LEVELS = {1: ("mid",), 2: ("base", "mid"), 3: ("base", "mid", "apex"), 5: ("base", "base", "mid", "mid", "apex")}
_LEVELS[12] = ("base",) * 4 + ("mid",) * 4 + ("apex",) * 4


@pytest.mark.parametrize("count", _LEVELS)
@pytest.mark.parametrize("is_crowded", [False, True], ids=["plain", "crowded"])
def test_no_text_overlaps_another_or_leaves_the_page(count, is_crowded):
    result = _heart(_LEVELS[count], samples=2 if is_crowded else 1, with_cine=count == 3)
    with page_style():
        page = draw_page(_crowded(result) if is_crowded else result)
        faults = faults_of(page)
    assert not faults, "\n".join(faults)


def test_overlapping_and_leaving_texts_are_found():
    """The test above can fail."""
    with page_style():
        page = draw_page(_heart(("mid",)))
        page.text(0.03, 0.955, "on the title")
        page.text(0.98, 0.5, "beyond the edge")
        page.text(0.5, 0.02, "turned", rotation=45)
        faults = faults_of(page)
        (turned,) = [corners for text, corners in drawn_texts(page) if text == "turned"]
    assert any("'on the title' overlaps" in fault for fault in faults)
    assert "'beyond the edge' leaves the page" in faults
    side = np.diff(turned, axis=0)[0]
    assert abs(side[0]) == pytest.approx(abs(side[1]), rel=0.01)
