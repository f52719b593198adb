"""Style of the report: colours, font sizes and number formats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

INK = "#20262e"
SOFT = "#6b7480"
FAINT = "#d9dee4"
ACCENT = "#0b5c8a"

#: Colour-blind-safe colours (after Paul Tol's bright scheme) of the segments in curves, bullseye and maps.
WALL_COLOURS = {
    "anteroseptal": "#4477AA",
    "inferoseptal": "#3BA7C9",
    "inferior": "#228833",
    "inferolateral": "#C2A800",
    "anterolateral": "#E8703A",
    "anterior": "#AA3377",
    "septal": "#4477AA",
    "lateral": "#E8703A",
    # segments whose walls are not known
    "segment 1": "#4477AA",
    "segment 2": "#3BA7C9",
    "segment 3": "#228833",
    "segment 4": "#C2A800",
    "segment 5": "#E8703A",
    "segment 6": "#AA3377",
}
#: Colours of long-axis views in curves.
VIEW_COLOURS = ("#4477AA", "#228833", "#E8703A")
#: Shortening (negative) is blue, stretch is red.
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
    # at the upper edge, not where a search finds room: no plot has ticks there
    "axes.titley": 1.0,
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
#: Settings that do not concern the style, as in Matplotlib's own list of them.
_OF_THE_PROGRAM = frozenset(
    {
        *("backend", "backend_fallback", "date.epoch", "docstring.hardcopy", "figure.max_open_warning", "interactive"),
        *("savefig.directory", "timezone", "tk.window_focus", "toolbar"),
        *("webagg.address", "webagg.open_in_browser", "webagg.port", "webagg.port_retries"),
    }
)


@contextmanager
def page_style() -> Iterator[None]:
    """Use this style alone in Matplotlib, independent of the user's settings, which are restored afterwards."""
    from matplotlib import rc_context, rcParams, rcParamsDefault

    # Importing `matplotlib.style` would read all of its style files.
    with rc_context():
        for name, value in rcParamsDefault.items():
            if name not in _OF_THE_PROGRAM:
                dict.__setitem__(rcParams, name, value)  # a default needs no check
        rcParams.update(_RC)  # type: ignore[arg-type]  # the keys are strings here, literals in Matplotlib's hints
        yield


def percent(value: float, digits: int = 1) -> str:
    """Format a fraction as a signed percentage with a minus sign (U+2212); "–" if it is not finite."""
    if not np.isfinite(value):
        return "–"
    text = f"{100 * value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]  # zero has no sign


def colour_limit(values_percent: np.ndarray, least: float = 20.0) -> float:
    """Symmetric limit of the colour scale: a round number above nearly all magnitudes."""
    finite = np.abs(values_percent[np.isfinite(values_percent)])
    top = float(np.percentile(finite, 97)) if finite.size else 0.0
    return max(least, 5.0 * float(np.ceil(top / 5.0)))
