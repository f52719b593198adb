"""Drawn pixels separate from the ring: small islands, and pieces too large to be an accident."""

from __future__ import annotations

from LaMoDCore.contours.checks.places import pieces_of, places_of
from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: A separate piece of up to this share of the ring is an island, which can safely be removed.
ISLAND_SHARE = 0.10


def check_pieces(drawn: SliceShapes) -> list[Finding]:
    found = []
    for t, shape in enumerate(drawn.shapes):
        if len(shape.piece_pixels) < 2:
            continue
        ring, *others = shape.piece_pixels
        islands = [n for n in others if n <= ISLAND_SHARE * ring]
        large = [n for n in others if n > ISLAND_SHARE * ring]
        places = places_of(drawn, shape, pieces_of(shape))  # the largest first, as in `others`
        if islands:
            pixels = sum(islands)
            size = f"{pixels} pixel{'s' if pixels > 1 else ''}"
            text = (
                f"An island of {size} is separate from the ring."
                if len(islands) == 1
                else f"{len(islands)} islands with {size} in total are separate from the ring."
            )
            found.append(finding(drawn, Fault.ISLAND, Light.LOOK, t, text, pixels, 1, "px", places[len(large) :]))
        if large:
            count, share = 1 + len(large), 100 * sum(large) / ring
            text = f"The myocardium consists of {count} pieces; the others have {share:.0f} % of the largest."
            found.append(finding(drawn, Fault.PIECES, Light.REPAIR, t, text, count, 2, "pieces", places[: len(large)]))
    return found
