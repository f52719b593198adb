"""Myocardial areas that muscle cannot have beside its area at end-diastole."""

from __future__ import annotations

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: Muscle keeps its volume; in a short-axis plane its area grows as the heart shortens along its axis, by 1.15–1.3 in
#: healthy hearts and up to about 1.45 where contours leave out trabeculae at end-diastole only.
LOWEST, HIGHEST = 0.85, 1.45
#: Standard deviations of what the pixels leave open of an area: a small ring's 1.47 may come out as 1.43 in pixels.
_CERTAINTY = 2.0


def check_area_range(drawn: SliceShapes) -> list[Finding]:
    area = drawn.measure("area_mm2")
    ratio = area / area[drawn.reference_frame]
    unsure = drawn.measure("area_error_mm2") / area
    slack = _CERTAINTY * ratio * np.hypot(unsure, unsure[drawn.reference_frame])
    found = []
    for t in np.flatnonzero((ratio < LOWEST + slack) | (ratio > HIGHEST - slack)):
        limit = LOWEST if ratio[t] < 1 else HIGHEST
        sentence = (
            f"The myocardial area is {ratio[t]:.2f} ± {slack[t]:.2f} × that at end-diastole; muscle stays within "
            f"{LOWEST}–{HIGHEST}."
        )
        found.append(drawn.finding(Fault.AREA_RANGE, Light.LOOK, t, sentence, ratio[t], limit, "× ED"))
    return found
