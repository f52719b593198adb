"""The page of long-axis views: their lines at end-diastole and end-systole, curves, bullseye and numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.heart.colour_ranges import COLOUR_RANGES
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.mid_wall import lines_mm
from LaMoDCore.heart.long_axis.view import VIEW_NAMES, LongAxisView
from LaMoDCore.heart.long_axis.wall_lines import INTERVALS
from LaMoDCore.heart.notes import Note
from LaMoDCore.report.bullseye import Ring, draw_bullseye
from LaMoDCore.report.curves import finish_curves
from LaMoDCore.report.long_axis_numbers import STRAIN_DEFINITION, carried_line, long_axis_rows, volume_rows
from LaMoDCore.report.maps import Window, draw_background, draw_directions
from LaMoDCore.report.parts import A4_LANDSCAPE, WARNING, bullets, draw_colour_bar, draw_rule, draw_tables
from LaMoDCore.report.style import ACCENT, INK, SOFT, STRAIN_COLOURS, VIEW_COLOURS, WALL_COLOURS, percent
from LaMoDCore.report.wording import NOTES_HEADING, RESEARCH_USE, lines_of_notes
from LaMoDCore.strain.long_axis.line_strain import engineering_strain, segment_lengths_mm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Views for which the page has room.
MOST_VIEWS = 3
_MARGIN_MM = 12.0
#: Left, right, bottom and top of the area of the pictures, in fractions of the page.
_PICTURES = (0.03, 0.635, 0.455, 0.885)
#: Names of the segments of each ring of the AHA's model, in the order of their numbers.
_SIX = ("anterior", "anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral")
_FOUR = ("anterior", "septal", "inferior", "lateral")
#: How volumes were computed, in lines that fit under them.
_DISCS = ("Method of discs;", "blood pool as drawn.")


def draw_long_axis_page(
    views: Sequence[LongAxisView],
    summary: Mapping[str, Any],
    notes: Sequence[Note] = (),
    *,
    provenance: str = "",
    limit_percent: float = COLOUR_RANGES["longitudinal"],
) -> Figure:
    """Draw the page as a Matplotlib figure without a window.

    Args:
        views: the views; the first three are shown.
        summary: content of strain.json, with ``long_axis``.
        notes: notes on the views.
        provenance: last line of the page.
        limit_percent: longitudinal strain at both ends of the colour scale.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=A4_LANDSCAPE, facecolor="white")
    FigureCanvasAgg(page)
    numbers = summary["long_axis"]
    _header(page, views, numbers)
    image = _pictures(page, views, numbers, limit_percent)
    exceeds = max(abs(100 * row["strain_es"]) for part in numbers["views"] for row in part["segments"]) > limit_percent
    _colour_bar(page, image, exceeds)
    _bullseye(page, numbers, limit_percent)
    _curves(page, views, numbers)
    draw_tables(page, long_axis_rows(numbers), volume_rows(summary), _DISCS)
    _footer(page, views, numbers, notes, provenance)
    return page


def _header(page: Figure, views: Sequence[LongAxisView], numbers: Mapping[str, Any]) -> None:
    shown = [_name(view, number) for number, view in enumerate(views[:MOST_VIEWS], start=1)]
    names = ", ".join(shown) + (f" and {len(views) - MOST_VIEWS} more" if len(views) > MOST_VIEWS else "")
    page.text(0.03, 0.952, "Longitudinal strain", fontsize=15, fontweight="bold", color=ACCENT)
    facts = f"{names}  ·  drawn contours, not predicted  ·  R–R {numbers['rr_ms']:.0f} ms"
    page.text(0.235, 0.954, facts, fontsize=8.5, color=SOFT)
    page.text(0.97, 0.954, RESEARCH_USE, fontsize=8.5, ha="right", fontweight="bold", color=WARNING)
    if text := carried_line(numbers):
        page.text(0.03, 0.9195, text, fontsize=8.5, fontweight="bold", color=WARNING)
    draw_rule(page, 0.938)


def _name(view: LongAxisView, number: int) -> str:
    """Name of the view; names of files and series may be a person's and are not shown."""
    return VIEW_NAMES[view.kind] if view.kind is not None else f"view {number}"


