"""The first page of the report, landscape A4: maps, curves, bullseye and numbers of the short-axis slices."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.colour_ranges import COLOUR_RANGES
from LaMoDCore.report.bullseye import draw_bullseye, rings_of
from LaMoDCore.report.curves import draw_segment_curves, draw_slice_curves
from LaMoDCore.report.maps import (
    MOST_NUMBERED,
    MOST_SHOWN,
    draw_arrows,
    draw_motion,
    draw_strain_map,
    mark_insertion,
    marked_insertions,
    number_segments,
    window_of,
)
from LaMoDCore.report.numbering import wall_text
from LaMoDCore.report.numbers import function_rows, has_stretch, segment_peaks, table_rows
from LaMoDCore.report.parts import A4_LANDSCAPE, WARNING, bullets, draw_colour_bar, draw_rule, draw_tables
from LaMoDCore.report.style import ACCENT, INK, SOFT
from LaMoDCore.report.wording import (
    FUNCTION_METHOD,
    NOTES_HEADING,
    RESEARCH_USE,
    contour_line,
    definition_lines,
    half_width_sd,
    is_reviewed,
    note_lines,
    provenance_line,
    slices_left_out,
    warning_line,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Up to this many slices, each has a plot of its segment curves.
_DETAILED = 3
#: Left, right, bottom and top of the area of the maps, in fractions of the page.
_MAPS = (0.03, 0.665, 0.465, 0.89)


def draw_page(result: StrainResult, limit_percent: float = COLOUR_RANGES["ecc"]) -> Figure:
    """Draw the page as a Matplotlib figure without a window.

    Args:
        result: the result to show.
        limit_percent: Ecc at both ends of the colour scale of maps and bullseye.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=A4_LANDSCAPE, facecolor="white")
    FigureCanvasAgg(page)
    es = 100 * np.concatenate([s.fields["ecc"][result.es_frame][s.myocardium] for s in result.slices])
    peaks, times = segment_peaks(result)
    exceeds = bool(np.nanmax(np.abs(np.concatenate([es, 100 * np.concatenate(peaks)])), initial=0.0) > limit_percent)
    _header(page, result)
    rows = table_rows(result)
    image, lower = _maps(page, result, limit_percent)
    _colour_bar(page, image, exceeds)
    bullseye = page.add_axes((0.735, 0.49, 0.255, 0.385))
    draw_bullseye(bullseye, rings_of(result, peaks, times), limit_percent, f"GCS\n{rows[0].value}")
    stretch = ", or systolic stretch (+)," if has_stretch(result) else ""
    page.text(0.745, 0.9, f"Peak Ecc{stretch} by segment (%)", fontsize=8.5, fontweight="bold")
    _curves(page, result, lower - 0.055)
    draw_tables(page, rows, function_rows(result), FUNCTION_METHOD)
    _footer(page, result)
    return page


def _header(page: Figure, result: StrainResult) -> None:
    cines = result.case.slices
    page.text(0.03, 0.952, "Myocardial strain", fontsize=15, fontweight="bold", color=ACCENT)
    levels = ", ".join(dict.fromkeys(c.level for c in cines))
    count = f"{len(cines)} short-axis slices" if len(cines) > 1 else "one short-axis slice"
    count += f" ({levels})"
    if missing := slices_left_out(result):
        count += f", {missing} left out"
    cycle = "–".join(dict.fromkeys(f"{rr:.0f}" for rr in (min(c.rr_ms for c in cines), max(c.rr_ms for c in cines))))
    facts = f"{count}  ·  {cines[0].frames} frames  ·  R–R {cycle} ms"
    page.text(0.215, 0.954, facts, fontsize=8.5, color=SOFT)
    page.text(0.97, 0.954, RESEARCH_USE, fontsize=8.5, ha="right", fontweight="bold", color=WARNING)
    if warning := warning_line(result):
        page.text(0.97, 0.976, warning, fontsize=8.5, ha="right", fontweight="bold", color=WARNING)
    if contours := contour_line(result):
        colour = SOFT if is_reviewed(result) else WARNING
        page.text(0.03, 0.9195, contours, fontsize=8.5, fontweight="bold", color=colour)
    draw_rule(page, 0.938)


