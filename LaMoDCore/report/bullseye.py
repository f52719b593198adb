"""The bullseye plot in the layout of the American Heart Association: anterior at the top, septum on the left.

Angles in degrees counter-clockwise from three o'clock, as seen from the apex (Cerqueira et al., Circulation 2002;
105: 539). Six segments per ring with anterior centred at 90°; four at the apex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.case import LEVELS, StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.report.style import FAINT, INK, SOFT, STRAIN_COLOURS, WALL_COLOURS, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: First angle of the sector of each segment.
_SIX = {
    "anterior": 60.0,
    "anteroseptal": 120.0,
    "inferoseptal": 180.0,
    "inferior": 240.0,
    "inferolateral": 300.0,
    "anterolateral": 0.0,
}
_FOUR = {"anterior": 45.0, "septal": 135.0, "inferior": 225.0, "lateral": 315.0}
_SIX |= {f"segment {n}": (60.0 * n + 30.0) % 360 for n in range(1, 7)}
_FOUR |= {f"segment {n}": (90.0 * n - 75.0) % 360 for n in range(1, 5)}


@dataclass(frozen=True, eq=False)
class Ring:
    """One ring of the bullseye; values per segment in the order of `names`.

    Attributes:
        label: level or slice of the ring.
        names: names of the segments.
        values: [S], strain as fractions.
        times_ms: [S], or NaN.
        slices: indices of the slices whose mean it shows.
    """

    label: str
    names: tuple[str, ...]
    values: Array
    times_ms: Array
    slices: tuple[int, ...]


def sector(name: str, count: int) -> tuple[float, float]:
    """First and last angle of a segment's sector in a ring of `count` segments, degrees.

    Where walls are not known, the insertion, from which numbered segments are counted, is at the top.
    """
    start = (_SIX if count == 6 else _FOUR)[name]
    return start, start + 360.0 / count


def rings_of(result: StrainResult, values: Sequence[Array], times_ms: Sequence[Array]) -> list[Ring]:
    """Rings from the outermost (base) inwards.

    If base, mid and apex are all present, one ring per level with the mean over its slices (AHA-16 without the apical
    cap), otherwise one ring per slice.

    Args:
        result: the result to show.
        values: per slice [S].
        times_ms: per slice [S].
    """
    cines, strains = result.case.slices, result.slices
    if {c.level for c in cines} == set(LEVELS):
        rings = []
        for level in LEVELS:
            which = [i for i, c in enumerate(cines) if c.level == level]
            names = strains[which[0]].segment_names
            same = [i for i in which if strains[i].segment_names == names]
            known = (np.ma.masked_invalid([of_slices[i] for i in same]) for of_slices in (values, times_ms))
            value, time = (each.mean(axis=0).filled(np.nan) for each in known)
            rings.append(Ring(level, names, value, time, tuple(same)))
        return rings
    return [
        Ring(f"slice {i + 1}", strains[i].segment_names, np.asarray(values[i]), np.asarray(times_ms[i]), (i,))
        for i in range(len(cines))
    ]


def draw_bullseye(
    ax: Axes, rings: Sequence[Ring], limit_percent: float, middle_text: str = "", cap: float | None = None
) -> None:
    """Colour each segment by its strain and write the value, and the time if there is room.

    Args:
        ax: axes to draw into.
        rings: rings from the outermost inwards.
        limit_percent: limit of the colour scale.
        middle_text: text inside a single ring.
        cap: strain of the apical cap, AHA segment 17, as a fraction or NaN; None leaves the middle empty.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Circle, Wedge

    colours = colormaps[STRAIN_COLOURS]
    edges = np.linspace(1.0, 0.42 if len(rings) == 1 else 0.2, len(rings) + 1)
    for ring, outer, inner in zip(rings, edges[:-1], edges[1:], strict=True):
        count = len(ring.names)
        for name, value, time in zip(ring.names, ring.values, ring.times_ms, strict=True):
            first, last = sector(name, count)
            known = bool(np.isfinite(value))
            face = colours(0.5 + 50 * value / limit_percent) if known else FAINT
            ax.add_patch(
                Wedge(
                    (0, 0),
                    outer,
                    first,
                    last,
                    width=outer - inner,
                    facecolor=face,
                    edgecolor="white",
                    linewidth=1.2,
                )
            )
            angle, radius = np.deg2rad((first + last) / 2), (outer + inner) / 2
            dark = known and abs(100 * value) > 0.62 * limit_percent
            place = (float(radius * np.cos(angle)), float(radius * np.sin(angle)))
            text = percent(value, 1 if len(rings) < 4 else 0)
            _write_value(ax, place, text, time_ms=float(time), rings=len(rings), dark=dark)
    for name in rings[0].names:
        first, last = sector(name, len(rings[0].names))
        ax.add_patch(
            Wedge((0, 0), 1.06, first + 1, last - 1, width=0.035, facecolor=WALL_COLOURS[name], edgecolor="none")
        )
        middle = np.deg2rad((first + last) / 2)
        turn = np.rad2deg(middle) - 90
        turn = turn + 180 if np.cos(np.deg2rad(turn)) < -0.01 else turn
        ax.text(
            1.15 * np.cos(middle), 1.15 * np.sin(middle), name, ha="center", va="center", fontsize=6.5,
            color=SOFT, rotation=turn, rotation_mode="anchor",
        )  # fmt: skip
    ax.add_patch(Circle((0, 0), float(edges[-1]), facecolor="white", edgecolor="none"))
    if cap is not None:
        known = bool(np.isfinite(cap))
        face = colours(0.5 + 50 * cap / limit_percent) if known else FAINT
        ax.add_patch(Circle((0, 0), 0.19, facecolor=face, edgecolor="none"))
        dark = known and abs(100 * cap) > 0.62 * limit_percent
        _write_value(
            ax, (0.0, 0.0), percent(cap, 1 if len(rings) < 4 else 0), time_ms=np.nan, rings=len(rings), dark=dark
        )
    if len(rings) == 1:
        ax.text(0, 0, middle_text, ha="center", va="center", color=INK, fontsize=9, linespacing=1.5)
    ax.set_xlim(-1.25, 1.25)
    ax.set_ylim(-1.25, 1.25)
    ax.set_aspect("equal")
    ax.axis("off")


def _write_value(ax: Axes, place: tuple[float, float], text: str, *, time_ms: float, rings: int, dark: bool) -> None:
    x, y = place
    ink = "white" if dark else INK
    with_time = rings == 1 and np.isfinite(time_ms)
    ax.text(
        x, y + (0.045 if with_time else 0), text, ha="center", va="center", color=ink,
        fontsize={1: 9, 2: 7.5, 3: 6.5}.get(rings, 6), fontweight="bold",
    )  # fmt: skip
    if with_time:
        ax.text(x, y - 0.085, f"{time_ms:.0f} ms", ha="center", va="center", color=ink, fontsize=6)
