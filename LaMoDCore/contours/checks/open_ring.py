"""Rings that do not enclose a cavity."""

from __future__ import annotations

from LaMoDCore.contours.checks.places import gaps_of, places_of
from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: Smaller enclosed regions do not count as a cavity.
MIN_CAVITY_PIXELS = 4


def check_open_ring(drawn: SliceShapes) -> list[Finding]:
    found = []
    for t, shape in enumerate(drawn.shapes):
        if shape.is_empty or shape.is_closed:
            continue
        text = "The myocardium is not a closed ring around a cavity."
        places = places_of(drawn, shape, gaps_of(shape))
        found.append(finding(drawn, Fault.OPEN_RING, Light.REPAIR, t, text, 0, MIN_CAVITY_PIXELS, "px", places))
    return found
