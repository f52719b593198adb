"""Contours that touch: endocardium on epicardium, or opposite walls of a cavity that they split."""

from __future__ import annotations

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: A stretch of wall one pixel thin counts from this length on; shorter ones are stairs of a thin wall.
MIN_LENGTH_MM = 4.0


def check_walls_touch(drawn: SliceShapes) -> list[Finding]:
    found = []
    for t, shape in enumerate(drawn.shapes):
        if len(shape.cavity_parts) > 1:
            parts = len(shape.cavity_parts)
            sentence = f"Opposite walls touch and split the cavity into {parts} parts."
            found.append(drawn.finding(Fault.WALLS_TOUCH, Light.LOOK, t, sentence, parts, 2, "parts"))
            continue
        length = shape.touching_pixels * float(np.mean(shape.spacing_mm))
        if length >= MIN_LENGTH_MM:
            sentence = f"Endocardium and epicardium touch: the wall is a single pixel thin over {length:.0f} mm."
            found.append(drawn.finding(Fault.WALLS_TOUCH, Light.LOOK, t, sentence, length, MIN_LENGTH_MM, "mm"))
    return found