def _pictures(page: Figure, views: Sequence[LongAxisView], numbers: Mapping[str, Any], limit: float) -> Any:
    """Draw each view at end-systole, and a single one also at end-diastole; returns what the colour bar belongs to."""
    left, right, bottom, top = _PICTURES
    shown = [
        (number, view, part, part["es_frame"])
        for number, (view, part) in enumerate(zip(views[:MOST_VIEWS], numbers["views"], strict=False), start=1)
    ]
    if len(shown) == 1:
        number, view, part, _ = shown[0]
        shown.insert(0, (number, view, part, part["reference_frame"]))
    gap = 0.012
    width = min((right - left) / len(shown) - gap, (top - bottom) * A4_LANDSCAPE[1] / A4_LANDSCAPE[0])
    height = width * A4_LANDSCAPE[0] / A4_LANDSCAPE[1]
    step = (right - left - width) / (len(shown) - 1)
    half = max(_window(view).half_mm for _, view, _, _ in shown)
    middle = bottom + (top - bottom - height) / 2
    image = None
    for column, (number, view, part, frame) in enumerate(shown):
        ax = page.add_axes((left + column * step, middle, width, height))
        image = _draw_view(ax, view, part, frame, half, limit)
        words = ("end-systole", "end-diastole") if len(shown) < MOST_VIEWS else ("ES", "ED")
        when = words[frame != part["es_frame"]]
        ax.set_title(f"{_name(view, number).capitalize()}, {when} (frame {frame + 1})", pad=4)
    if len(views) > MOST_VIEWS:
        text = f"{len(views) - MOST_VIEWS} more views are in the files."
        page.text(left, middle - 0.015, text, fontsize=6.5, color=SOFT)
    return image


def _window(view: LongAxisView) -> Window:
    """The square around the wall on all frames, with a margin."""
    low, high = view.epi_mm.min(axis=(0, 1)), view.epi_mm.max(axis=(0, 1))
    center = (low + high) / 2
    return Window((float(center[0]), float(center[1])), float((high - low).max() / 2 + _MARGIN_MM))


