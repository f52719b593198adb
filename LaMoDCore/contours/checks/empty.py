"""Frames in which nothing is drawn, in a slice that is drawn elsewhere."""

from __future__ import annotations

from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.heart.cycle.shapes import SliceShapes


def check_empty(drawn: SliceShapes) -> list[Finding]:
    """A slice without any drawn frame lies outside the heart and has no finding."""
    empty = [t for t, shape in enumerate(drawn.shapes) if shape.is_empty]
    if len(empty) == len(drawn.shapes):
        return []
    return [drawn.finding(Fault.EMPTY, Light.MEND, t, "No myocardium is drawn.", 0, 1, "px") for t in empty]
