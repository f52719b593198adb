"""Myocardial areas that are implausible compared with the area at end-diastole."""

from __future__ import annotations

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: The volume of the myocardium is constant. In a short-axis plane the area of a drawn wall grows as the heart shortens
#: along its axis and other tissue enters the plane, by up to about 1.45 if contours exclude trabeculae at end-diastole
#: only. The in-plane det F of the tissue itself grows less.
LOWEST, HIGHEST = 0.85, 1.45
#: Tolerance in standard deviations of an area's rasterisation error: a small ring's 1.47 may be measured as 1.43.
_CERTAINTY = 2.0


def check_area_range(drawn: SliceShapes) -> list[Finding]:
    area = drawn.measure("area_mm2")
    ratio = area / area[drawn.reference_frame]
    unsure = drawn.measure("area_error_mm2") / area
    slack = _CERTAINTY * ratio * np.hypot(unsure, unsure[drawn.reference_frame])
    found = []
    for t in np.flatnonzero((ratio < LOWEST + slack) | (ratio > HIGHEST - slack)):
        limit = LOWEST if ratio[t] < 1 else HIGHEST
        text = (
            f"The myocardial area is {ratio[t]:.2f} ± {slack[t]:.2f} × that at end-diastole; muscle stays within "
            f"{LOWEST}–{HIGHEST}."
        )
        found.append(finding(drawn, Fault.AREA_RANGE, Light.LOOK, t, text, ratio[t], limit, "× ED"))
    return found
