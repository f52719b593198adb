"""What a pixel costs, as a table and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.studies.pixel_cost import FRAGILE, SHIFTS, SliceFragility

_COLOURS = {"endo": "#c0392b", "epi": "#2a6fb0", "both": "#20262e"}
_NAMES = {"endo": "endocardium", "epi": "epicardium", "both": "both"}
_ARROWS = {1: "^", -1: "v"}


def fragility_csv(slices: Sequence[SliceFragility]) -> str:
    """A row a segment, as fractions: peak Ecc, what each shift does to it, the spread of the model's own samples."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    shifts = [f"{which}{direction:+d}px" for which, direction in SHIFTS]
    writer.writerow(["slice", "segment", "peak_ecc", *shifts, "model_spread", "fragile"])
    for part in slices:
        for s, name in enumerate(part.segment_names):
            spread = part.model_spread[s]
            writer.writerow(
                [
                    part.slice_name,
                    name,
                    f"{part.peak_ecc[s]:.4f}",
                    *(f"{change:+.4f}" for change in part.changes[:, s]),
                    f"{spread:.4f}" if np.isfinite(spread) else "",
                    "yes" if part.is_fragile[s] else "no",
                ]
            )
    return table.getvalue()


def draw_fragility(slices: Sequence[SliceFragility], path: Path) -> None:
    """Change of each segment's peak Ecc for every shift, over the model's own ±1 SD; byte-stable."""
    from matplotlib.figure import Figure

    from LaMoDCore.report.style import page_style

    with page_style():
        figure = Figure(figsize=(6.4, 0.7 + 2.3 * len(slices)), dpi=110, facecolor="white")
        axes = figure.subplots(len(slices), 1, squeeze=False)[:, 0]
        spread = max(float(np.nan_to_num(part.model_spread).max()) for part in slices)
        # the spread of a few samples may be wide: its bars may leave the picture, the shifts must be legible
        reach = 125 * max(FRAGILE, min(spread, 2 * FRAGILE), *(float(part.worst.max()) for part in slices))
        for ax, part in zip(axes, slices, strict=True):
            _draw_slice(ax, part)
            ax.set_ylim(-reach, reach)
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="upper center", ncols=5, fontsize=7, frameon=False, columnspacing=1.2)
        figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_figheight()))
        figure.savefig(path, metadata={"Software": None})


def _draw_slice(ax: Any, part: SliceFragility) -> None:
    places = np.arange(len(part.segment_names))
    spread = 100 * np.nan_to_num(part.model_spread)
    ax.bar(places, 2 * spread, bottom=-spread, width=0.8, color="#d9dee4", label="model ± 1 SD")
    for (which, direction), changes in zip(SHIFTS, part.changes, strict=True):
        offset = 0.22 * (list(_COLOURS).index(which) - 1)
        said = _NAMES[which] if direction > 0 else None
        ax.scatter(places + offset, 100 * changes, s=22, marker=_ARROWS[direction], color=_COLOURS[which], label=said)
    for limit in (-FRAGILE, FRAGILE):
        ax.axhline(100 * limit, color="#b3202a", linewidth=0.8, linestyle="--")
    ax.axhline(0, color="#6b7480", linewidth=0.6)
    ax.set_xticks(
        places, [f"{n}\nfragile" if f else n for n, f in zip(part.segment_names, part.is_fragile, strict=True)]
    )
    for label, fragile in zip(ax.get_xticklabels(), part.is_fragile, strict=True):
        label.set_color("#b3202a" if fragile else "#20262e")
        label.set_fontsize(6.5)
    ax.set_ylabel("Δ peak Ecc [%-points]")
    ax.set_title(f"{part.slice_name}: contours a pixel outwards (▲) and inwards (▼)", fontsize=8)
