"""Interval of GLS from contours that a reader drew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Half-width of the 90 % interval of one view, as a change of length in mm: the difference between a line's drawn
#: shortening and that of the tissue, from synthetic readers with errors of 0.8–1.2 mm across the wall and 1.5 mm at its
#: ends, who draw trabeculae as wall (experiments/results/long-axis.md).
HALF_WIDTH_MM = {"endocardial": 5.3, "mid_wall": 4.8, "epicardial": 5.6}


def gls_interval(gls: float, line: str, ed_lengths_mm: Sequence[float]) -> tuple[float, float]:
    """Limits (low, high) of the 90 % interval of GLS, fractions.

    Args:
        gls: mean of the views.
        line: name of the line.
        ed_lengths_mm: end-diastolic length of the line in each view.
    """
    half = HALF_WIDTH_MM[line] / float(np.mean(ed_lengths_mm)) / np.sqrt(len(ed_lengths_mm))
    return gls - half, gls + half
