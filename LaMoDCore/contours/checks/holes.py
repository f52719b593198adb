"""Holes in the wall, apart from the cavity."""

from __future__ import annotations

from LaMoDCore.contours.checks.places import holes_of, places_of
from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes


def check_holes(drawn: SliceShapes) -> list[Finding]:
    found = []
    for t, shape in enumerate(drawn.shapes):
        if shape.hole_pixels:
            pixels, count = sum(shape.hole_pixels), len(shape.hole_pixels)
            what = "a hole of" if count == 1 else f"{count} holes with"
            text = f"The wall has {what} {pixels} pixel{'s' if pixels > 1 else ''}{' in total' if count > 1 else ''}."
            places = places_of(drawn, shape, holes_of(shape))
            found.append(finding(drawn, Fault.HOLE, Light.LOOK, t, text, pixels, 1, "px", places))
    return found
