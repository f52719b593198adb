"""The page: colours at the right positions, no names of persons, the same bytes every time."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from contracting_heart import contracting_heart, short_axis_grid
from matplotlib.text import Text

from LaMoDCore.report import write_report
from LaMoDCore.report.page import draw_page
from LaMoDCore.report.style import page_style
from LaMoDCore.strain import summarise

_HERE = Path(__file__).resolve()
_SMALL = (72, 76)


def _infarcted(result, wall):
    """The same motion with `wall` stretching by 18 % where it shortened."""
    strain = result.slices[0]
    number = strain.segment_names.index(wall) + 1
    ecc = np.where(strain.segment == number, np.float32(0.18), strain.fields["ecc"])
    curves = strain.segment_curves["ecc"].copy()
    curves[number - 1] = 0.18
    changed = dataclasses.replace(
        strain, fields={**strain.fields, "ecc": ecc}, segment_curves={**strain.segment_curves, "ecc": curves}
    )
    summary = summarise(result.case, (changed,), result.es_frame)
    return dataclasses.replace(result, slices=(changed,), summary=summary)


def _pixels(page):
    page.canvas.draw()
    return np.asarray(page.canvas.buffer_rgba())[..., :3].astype(int)


def _colour(pixels, axes, x, y):
    column, row = axes.transData.transform((x, y))
    return pixels[pixels.shape[0] - 1 - round(row), round(column)]


@pytest.mark.parametrize(("turn_deg", "from_base"), [(0, False), (120, True)])
def test_a_stretching_lateral_wall_is_red_there_and_blue_elsewhere(turn_deg, from_base):
    grid = short_axis_grid(_SMALL, turn_deg=turn_deg, from_base=from_base)
    result = _infarcted(contracting_heart(grids=[grid], frames=25), "inferolateral")
    with page_style():
        page = draw_page(result)
        pixels = _pixels(page)
    ecc_map, motion, bullseye = page.axes[0], page.axes[1], page.axes[3]
    strain, frame = result.slices[0], result.es_frame
    x, y = grid.pixel_centers_mm()
    for number, name in enumerate(strain.segment_names, start=1):
        here = strain.segment == number
        u = strain.displacement_mm[frame][:, here].mean(axis=1)
        red, _, blue = _colour(pixels, ecc_map, x[here].mean() + u[0], y[here].mean() + u[1])
        assert (red > blue + 30) if name == "inferolateral" else (blue > red + 30), name
    # seen from the apex, numbers run counter-clockwise on the page for every orientation of the array
    numbers = {
        t.get_text(): motion.transData.transform(t.get_position()) for t in motion.texts if t.get_text().isdigit()
    }
    middle = np.mean(list(numbers.values()), axis=0)
    angles = np.unwrap([np.arctan2(*(numbers[str(n)] - middle)[::-1]) for n in (8, 9, 10, 11, 12, 7)])
    assert (np.diff(angles) > 0.5).all()
    red, _, blue = _colour(pixels, bullseye, 0.7 * np.cos(np.deg2rad(330)) + 0.12, 0.7 * np.sin(np.deg2rad(330)) - 0.2)
    assert red > blue + 30


@pytest.mark.parametrize("levels", [("mid",), ("base", "mid", "apex"), ("mid",) * 5])
def test_nothing_on_the_page_names_a_person_and_all_is_inside(levels):
    grids = [short_axis_grid(_SMALL, offset_mm=-8 * z) for z in range(len(levels))]
    result = contracting_heart(levels, frames=12, grids=grids, samples=2 if len(levels) == 1 else 1)
    slices = tuple(dataclasses.replace(s, name="DOE^JANE 19510203") for s in result.case.slices)
    result = dataclasses.replace(result, case=dataclasses.replace(result.case, slices=slices))
    with page_style():
        page = draw_page(result)
        page.canvas.draw()
        width, height = page.canvas.get_width_height()
        texts = [t for t in page.findobj(Text) if t.get_text() and t.get_visible()]
        boxes = {t.get_text(): t.get_window_extent() for t in texts}
    shown = " ".join(boxes)
    assert "DOE" not in shown
    assert "Research use only; not a medical device." in shown
    assert "Green–Lagrange" in shown
    assert "closed-form" in shown
    for text, box in boxes.items():
        assert box.x0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y0 >= -1, text
        assert box.y1 <= height + 1, text


def _with_function(result, *, reviewed=False, engine="an-engine"):
    function = {"edv_ml": 188.4, "esv_ml": 101.6, "stroke_volume_ml": 86.8, "ef": 0.461, "mass_g": 104.0}
    function |= {"ed_frame": 0, "es_frame": 10}
    contours = {"engine": engine, "engine_sha256": "0123456789" * 6, "licence": "weights MIT, training data none"}
    contours |= {"reviewed": reviewed, "slices": len(result.slices)}
    provenance = {**result.summary["provenance"], "contours": contours}
    summary = {**result.summary, "function": function, "provenance": provenance}
    return dataclasses.replace(result, summary=summary)


def test_lv_function_and_the_origin_of_the_contours_overlap_nothing():
    levels = ("base", "base", "mid", "mid", "apex")
    grids = [short_axis_grid(_SMALL, offset_mm=-8 * z) for z in range(len(levels))]
    heart = contracting_heart(levels, frames=12, grids=grids, samples=2)
    with page_style():
        page = draw_page(_with_function(heart, engine="e" * 200))
        page.canvas.draw()
        width, height = page.canvas.get_width_height()
        boxes = {t.get_text(): t.get_window_extent() for t in page.texts if t.get_text()}
    assert {"EDV", "188 ml", "ESV", "102 ml", "EF", "46 %", "SV", "87 ml", "Mass", "104 g"} <= set(boxes)
    assert any(text.startswith("Contours drawn automatically by eee") for text in boxes)
    assert any(text.startswith("Contours: eee") and "(01234567); licence: weights MIT" in text for text in boxes)
    table = {text: box for text, box in boxes.items() if box.x0 > 0.6 * width or box.y1 < 0.12 * height}
    for text, box in table.items():
        assert box.x1 <= 0.985 * width, text
        for other, there in table.items():
            apart = box.x1 <= there.x0 or there.x1 <= box.x0 or box.y1 <= there.y0 + 2 or there.y1 <= box.y0 + 2
            assert text == other or apart, (text, other)


def test_another_person_on_another_day_writes_the_same_bytes(tmp_path):
    """In separate processes with different hash seeds, dates and Matplotlib settings."""
    result = contracting_heart(frames=6, grids=[short_axis_grid(_SMALL)], with_cine=True)
    write_report(result, tmp_path / "a.png", tmp_path / "a.pdf")
    script = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[1:3]\n"
        "import matplotlib as mpl\n"
        "mpl.rcParams.update({'font.size': 20, 'axes.facecolor': 'black', 'savefig.dpi': 30})\n"
        "from contracting_heart import contracting_heart, short_axis_grid\n"
        "from LaMoDCore.report import write_report\n"
        "result = contracting_heart(frames=6, grids=[short_axis_grid((72, 76))], with_cine=True)\n"
        "write_report(result, Path(sys.argv[3] + '.png'), Path(sys.argv[3] + '.pdf'))\n"
        "assert mpl.rcParams['font.size'] == 20\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "SOURCE_DATE_EPOCH": "77"}
    folders = [str(_HERE.parents[1]), str(_HERE.parents[3])]
    subprocess.run([sys.executable, "-c", script, *folders, str(tmp_path / "b")], check=True, env=environment)
    for suffix in (".png", ".pdf"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes(), suffix
    assert b"/CreationDate" not in (tmp_path / "a.pdf").read_bytes()


def test_missing_values_do_not_stop_the_page(tmp_path):
    result = contracting_heart(frames=6, grids=[short_axis_grid(_SMALL)])
    strain = result.slices[0]
    unknown = {k: np.full_like(v, np.nan) for k, v in strain.fields.items()}
    curves = {k: np.full_like(v, np.nan) for k, v in strain.segment_curves.items()}
    means = {k: np.full_like(v, np.nan) for k, v in strain.global_curves.items()}
    empty = dataclasses.replace(strain, fields=unknown, segment_curves=curves, global_curves=means)
    summary = summarise(result.case, (empty,), result.es_frame)
    write_report(dataclasses.replace(result, slices=(empty,), summary=summary), tmp_path / "a.png", tmp_path / "a.pdf")
    assert (tmp_path / "a.png").stat().st_size > 10_000
