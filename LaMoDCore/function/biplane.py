"""Left-ventricular volumes from long-axis views by the method of discs (Lang et al., JASE 28:1, 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.recognise import plane_angle_degrees
from LaMoDCore.heart.long_axis.view import LongAxisView

DISCS = 20
#: Views whose planes are closer than this show nearly the same diameter.
_LEAST_ANGLE_DEGREES = 40.0
_MM3_PER_ML = 1000.0


def disc_volumes(diameters_mm: Sequence[Array], lengths_mm: Sequence[Array]) -> Array:
    """V = π/4 Σ a_i b_i L/20 with the longer of two lengths, or V = π/4 Σ a_i² L/20 of one view.

    Args:
        diameters_mm: of one or two views, [N, 20] each.
        lengths_mm: [N] each, from the annulus to the apex.

    Returns:
        [N] ml.
    """
    first, second = diameters_mm[0], diameters_mm[-1]
    length = np.max(lengths_mm, axis=0)
    return np.asarray(np.pi / 4 * (first * second).sum(axis=1) * length / DISCS / _MM3_PER_ML)


def disc_diameters_mm(view: LongAxisView) -> tuple[Array, Array]:
    """Diameters [T, 20] of the cavity across the line from the annulus to the apex, and its length [T]."""
    diameters, lengths = [], []
    for endo, annulus, apex in zip(view.endo_mm, view.annulus_mm, view.apex_mm, strict=True):
        middle = annulus.mean(axis=0)
        length = float(np.linalg.norm(apex - middle))
        axis = (apex - middle) / length
        across = np.array([-axis[1], axis[0]])
        depth, offset = (endo - middle) @ axis, (endo - middle) @ across
        places = (np.arange(DISCS) + 0.5) * length / DISCS
        diameters.append(_widths(depth, offset, places))
        lengths.append(length)
    return np.stack(diameters), np.array(lengths)


def _widths(depth: Array, offset: Array, places: Array) -> Array:
    """Extent [20] of the closed endocardium across the axis at depths."""
    depth, offset = np.append(depth, depth[0]), np.append(offset, offset[0])
    widths = np.zeros(len(places))
    for k, place in enumerate(places):
        above = depth >= place
        crossing = np.flatnonzero(above[1:] != above[:-1])
        if crossing.size < 2:
            continue
        share = (place - depth[crossing]) / (depth[crossing + 1] - depth[crossing])
        at = offset[crossing] + share * (offset[crossing + 1] - offset[crossing])
        widths[k] = at.max() - at.min()
    return widths


def best_pair(views: Sequence[LongAxisView]) -> tuple[int, ...]:
    """Indices of the two views for discs: four- and two-chamber, else the most perpendicular pair, else one view.

    The planes are at least 40° apart. The angle is known only where both views have a position in the patient; without
    one, the names of four- and two-chamber view are trusted.
    """
    fours, twos = ([k for k, view in enumerate(views) if view.kind == kind] for kind in ("four_chamber", "two_chamber"))
    for i, j in product(fours, twos):
        known = views[i].located and views[j].located
        if not known or plane_angle_degrees(views[i], views[j]) > _LEAST_ANGLE_DEGREES:
            return i, j
    pair: tuple[int, ...] = (0,)
    best = 0.0
    for i in range(len(views)):
        for j in range(i + 1, len(views)):
            if not (views[i].located and views[j].located):
                continue
            angle = plane_angle_degrees(views[i], views[j])
            if angle > max(best, _LEAST_ANGLE_DEGREES):
                best, pair = angle, (i, j)
    return pair