def _maps(page: Figure, result: StrainResult, limit: float) -> tuple[Any, float]:
    """Draw two maps of one slice, or one map per slice; returns an image for the colour bar and the lower edge."""
    cines, strains, es = result.case.slices, result.slices, result.es_frame
    count = min(len(cines), MOST_SHOWN)
    half = max(window_of(s, c.grid).half_mm for c, s in zip(cines, strains, strict=True))
    windows = [window_of(s, c.grid, half) for c, s in zip(cines, strains, strict=True)]
    at_es = f"end-systole, {result.case.frame_times_ms[es]:.0f} ms"
    boxes = _boxes(max(count, 2), heading=count > 2)
    if count > 2:
        page.text(_MAPS[0], 0.9, f"Ecc and displacement at {at_es}", fontsize=8.5, fontweight="bold")
    small = count > MOST_NUMBERED
    shown = marked_insertions(result)
    for z in range(count):
        ax = page.add_axes(boxes[z])
        image = draw_strain_map(ax, cines[z], strains[z], es, windows[z], limit_percent=limit)
        if count == 1:
            ax.set_title(f"Ecc at {at_es}")
            mark_insertion(ax, cines[z].grid, shown[z])
            continue
        draw_arrows(ax, strains[z], es, cines[z].grid, colour=INK, every_mm=7.0 if small else 5.0)
        if not small:
            number_segments(
                ax,
                strains[z],
                cines[z].grid,
                on_picture=cines[z].cine is not None,
                font_size=5.5 if count == MOST_NUMBERED else 6.5,
            )
        mark_insertion(ax, cines[z].grid, shown[z], 2.5 if small else 4.0)
        name = f"{z + 1} {cines[z].level}"
        ax.set_title(
            f"Slice {z + 1}, {cines[z].level}: Ecc and displacement at ES" if count == 2 else name,
            pad=3 if count > 2 else 5,
        )
    if count == 1:
        ax = page.add_axes(boxes[1])
        draw_motion(ax, cines[0], strains[0], es, windows[0])
        mark_insertion(ax, cines[0].grid, shown[0])
        ax.set_title("Displacement from end-diastole (dotted), to scale")
    lower = min(box[1] for box in boxes)
    if len(cines) > count:
        page.text(
            _MAPS[0],
            lower - 0.015,
            f"{len(cines) - count} more slices are in the files.",
            fontsize=6.5,
            color=SOFT,
        )
    return image, lower


