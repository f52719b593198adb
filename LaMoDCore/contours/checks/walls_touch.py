"""Contours that touch: endocardium and epicardium, or opposite walls that split the cavity."""

from __future__ import annotations

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: Shorter stretches of a wall one pixel thick are staircase artefacts of rasterisation.
MIN_LENGTH_MM = 4.0


def check_walls_touch(drawn: SliceShapes) -> list[Finding]:
    found = []
    for t, shape in enumerate(drawn.shapes):
        if len(shape.cavity_parts) > 1:
            parts = len(shape.cavity_parts)
            text = f"Opposite walls touch and split the cavity into {parts} parts."
            found.append(finding(drawn, Fault.WALLS_TOUCH, Light.LOOK, t, text, parts, 2, "parts"))
            continue
        length = shape.touching_pixels * float(np.mean(shape.spacing_mm))
        if length >= MIN_LENGTH_MM:
            text = f"Endocardium and epicardium touch: the wall is a single pixel thick over {length:.0f} mm."
            found.append(finding(drawn, Fault.WALLS_TOUCH, Light.LOOK, t, text, length, MIN_LENGTH_MM, "mm"))
    return found
