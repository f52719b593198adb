"""Parts that the pages of the report share: tables of numbers, lists of notes, rules."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.report.numbers import Row
from LaMoDCore.report.style import FAINT, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

A4_LANDSCAPE = (11.69, 8.27)
#: Colour of warnings.
WARNING = "#8a2c0d"
#: Left and right edge of the table of numbers.
_TABLE = (0.66, 0.97)
_FUNCTION_COLUMNS = 3
_NOTE_LINES = 6


def draw_tables(page: Figure, rows: Sequence[Row], function: Sequence[Row], method: Sequence[str]) -> None:
    """Draw the rows of strain, and below them the numbers of LV function if there are any, three per line.

    Args:
        page: the page.
        rows: rows of strain.
        function: numbers of LV function.
        method: how they were computed, in short lines.
    """
    top = 0.455 if function else 0.435
    lines = -(-(len(function) + 1) // _FUNCTION_COLUMNS) if function else 0
    step = min(0.0345, (top - 0.11) / (len(rows) + lines))
    rule = min(0.0155, step - 0.0165)
    left, right = _TABLE
    for index, row in enumerate(rows):
        y = top - index * step
        size = 9 if index == 0 else 7.5
        page.text(left, y, row.name, fontsize=size, fontweight="bold" if index == 0 else "normal")
        page.text(right, y, row.value, fontsize=size, ha="right", fontweight="bold")
        page.text(left, y - 0.0125, row.definition, fontsize=6, color=SOFT)
        page.text(right, y - 0.0125, row.when, fontsize=6, color=SOFT, ha="right")
        if index:
            draw_rule(page, y + rule, left, right, 0.4)
    if function:
        y = top - len(rows) * step
        draw_rule(page, y + rule, left, right, 0.8)
        _function(page, function, y, step, method)


def _function(page: Figure, rows: Sequence[Row], top: float, step: float, method: Sequence[str]) -> None:
    left, right = _TABLE
    gap = 0.012
    width = (right - left - gap * (_FUNCTION_COLUMNS - 1)) / _FUNCTION_COLUMNS

    def corner(index: int) -> tuple[float, float]:
        return left + index % _FUNCTION_COLUMNS * (width + gap), top - index // _FUNCTION_COLUMNS * step

    for index, row in enumerate(rows):
        x, y = corner(index)
        page.text(x, y, row.name, fontsize=7.5)
        page.text(x + width, y, row.value, fontsize=7.5, ha="right", fontweight="bold")
        about = ", ".join(part for part in (row.definition, row.when) if part)
        page.text(x, y - 0.0125, about, fontsize=6, color=SOFT)
    x, y = corner(len(rows))
    for number, line in enumerate(method):
        page.text(x, y - 0.0125 * number, line, fontsize=6, color=SOFT)


def bullets(sentences: Sequence[str]) -> list[str]:
    """The sentences as lines with bullets; the last line counts those that do not fit."""
    lines: list[str] = []
    for number, sentence in enumerate(sentences):
        wrapped = textwrap.wrap(sentence, 84)
        rest = len(sentences) - number
        if len(lines) + len(wrapped) > _NOTE_LINES - (1 if rest > 1 else 0):
            return [*lines, f"• and {rest} more in strain.json"]
        lines += [
            ("• " if first else "   ") + line
            for first, line in zip([True] + [False] * len(wrapped), wrapped, strict=False)
        ]
    return lines


def draw_colour_bar(page: Figure, image: Any, place: tuple[float, float, float, float], exceeds: bool) -> Axes:
    """Draw the colour bar of `image`; its ends are pointed if values exceed it.

    Args:
        page: the page.
        image: what it belongs to.
        place: left, bottom, width and height, in fractions of the page.
        exceeds: whether values lie beyond its ends.

    Returns:
        Its axes, for a title.
    """
    ax = page.add_axes(place)
    low, high = (float(limit) for limit in image.get_clim())
    ticks = np.linspace(low, high, 5)
    bar = page.colorbar(image, cax=ax, extend="both" if exceeds else "neither", ticks=ticks)
    bar.ax.set_yticklabels([f"{tick:g}".replace("-", "−") for tick in ticks])
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, pad=2, labelsize=6.5)
    return bar.ax


def draw_rule(page: Figure, y: float, left: float = 0.03, right: float = 0.97, width: float = 0.8) -> None:
    """Draw a horizontal rule at the height `y`, in fractions of the page."""
    from matplotlib.lines import Line2D

    page.add_artist(Line2D([left, right], [y, y], color=FAINT, linewidth=width, transform=page.transFigure))