def _boxes(count: int, heading: bool) -> list[tuple[float, float, float, float]]:
    """Squares for `count` maps, as large as their area allows, spread over its width."""
    left, right, bottom, top = _MAPS
    top -= 0.025 if heading else 0.0
    gap_x, gap_y = 0.012, 0.032

    def side_of(rows: int) -> float:
        columns = int(np.ceil(count / rows))
        width = (right - left - gap_x * (columns - 1)) / columns * A4_LANDSCAPE[0]
        height = (top - bottom - gap_y * (rows - 1)) / rows * A4_LANDSCAPE[1]
        return float(min(width, height))

    rows = max(range(1, count + 1), key=side_of)
    columns = int(np.ceil(count / rows))
    width, height = side_of(rows) / A4_LANDSCAPE[0], side_of(rows) / A4_LANDSCAPE[1]
    step = (right - left - width) / max(columns - 1, 1)
    return [
        (left + n % columns * step, top - height - n // columns * (height + gap_y), width, height) for n in range(count)
    ]


def _colour_bar(page: Figure, image: Any, exceeds: bool) -> None:
    """The colour bar of the maps; its ends are pointed if values exceed it."""
    ax = draw_colour_bar(page, image, (0.682, 0.5, 0.011, 0.36), exceeds)
    beyond = 0.065 if exceeds else 0.02  # the points are a twentieth of the bar
    ax.set_title("Ecc (%)", fontsize=7, loc="center", pad=24 if exceeds else 14, fontweight="normal")
    for y, word, va in ((-beyond, "shortens", "top"), (1 + beyond, "stretches", "bottom")):
        ax.text(0.5, y, word, transform=ax.transAxes, ha="center", va=va, fontsize=6, color=SOFT)


def _curves(page: Figure, result: StrainResult, top: float) -> None:
    cines, strains = result.case.slices, result.slices
    bottom = 0.187
    height = min(top - bottom, 0.33)
    if len(cines) == 1:
        panels = [("ecc", 0, (0.05, 0.26), "Ecc (%)"), ("err", 0, (0.375, 0.24), "Err (%)")]
    elif len(cines) <= _DETAILED:
        width = (0.595 / len(cines)) - 0.03
        panels = [
            ("ecc", z, (0.05 + z * (width + 0.03), width), f"Slice {z + 1}, {c.level}: Ecc (%)")
            for z, c in enumerate(cines)
        ]
    else:
        panels = [
            ("ecc", -1, (0.05, 0.26), "Ecc, mean of each slice (%)"),
            ("err", -1, (0.375, 0.24), "Err, mean of each slice (%)"),
        ]
    entries: dict[str, Any] = {}
    for name, z, (left, width), title in panels:
        ax = page.add_axes((left, bottom, width, height))
        ax.set_title(title)
        times = cines[z].frame_times_ms if z >= 0 else result.case.frame_times_ms
        es_ms, ed_ms = float(times[result.es_frame]), float(times[result.case.reference_frame])
        if z >= 0:
            draw_segment_curves(
                ax, cines[z], strains[z], name,
                es_ms=es_ms, ed_ms=ed_ms, half_width_sd=half_width_sd(result),
            )  # fmt: skip
        else:
            draw_slice_curves(ax, result, name, es_ms=es_ms, ed_ms=ed_ms)
        entries |= {label: line for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    if "whole slice" in entries:
        entries["whole slice"] = entries.pop("whole slice")
    numbers = _wall_numbers(result)
    labels = [wall_text(wall, numbers.get(wall, [])) for wall in entries]
    columns = (4 if len(labels) <= 8 else 5) if len(cines) <= _DETAILED else 6
    page.legend(
        list(entries.values()), labels, loc="upper left", bbox_to_anchor=(0.042, 0.15), ncols=columns, fontsize=6.5,
        frameon=False, handlelength=1.4, columnspacing=1.1, handletextpad=0.5, borderaxespad=0,
    )  # fmt: skip


def _wall_numbers(result: StrainResult) -> dict[str, list[int]]:
    """The AHA numbers of each wall over the slices."""
    found: dict[str, list[int]] = {}
    for strain in result.slices:
        for wall, aha in zip(strain.segment_names, strain.segment_aha, strict=True):
            if aha is not None and aha not in found.setdefault(wall, []):
                found[wall].append(aha)
    return found


def _footer(page: Figure, result: StrainResult) -> None:
    draw_rule(page, 0.112)
    lines = [line for text in definition_lines(result) for line in textwrap.wrap(text, 160)]
    for number, line in enumerate(lines):
        page.text(0.03, 0.102 - min(0.0138, 0.078 / len(lines)) * number, line, fontsize=6, color=SOFT, va="top")
    notes = note_lines(result)
    heading = NOTES_HEADING if notes else "There are no notes on the input or the result."
    page.text(0.66, 0.1, heading, fontsize=6.5, va="top", fontweight="bold")
    for number, line in enumerate(bullets(notes)):
        page.text(0.66, 0.084 - 0.0138 * number, line, fontsize=6, va="top")
    page.text(0.03, 0.013, provenance_line(result), fontsize=6, color=SOFT)
