"""Long-axis views of the page: the drawn lines of the wall over the cine, and their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from LaMoDCore.heart.colour_ranges import COLOUR_RANGES
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.long_axis.mid_wall import lines_mm
from LaMoDCore.heart.long_axis.view import LINE_NAMES, UNNAMED_WALLS, VIEW_NAMES, LongAxisView
from LaMoDCore.heart.long_axis.wall_lines import INTERVALS
from LaMoDCore.io.results.long_axis_files import StoredLongAxis
from LaMoDCore.report.html.packing import packed_lengths, steps_in_time
from LaMoDCore.report.html.pictures import cine_pictures, tile_size
from LaMoDCore.report.html.view import View
from LaMoDCore.report.maps import direction_letters
from LaMoDCore.report.numbers import number
from LaMoDCore.report.style import SOFT, VIEW_COLOURS, WALL_COLOURS
from LaMoDCore.strain.long_axis.line_strain import engineering_strain, segment_lengths_mm

#: Views for which the page has pictures.
MOST_VIEWS = 6
_MARGIN_MM = 16.0
_SAME_GRID_MM = 0.01


@dataclass(frozen=True, eq=False)
class DrawnLines:
    """The lines of one view on every frame; positions are in-plane mm (x, y) = pixel × spacing.

    Attributes:
        grid: pixel grid of the images.
        lines_mm: endocardial, mid_wall, epicardial: [T, P, 2], from the first wall over the apex to the second.
        annulus_mm: [T, 2, 2].
        walls: names of both walls.
        located: whether the position in the patient is known.
        cine: [T, H, W] images, if there are any.
    """

    grid: SliceGrid
    lines_mm: Mapping[str, Array]
    annulus_mm: Array
    walls: tuple[str, str]
    located: bool = True
    cine: Array | None = None


def lines_of_views(views: Sequence[LongAxisView]) -> list[DrawnLines]:
    """The lines of views that were just read."""
    return [
        DrawnLines(view.grid, lines_mm(view), view.annulus_mm, view.walls, view.located, view.cine) for view in views
    ]


def lines_of_stored(stored: StoredLongAxis) -> list[DrawnLines]:
    """The lines of a stored result, which has no images."""
    return [lines_in_patient(view.grid, view.lines_lps, view.annulus_lps, view.numbers) for view in stored.views]


def lines_in_patient(
    grid: SliceGrid, lines_lps: Mapping[str, Array], annulus_lps: Array, numbers: Mapping[str, Any]
) -> DrawnLines:
    """Lines that are known in patient coordinates, without images.

    Args:
        grid: pixel grid of the images.
        lines_lps: endocardial, mid_wall, epicardial: [T, P, 3] LPS mm.
        annulus_lps: [T, 2, 3].
        numbers: the view's entry of strain.json.
    """
    spacing = np.array(grid.spacing_mm)
    lines = {name: grid.lps_to_pixel(lines_lps[name]) * spacing for name in LINE_NAMES}
    first, second = numbers.get("walls") or UNNAMED_WALLS
    named = (str(first), str(second))
    return DrawnLines(grid, lines, grid.lps_to_pixel(annulus_lps) * spacing, named, named != UNNAMED_WALLS)


def with_pictures(lines: Sequence[DrawnLines], cines: Sequence[tuple[SliceGrid, Array]]) -> list[DrawnLines]:
    """The lines with the images of the same pixels and number of frames, where there are any.

    Args:
        lines: the views.
        cines: grid and images [T, H, W] of slices, in any order.
    """
    found = []
    for each in lines:
        frames = len(each.annulus_mm)
        fitting = [
            cine
            for grid, cine in cines
            if grid.shape == each.grid.shape
            and len(cine) == frames
            and np.abs((grid.ijk_to_lps - each.grid.ijk_to_lps)[:, [0, 1, 3]]).max() <= _SAME_GRID_MM
        ]
        found.append(replace(each, cine=fitting[0]) if fitting else each)
    return found


def long_axis_data(numbers: Mapping[str, Any], views: Sequence[DrawnLines]) -> dict[str, Any]:
    """What the page's script shows of the long axis.

    Args:
        numbers: ``long_axis`` of strain.json.
        views: lines of its views in the same order; empty for curves alone.
    """
    rr_ms = number(numbers["rr_ms"])
    mean = numbers["curves"]
    curves = [_curve(part, place, rr_ms) for place, part in enumerate(numbers["views"])]
    return {
        "rr_ms": round(rr_ms, 3),
        "limit": COLOUR_RANGES["longitudinal"],
        "mean": {
            "times_ms": _rounded(mean["time_ms"], 3),
            "percent": _rounded([100 * number(value) for value in mean["mid_wall"]], 4),
        },
        "curves": curves,
        "views": [
            _view_data(each, part, place)
            for place, (each, part) in enumerate(zip(views[:MOST_VIEWS], numbers["views"], strict=False))
        ],
    }


def view_name(kind: Any, place: int) -> str:
    """Name of a view; names of files and series may be a person's and are not shown."""
    return VIEW_NAMES.get(kind, f"view {place + 1}")


