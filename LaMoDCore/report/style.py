"""The report's look: one place for its colours, type sizes and words for numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

INK = "#20262e"
SOFT = "#6b7480"
FAINT = "#d9dee4"
ACCENT = "#0b5c8a"

#: Colour-blind-safe (after Paul Tol's bright scheme), by the wall's name; the same in curves, bullseye
#: and maps.
WALL_COLOURS = {
    "anteroseptal": "#4477AA",
    "inferoseptal": "#3BA7C9",
    "inferior": "#228833",
    "inferolateral": "#C2A800",
    "anterolateral": "#E8703A",
    "anterior": "#AA3377",
    "septal": "#4477AA",
    "lateral": "#E8703A",
}
#: Shortening (negative) is blue, stretch red.
STRAIN_COLOURS = "RdBu_r"

_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.unicode_minus": True,
    "pdf.fonttype": 3,
    "svg.hashsalt": "lamod",
}


@contextmanager
def page_style() -> Iterator[None]:
    """Matplotlib with this style alone, whatever the person's own settings are; put back afterwards."""
    from matplotlib import style

    with style.context(["default", _RC], after_reset=True):
        yield


def percent(value: float, digits: int = 1) -> str:
    """A fraction as a signed percentage with a true minus sign; "–" where there is none."""
    if not np.isfinite(value):
        return "–"
    text = f"{100 * value:+.{digits}f}"
    return text.replace("-", "−")


def colour_limit(values_percent: np.ndarray, least: float = 20.0) -> float:
    """A symmetric limit for the colour scale: a round number above nearly all magnitudes."""
    finite = np.abs(values_percent[np.isfinite(values_percent)])
    top = float(np.percentile(finite, 97)) if finite.size else 0.0
    return max(least, 5.0 * float(np.ceil(top / 5.0)))
