"""Rings that do not close round a cavity."""

from __future__ import annotations

from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: Fewer pixels are no cavity.
MIN_CAVITY_PIXELS = 4


def check_open_ring(drawn: SliceShapes) -> list[Finding]:
    found = []
    for t, shape in enumerate(drawn.shapes):
        if shape.is_empty or shape.is_closed:
            continue
        sentence = "The myocardium is not a closed ring round a cavity."
        found.append(drawn.finding(Fault.OPEN_RING, Light.MEND, t, sentence, 0, MIN_CAVITY_PIXELS, "px"))
    return found
