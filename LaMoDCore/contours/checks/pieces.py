"""Drawn pixels apart from the ring: small islands, and pieces too large to be a slip of the brush."""

from __future__ import annotations

from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: Up to this share of the ring, a separate piece is an island that can be dropped without asking what it was.
ISLAND_SHARE = 0.10


def check_pieces(drawn: SliceShapes) -> list[Finding]:
    found = []
    for t, shape in enumerate(drawn.shapes):
        if len(shape.piece_pixels) < 2:
            continue
        ring, *others = shape.piece_pixels
        islands = [n for n in others if n <= ISLAND_SHARE * ring]
        large = [n for n in others if n > ISLAND_SHARE * ring]
        if islands:
            what = "An island" if len(islands) == 1 else f"{len(islands)} islands"
            pixels = sum(islands)
            sentence = f"{what} of {pixels} pixel{'s' if pixels > 1 else ''} in all lies apart from the ring."
            found.append(drawn.finding(Fault.ISLAND, Light.LOOK, t, sentence, pixels, 1, "px"))
        if large:
            count = 1 + len(large)
            sentence = (
                f"The myocardium is in {count} pieces; the others have {100 * sum(large) / ring:.0f} % of the largest."
            )
            found.append(drawn.finding(Fault.PIECES, Light.MEND, t, sentence, count, 2, "pieces"))
    return found
