"""Whether a stack of slices covers the left ventricle from base to apex."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.ventricle import VentricleSlice

#: Fewer slices do not sample a ventricle.
MIN_SLICES = 5
#: The length of the drawn blood pool at end-diastole. Adult ventricles are 70–110 mm long at end-diastole.
MIN_LENGTH_MM = 50.0
#: The most apical drawn blood pool is at most this share of the largest one, or the apex is missing.
MAX_APICAL_SHARE = 0.5
#: Neighbouring slices further apart than this leave a part of the ventricle out.
MAX_GAP_MM = 21.0


def coverage_gap(slices: Sequence[VentricleSlice], ed_phase: float) -> str:
    """State why the slices do not cover the ventricle, as one clause; "" if they do.

    Whether the base is complete cannot be seen in short-axis masks alone: a stack that ends below the valve is used
    as drawn.

    Args:
        slices: slices from base to apex.
        ed_phase: end-diastole, as a fraction of the cycle.
    """
    areas = np.array(
        [np.interp(ed_phase, s.frame_times_ms / s.rr_ms, s.cavity_mm2, period=1.0) for s in slices], dtype=np.float64
    )
    drawn = np.flatnonzero(areas > 0)
    if drawn.size < MIN_SLICES:
        return f"volumes need at least {MIN_SLICES} slices from base to apex, and a blood pool is drawn in {drawn.size}"
    inside = [slices[k] for k in range(drawn[0], drawn[-1] + 1)]
    normal = inside[0].grid.normal
    steps = np.abs(np.diff([s.grid.center_lps @ normal for s in inside]))
    length = float(steps.sum()) + inside[0].grid.slice_spacing_mm
    if float(steps.max()) > MAX_GAP_MM:
        return f"two neighbouring slices are {steps.max():.0f} mm apart, so part of the ventricle is missing"
    if length < MIN_LENGTH_MM:
        return f"the slices cover {length:.0f} mm of the long axis, less than a ventricle"
    share = float(areas[drawn[-1]] / areas.max())
    if share > MAX_APICAL_SHARE:
        return f"the apex is missing: the blood pool of the last slice is {share:.0%} of the largest one"
    return ""
