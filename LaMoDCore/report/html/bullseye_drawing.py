"""The sectors of the bullseye as paths of an SVG drawing, which the script colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.report.bullseye import Ring, sector
from LaMoDCore.report.style import SOFT, WALL_COLOURS

#: Outer radius of the drawing's rings, and the innermost radius with one and with several rings.
_OUTER, _INNER_OF_ONE, _INNER = 100.0, 42.0, 20.0
#: Radii of the arc in the wall's colour around the outermost ring, and of the wall's name.
_ARC, _NAME = (103.0, 106.5), 115.0


@dataclass(frozen=True)
class Sector:
    """One sector of a ring.

    Attributes:
        ring: index of the ring, from the outermost.
        number: index of the sector in its ring.
        name: name of its wall.
        where: level or slice of the ring.
        path: outline, for the attribute ``d``.
        x, y: place of the value.
    """

    ring: int
    number: int
    name: str
    where: str
    path: str
    x: float
    y: float


@dataclass(frozen=True)
class WallName:
    """Name of a wall outside the rings, with its arc; `turn` is the rotation of the text in degrees."""

    name: str
    colour: str
    path: str
    x: float
    y: float
    turn: float


def sectors_of(rings: Sequence[Ring]) -> list[Sector]:
    """The sectors of all rings; angles run counter-clockwise from three o'clock, y downwards."""
    edges = np.linspace(_OUTER, _INNER_OF_ONE if len(rings) == 1 else _INNER, len(rings) + 1)
    found = []
    for r, ring in enumerate(rings):
        for s, name in enumerate(ring.names):
            first, last = sector(name, len(ring.names))
            x, y = _point((edges[r] + edges[r + 1]) / 2, (first + last) / 2)
            path = _annular_sector(edges[r + 1], edges[r], first, last)
            found.append(Sector(r, s, name, ring.label, path, x, y))
    return found


def wall_names(ring: Ring) -> list[WallName]:
    """The names around the outermost ring."""
    found = []
    for name in ring.names:
        first, last = sector(name, len(ring.names))
        middle = (first + last) / 2
        turn = (90.0 - middle) % 360
        turn = turn - 180 if 90 < turn < 270 else turn
        x, y = _point(_NAME, middle)
        path = _annular_sector(*_ARC, first + 1, last - 1)
        found.append(WallName(name, WALL_COLOURS.get(name, SOFT), path, x, y, round(turn, 2)))
    return found


def _annular_sector(inner: float, outer: float, first: float, last: float) -> str:
    corners = [_point(outer, first), _point(outer, last), _point(inner, last), _point(inner, first)]
    (a, b), (c, d), (e, f), (g, h) = corners
    large = int(last - first > 180)
    return f"M{a} {b}A{outer:g} {outer:g} 0 {large} 0 {c} {d}L{e} {f}A{inner:g} {inner:g} 0 {large} 1 {g} {h}Z"


def _point(radius: float, degrees: float) -> tuple[float, float]:
    angle = np.deg2rad(degrees)
    return round(float(radius * np.cos(angle)), 2) + 0.0, round(float(-radius * np.sin(angle)), 2) + 0.0