def _draw_view(
    ax: Axes, view: LongAxisView, part: Mapping[str, Any], frame: int, half_mm: float, limit_percent: float
) -> Any:
    """Draw both contours, the mid-wall line in the colour of each wall's strain, annulus points and apex."""
    from matplotlib.collections import LineCollection

    window = Window(_window(view).center_mm, half_mm)
    draw_background(ax, view, frame, window)
    on_picture = view.cine is not None
    ink = "white" if on_picture else INK
    lines = lines_mm(view)
    for name in ("endocardial", "epicardial"):
        ax.plot(*lines[name][frame].T, color=ink, linewidth=0.8, zorder=3)
        if frame != part["reference_frame"]:
            ax.plot(*lines[name][part["reference_frame"]].T, color=ink, linewidth=0.7, linestyle=":", zorder=3)
    middle = lines["mid_wall"][frame]
    strains = _wall_strains(lines["mid_wall"], part["reference_frame"], frame)
    values = np.repeat(100 * strains, INTERVALS)
    ax.plot(*middle.T, color=INK, linewidth=5.0, solid_capstyle="round", zorder=3.5)
    pieces = LineCollection(
        list(np.stack([middle[:-1], middle[1:]], axis=1)), array=values, cmap=STRAIN_COLOURS, linewidths=4.0, zorder=4
    )
    pieces.set_clim(-limit_percent, limit_percent)
    pieces.set_capstyle("round")
    ax.add_collection(pieces)
    ax.plot(*view.annulus_mm[frame].T, "D", markersize=3.5, color="#35e0c4", markeredgecolor=INK, zorder=6)
    ax.plot(*view.apex_mm[frame], "o", markersize=3.5, color="#35e0c4", markeredgecolor=INK, zorder=6)
    _name_walls(ax, view, frame, strains)
    (x, y), half = window.center_mm, half_mm
    ax.set(xlim=(x - half, x + half), ylim=(y + half, y - half), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if view.located:
        draw_directions(ax, view.grid.directions[:, 0], view.grid.directions[:, 1])
    return pieces


def _wall_strains(mid_wall_mm: Array, reference: int, frame: int) -> Array:
    """[2]: strain of both walls at a frame, from the mid-wall line [T, P, 2]."""
    lengths = segment_lengths_mm(mid_wall_mm)[::3]
    return np.array([engineering_strain(length, reference)[frame] for length in lengths])


def _name_walls(ax: Axes, view: LongAxisView, frame: int, strains: Array) -> None:
    """Write name and strain of each wall in the upper corner of its side, below the patient's direction."""
    across = [float(view.epi_mm[frame][: INTERVALS + 1, 0].mean()), float(view.epi_mm[frame][INTERVALS:, 0].mean())]
    for wall, value, is_left in zip(view.walls, strains, (across[0] <= across[1], across[0] > across[1]), strict=True):
        text = wall if abs(value) < 5e-4 else f"{wall} {percent(float(value))} %"
        ax.text(
            0.015 if is_left else 0.985, 0.92, text, transform=ax.transAxes, ha="left" if is_left else "right",
            va="top", fontsize=6.5, color="white", zorder=7,
            bbox={"boxstyle": "round,pad=0.25", "edgecolor": "none", "facecolor": WALL_COLOURS.get(wall, SOFT)},
        )  # fmt: skip


def _colour_bar(page: Figure, image: Any, exceeds: bool) -> None:
    ax = draw_colour_bar(page, image, (0.665, 0.51, 0.011, 0.33), exceeds)
    ax.set_title("Strain (%)", fontsize=7, loc="center", pad=14, fontweight="normal")


def _bullseye(page: Figure, numbers: Mapping[str, Any], limit: float) -> None:
    values = np.array([np.nan if value is None else value for value in numbers["bullseye"]])
    ax = page.add_axes((0.735, 0.49, 0.255, 0.375))
    page.text(0.735, 0.9, "Systolic peak by AHA segment (%)", fontsize=8.5, fontweight="bold")
    unknown = np.full(6, np.nan)
    rings = [
        Ring("base", _SIX, values[0:6], unknown, ()),
        Ring("mid", _SIX, values[6:12], unknown, ()),
        Ring("apex", _FOUR, values[12:16], unknown[:4], ()),
    ]
    draw_bullseye(ax, rings, limit, cap=float(values[16]))


def _curves(page: Figure, views: Sequence[LongAxisView], numbers: Mapping[str, Any]) -> None:
    bottom, height = 0.187, 0.215
    strain = page.add_axes((0.05, bottom, 0.27, height))
    strain.set_title("Mid-wall strain by view (%)")
    annulus = page.add_axes((0.375, bottom, 0.26, height))
    annulus.set_title("Annulus towards the apex (mm)")
    rr_ms, mean = numbers["rr_ms"], numbers["curves"]
    lines: dict[str, Any] = {}
    if len(views) > 1:
        (lines["mean of the views"],) = strain.plot(
            mean["time_ms"], 100 * np.asarray(mean["mid_wall"]), color=INK, linewidth=2.0, zorder=3
        )
    of_walls: dict[str, Any] = {}
    for number, (view, part) in enumerate(zip(views, numbers["views"], strict=True), start=1):
        times = np.asarray(part["frame_times_ms"])
        since = np.mod(times - times[part["reference_frame"]], part["rr_ms"]) / part["rr_ms"] * rr_ms
        order = np.argsort(since)
        colour = VIEW_COLOURS[(number - 1) % len(VIEW_COLOURS)]
        curve = 100 * np.asarray(part["curves"]["mid_wall"])
        (lines[_name(view, number)],) = strain.plot(since[order], curve[order], color=colour, linewidth=1.1)
        for wall, style in zip(view.walls, ("-", (0, (4, 2))), strict=True):
            along = np.asarray(part["annulus_displacement_mm"][wall])
            (line,) = annulus.plot(since[order], along[order], color=colour, linewidth=1.1, linestyle=style)
            of_walls[wall if view.kind else f"{_name(view, number)}, {wall}"] = line
    for ax in (strain, annulus):
        finish_curves(ax, np.array([0.0, rr_ms]), numbers["es_time_ms"], 0.0)
        ax.set_xlabel("time after end-diastole (ms)", labelpad=2)
    for left, entries, columns in ((0.042, lines, 2), (0.367, of_walls, 3)):
        page.legend(
            list(entries.values()), list(entries), loc="upper left", bbox_to_anchor=(left, 0.15), ncols=columns,
            fontsize=6.5, frameon=False, handlelength=1.8, columnspacing=1.1, handletextpad=0.5, borderaxespad=0,
        )  # fmt: skip


def _footer(
    page: Figure, views: Sequence[LongAxisView], numbers: Mapping[str, Any], notes: Sequence[Note], provenance: str
) -> None:
    draw_rule(page, 0.112)
    sentences = [
        STRAIN_DEFINITION,
        "The colour is that of the whole wall: the three segments of a wall share one strain. Dotted: contours at "
        "end-diastole. Diamonds: mitral annulus; circle: endocardial apex. MAPSE: largest displacement of an annulus "
        "point towards the apex. Blue shortens, red stretches. 90 % interval: errors of synthetic readers.",
    ]
    lines = [line for text in sentences for line in textwrap.wrap(text, 160)]
    for number, line in enumerate(lines):
        page.text(0.03, 0.102 - 0.0138 * number, line, fontsize=6, color=SOFT, va="top")
    found = lines_of_notes(notes, 1)
    heading = NOTES_HEADING if found else "There are no notes on the long-axis views."
    page.text(0.66, 0.1, heading, fontsize=6.5, va="top", fontweight="bold")
    for number, line in enumerate(bullets(found)):
        page.text(0.66, 0.084 - 0.0138 * number, line, fontsize=6, va="top")
    page.text(0.03, 0.013, provenance, fontsize=6, color=SOFT)