def _curve(part: Mapping[str, Any], place: int, rr_ms: float) -> dict[str, Any]:
    """Mid-wall strain of one view since its end-diastole, on the clock of the heart."""
    times = np.asarray(part["frame_times_ms"], dtype=np.float64)
    own = number(part["rr_ms"])
    since = np.mod(times - times[part["reference_frame"]], own) / own * rr_ms
    order = np.argsort(since)
    percent = np.array([100 * number(value) for value in part["curves"]["mid_wall"]])
    return {
        "label": view_name(part["view"], place),
        "colour": VIEW_COLOURS[place % len(VIEW_COLOURS)],
        "times_ms": _rounded(since[order], 3),
        "percent": _rounded(percent[order], 4),
    }


def _view_data(lines: DrawnLines, part: Mapping[str, Any], place: int) -> dict[str, Any]:
    view = _view_of(lines)
    ed = int(part["reference_frame"])
    frames = len(lines.annulus_mm)
    lengths = segment_lengths_mm(lines.lines_mm["mid_wall"])[::3]
    strains = [100 * engineering_strain(length, ed) for length in lengths]
    spacing = np.array(lines.grid.spacing_mm)
    data: dict[str, Any] = {
        "label": view_name(part["view"], place),
        "frames": frames,
        "ed": ed,
        "phases": _rounded(np.asarray(part["frame_times_ms"], dtype=np.float64) / number(part["rr_ms"]), 6),
        "size_mm": round(2 * view.half_mm, 3),
        "letters": _letters(lines.grid) if lines.located else None,
        "points": 2 * INTERVALS + 1,
        "apex": INTERVALS,
        "lines": {
            name: packed_lengths(steps_in_time(view.points(line / spacing))) for name, line in lines.lines_mm.items()
        },
        "annulus": packed_lengths(steps_in_time(view.points(lines.annulus_mm / spacing))),
        "walls": [
            {"name": name, "colour": WALL_COLOURS.get(name, SOFT), "percent": _rounded(strain, 3)}
            for name, strain in zip(lines.walls, strains, strict=True)
        ],
        "picture": None,
    }
    if lines.cine is not None:
        pictures = cine_pictures(lines.cine, view, tile_size(view, frames))
        data["picture"] = {"webp": pictures.webp, "tile": pictures.tile, "columns": pictures.columns}
    return data


def _view_of(lines: DrawnLines) -> View:
    """The square around the wall on all frames, as the images are stored: a long axis is not seen from the apex."""
    low, high = (limit(lines.lines_mm["epicardial"], axis=(0, 1)) for limit in (np.min, np.max))
    center = (low + high) / 2
    half = float((high - low).max() / 2 + _MARGIN_MM)
    return View(lines.grid, (float(center[0]), float(center[1])), half, is_mirrored=False)


def _letters(grid: SliceGrid) -> dict[str, str]:
    right, down = grid.directions[:, 0], grid.directions[:, 1]
    edges = {"right": right, "left": -right, "bottom": down, "top": -down}
    return {edge: direction_letters(direction) for edge, direction in edges.items()}


def _rounded(values: Any, digits: int) -> list[float | None]:
    return [round(float(value), digits) + 0.0 if np.isfinite(value) else None for value in np.asarray(values)]
