"""Contours that run into the picture's edge, where the rest of the heart is cut off."""

from __future__ import annotations

from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.heart.cycle.shapes import SliceShapes


def check_border(drawn: SliceShapes) -> list[Finding]:
    sentence = "The myocardium touches the picture's border."
    return [
        drawn.finding(Fault.BORDER, Light.MEND, t, sentence, 0, 1, "px")
        for t, shape in enumerate(drawn.shapes)
        if shape.touches_border
    ]
