"""`agreement.pdf`: one page with the agreement of cine predictions and paired DENSE."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.evaluation.people.measures import GLOBAL_ECC, QUANTITIES, SEGMENTAL_ECC, Pairs
from LaMoDCore.evaluation.people.report import (
    COLUMNS,
    DEFINITIONS,
    GROUPS,
    PeopleAgreement,
    agreement_row,
    contour_text,
    coverage_text,
    failure_text,
)
from LaMoDCore.report.style import FAINT, INK, SOFT, page_style
from LaMoDCore.runtime.plain_text import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PDF_FILE = "agreement.pdf"
_A4 = (8.27, 11.69)
_LEFT, _RIGHT = 0.06, 0.95
_STEP = 0.0128
#: Right edges of the columns of a table, as shares of its width; the first column is aligned to the left.
_EDGES = (0.34, 0.405, 0.465, 0.62, 0.785, 0.935, 1.0)
_MOST_ROWS = 16


def write_agreement_pdf(path: Path, found: PeopleAgreement, dataset: str, software: str) -> None:
    """Draw the page; the same agreement gives the same bytes.

    Args:
        path: the .pdf file.
        found: agreement of every method; the last one is shown in detail.
        dataset: what the data are, such as "Dataset study" or "Synthetic hearts".
        software: name and version.
    """
    with page_style():
        page = draw_agreement_page(found, dataset, software)
        page.savefig(path, format="pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})


def draw_agreement_page(found: PeopleAgreement, dataset: str, software: str) -> Figure:
    """The page as a figure; arguments as of `write_agreement_pdf`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = Figure(figsize=_A4, facecolor="white")
    FigureCanvasAgg(page)
    last = found.methods[-1]
    page.text(_LEFT, 0.962, "Strain predicted from cine against paired DENSE", fontsize=12, fontweight="bold")
    numbers = f"{counted(found.persons, 'person')}, {counted(found.slices, 'paired short-axis slice')}"
    page.text(_LEFT, 0.946, f"{dataset}: {numbers}.", fontsize=7.5, color=SOFT)
    page.text(_LEFT, 0.935, contour_text(found), fontsize=7.5, color=SOFT)
    y = 0.918
    rows = [agreement_row(q.title, found.pairs[last, q.title].agreement(), q.unit) for q in QUANTITIES]
    y = _table(page, y, f"{last} against DENSE", "quantity", rows)
    for quantity in (SEGMENTAL_ECC, GLOBAL_ECC):
        rows = [agreement_row(m, found.pairs[m, quantity.title].agreement(), quantity.unit) for m in found.methods]
        y = _table(page, y, f"All methods: {quantity.title}", "method", rows)
    y = _plots(page, y, [found.pairs[last, quantity.title] for quantity in (SEGMENTAL_ECC, GLOBAL_ECC)])
    main = found.pairs[last, SEGMENTAL_ECC.title]
    rows = [
        agreement_row(f"{group} {value}" if group != "segment" else value, agreement, SEGMENTAL_ECC.unit)
        for group in GROUPS
        for value, agreement in sorted(main.by(group).items(), key=lambda item: _order(group, item[0]))
    ]
    y = _table(page, y, f"{last}: segmental Ecc at ES by level, disease and AHA segment", "group", rows)
    _footnotes(page, y, [text for text in (coverage_text(main), failure_text(found)) if text], software)
    return page


def _order(group: str, value: str) -> tuple[int, str]:
    if group == "level":
        return {"base": 0, "mid": 1, "apex": 2}.get(value, 3), value
    number = value.split(" ", maxsplit=1)[0]
    return (int(number) if number.isdigit() else 0), value


def _table(page: Figure, top: float, title: str, first: str, rows: Sequence[Sequence[str]]) -> float:
    """Draw a table; returns the height below it."""
    from matplotlib.lines import Line2D

    def rule(y: float, width: float) -> None:
        line = Line2D([_LEFT, _RIGHT], [y, y], color=INK, linewidth=width, transform=page.transFigure)
        page.add_artist(line)

    page.text(_LEFT, top, title, fontsize=8, fontweight="bold")
    y = top - _STEP
    rule(y + 0.75 * _STEP, 0.7)
    size = 6.2
    for number, row in enumerate([[first, *COLUMNS], *rows]):
        page.text(_LEFT, y, row[0], fontsize=size)
        for edge, cell in zip(_EDGES, row[1:], strict=True):
            page.text(_LEFT + edge * (_RIGHT - _LEFT), y, cell, fontsize=size, ha="right")
        if number == 0:
            rule(y - 0.25 * _STEP, 0.4)
        y -= _STEP if len(rows) <= _MOST_ROWS else 0.86 * _STEP
    rule(y + 0.75 * _STEP, 0.7)
    return y - 1.1 * _STEP


def _plots(page: Figure, top: float, panels: Sequence[Pairs]) -> float:
    """Bland–Altman plots, one colour per person; returns the height below them."""
    from matplotlib import colormaps

    height, width = 0.135, 0.38
    for number, pairs in enumerate(panels):
        ax = page.add_axes((_LEFT + 0.035 + number * (width + 0.075), top - height - 0.004, width, height))
        names = list(dict.fromkeys(pairs.persons))
        shades = colormaps["viridis"](np.linspace(0.0, 0.92, max(len(names), 2)))
        colours = [shades[names.index(person)] for person in pairs.persons]
        mean, difference = (pairs.predicted + pairs.reference) / 2, pairs.predicted - pairs.reference
        ax.scatter(mean, difference, s=5 if pairs.quantity.per_segment else 12, c=colours, alpha=0.7, linewidths=0)
        found = pairs.agreement()
        for value, style in ((found.bias.value, "-"), (found.lower.value, "--"), (found.upper.value, "--")):
            if np.isfinite(value):
                ax.axhline(value, color=INK, linewidth=0.9, linestyle=style)
                label = f"{value:+.1f}".replace("-", "−")
                ax.annotate(label, (1, value), xycoords=("axes fraction", "data"), fontsize=6, ha="right", va="bottom")
        ax.axhline(0.0, color=FAINT, linewidth=0.8, zorder=0)
        ax.set_title(f"{pairs.quantity.title}, {counted(found.persons, 'person')}", fontsize=7.5)
        ax.set_xlabel(f"mean of prediction and DENSE ({pairs.quantity.unit})", fontsize=6.5, labelpad=1)
        ax.set_ylabel(f"prediction − DENSE ({pairs.quantity.unit})", fontsize=6.5, labelpad=1)
        ax.tick_params(labelsize=6, length=2, pad=1.5)
    return top - height - 0.043


def _footnotes(page: Figure, top: float, sentences: Sequence[str], software: str) -> None:
    texts = [*sentences, *DEFINITIONS]
    lines = [line for text in texts for line in textwrap.wrap(text, 165)]
    for number, line in enumerate(lines):
        page.text(_LEFT, top - 0.0088 * number, line, fontsize=5.6, color=SOFT)
    page.text(_RIGHT, 0.014, f"{software}. Research use only.", fontsize=5.6, color=SOFT, ha="right")
