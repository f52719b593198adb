"""Strain of a line by its length: the engineering strain of a drawn contour, and its Green–Lagrange value.

A contour has no material points: its length follows the tissue only as far as the reader's ends and the reader's
trabeculae do (docs/concepts/long-axis.md).
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.mid_wall import lines_mm
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.heart.long_axis.view import LongAxisView
from LaMoDCore.heart.long_axis.wall_lines import INTERVALS

#: Levels of the segments of a wall, from the annulus to the apex, each a third of the wall's line.
LEVELS = ("base", "mid", "apex")


def engineering_strain(lengths_mm: Array, reference: int) -> Array:
    """L / L_ED − 1 of lengths [T]: a fraction, negative for shortening."""
    return np.asarray(lengths_mm / lengths_mm[reference] - 1.0)


def green_lagrange(engineering: Array) -> Array:
    """E = ½((1 + e)² − 1) of engineering strain e."""
    e = np.asarray(engineering)
    return np.asarray(e + 0.5 * e**2)


def line_lengths_mm(view: LongAxisView) -> dict[str, Array]:
    """Length [T] of each line, from one end of the wall to the other."""
    return {name: length_mm(line) for name, line in lines_mm(view).items()}


def ventricle_length_mm(view: LongAxisView) -> Array:
    """[T]: distance from the middle of the annulus to the endocardial apex."""
    return np.asarray(np.linalg.norm(view.annulus_mm.mean(axis=1) - view.apex_mm, axis=1))


def segment_lengths_mm(line_mm: Array) -> Array:
    """Length of the six segments of a line [T, P, 2] over time: [6, T].

    Thirds of each wall by length, as no point of the wall is known but its end and the apex: basal, mid and apical of
    the first wall, then of the second.
    """
    steps = np.linalg.norm(np.diff(line_mm, axis=1), axis=-1)
    first, second = steps[:, :INTERVALS].sum(axis=1), steps[:, INTERVALS:].sum(axis=1)
    return np.stack([first / 3] * 3 + [second / 3] * 3)
