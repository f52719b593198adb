"""The mid-wall line, which divides the wall's volume in the same ratio on every frame."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.end_diastole import reference_frame
from LaMoDCore.heart.long_axis.view import LINE_NAMES, LongAxisView

#: Points of both contours that are nearer to the long axis, mm, have no direction away from it.
_ON_AXIS_MM = 0.05


def mid_wall_mm(view: LongAxisView) -> Array:
    """The mid-wall line [T, P, 2]: half-way between the contours at end-diastole, and the same tissue later.

    As the cavity empties, the inner half of the wall thickens more than the outer one, so the tissue of the mid-wall
    moves outwards in the wall. Between a point of the endocardium at the distance r_i from the long axis and its
    partner on the epicardium at r_e, at equal shares of both lines, the part of the wall's volume inside of the depth w
    is (r_i w + (r_e − r_i) w²/2) / ((r_i + r_e)/2). It stays as it is at end-diastole, because tissue does not change
    its volume; this moves the line by about 2 % of the wall.
    """
    inner, outer = _distances(view, view.endo_mm), _distances(view, view.epi_mm)
    reference = reference_frame(view)
    start = (inner[reference] * 0.5 + (outer[reference] - inner[reference]) * 0.125) / _mean(inner, outer)[reference]
    # (r_e − r_i)/2 w² + r_i w − share (r_i + r_e)/2 = 0
    square, constant = (outer - inner) / 2, -start * _mean(inner, outer)
    root = np.sqrt(np.maximum(inner**2 - 4 * square * constant, 0.0))
    depth = np.clip(-2 * constant / np.maximum(inner + root, 1e-9), 0.0, 1.0)
    on_axis = np.minimum(_mean(inner, outer), _mean(inner, outer)[reference]) < _ON_AXIS_MM
    depth = np.where(on_axis, 0.5, depth)  # the limit at the apex, where both distances vanish
    return np.asarray(view.endo_mm + depth[..., None] * (view.epi_mm - view.endo_mm))


def lines_mm(view: LongAxisView) -> dict[str, Array]:
    """The three lines [T, P, 2] by the names of `LINE_NAMES`."""
    return dict(zip(LINE_NAMES, (view.endo_mm, mid_wall_mm(view), view.epi_mm), strict=True))


def _mean(inner: Array, outer: Array) -> Array:
    return np.asarray(np.maximum((inner + outer) / 2, 1e-6))


def _distances(view: LongAxisView, line: Array) -> Array:
    """Distance [T, P] of a line's points from the long axis of their frame."""
    middle = view.annulus_mm.mean(axis=1, keepdims=True)
    axis = view.apex_mm[:, None] - middle
    across = np.stack([-axis[..., 1], axis[..., 0]], axis=-1) / np.linalg.norm(axis, axis=-1, keepdims=True)
    return np.asarray(np.abs(((line - middle) * across).sum(axis=-1)))
