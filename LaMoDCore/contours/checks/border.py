"""Contours that reach the border of the image, which cuts off part of the heart."""

from __future__ import annotations

from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes


def check_border(drawn: SliceShapes) -> list[Finding]:
    text = "The myocardium touches the border of the image."
    return [
        finding(drawn, Fault.BORDER, Light.REPAIR, t, text, 0, 1, "px")
        for t, shape in enumerate(drawn.shapes)
        if shape.touches_border
    ]
