"""Empty frames of a slice that is drawn in other frames."""

from __future__ import annotations

from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes


def check_empty(drawn: SliceShapes) -> list[Finding]:
    """Report empty frames; a slice without any drawn frame lies outside the heart and has no finding."""
    empty = [t for t, shape in enumerate(drawn.shapes) if shape.is_empty]
    if len(empty) == len(drawn.shapes):
        return []
    return [finding(drawn, Fault.EMPTY, Light.REPAIR, t, "No myocardium is drawn.", 0, 1, "px") for t in empty]
