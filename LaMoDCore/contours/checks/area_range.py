"""Myocardial areas that muscle cannot have beside its area at end-diastole."""

from __future__ import annotations

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.contours.slice_shapes import SliceShapes

#: Muscle keeps its volume; in a short-axis plane its area grows as the heart shortens along its axis, by 1.15–1.3 in
#: healthy hearts and up to about 1.45 where contours leave out trabeculae at end-diastole only.
LOWEST, HIGHEST = 0.85, 1.45


def check_area_range(drawn: SliceShapes) -> list[Finding]:
    area = drawn.measure("area_mm2")
    ratio = area / area[drawn.reference_frame]
    found = []
    for t in np.flatnonzero((ratio < LOWEST) | (ratio > HIGHEST)):
        limit = LOWEST if ratio[t] < LOWEST else HIGHEST
        sentence = f"The myocardial area is {ratio[t]:.2f} × that at end-diastole; muscle stays within 0.85–1.45."
        found.append(drawn.finding(Fault.AREA_RANGE, Light.LOOK, t, sentence, ratio[t], limit, "× ED"))
    return found
