"""Contours given as points in no order, as in guide-point files: their order, and pieces beyond the wall."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array

#: A gap of this length in a contour separates a piece.
GAP_MM = 10.0
#: A separate piece within this distance of an annulus point is the fibrous continuity of aortic and mitral valve, which
#: is no myocardium: in the three-chamber view the wall ends at the aortic root.
_AT_ANNULUS_MM = 15.0
#: A separate piece is at most this share of the contour's points.
_LARGEST_PIECE = 0.2
#: Number of neighbouring points whose order may be wrong where a contour folds.
_LONGEST_RUN = 8


def in_order(points_mm: Array, opening_mm: Array) -> Array:
    """Order points [N, 2] of an open contour from one end to the other.

    The order is that of the angles about the middle of the ventricle, cut at the mitral valve. Where the contour folds,
    reversing a few neighbouring points (2-opt) makes the path shorter.

    Args:
        points_mm: the points.
        opening_mm: [2], the middle of the mitral valve.
    """
    points = np.unique(points_mm, axis=0)
    far = points[int(np.argmax(np.linalg.norm(points - opening_mm, axis=1)))]
    center = 0.5 * (opening_mm + far)
    towards = (opening_mm - center) / np.linalg.norm(opening_mm - center)
    offset = points - center
    angle = np.arctan2(offset @ np.array([-towards[1], towards[0]]), offset @ towards)
    return _shortened(points[np.argsort(np.mod(angle, 2 * np.pi), kind="stable")])


def without_pieces_at_valve(points_mm: Array, annulus_mm: Array) -> Array:
    """Remove pieces [k, 2] at the ends of an ordered contour [N, 2] that lie at an annulus point beyond a gap."""
    kept = points_mm
    for _ in range(2):  # from either end
        kept = _without_first_pieces(kept, annulus_mm)[::-1]
    return np.asarray(kept)


def _without_first_pieces(points: Array, annulus: Array) -> Array:
    most = max(1, int(_LARGEST_PIECE * len(points)))
    while True:
        gaps = np.flatnonzero(np.linalg.norm(np.diff(points[: most + 1], axis=0), axis=1) > GAP_MM)
        if not gaps.size:
            return points
        piece = points[: gaps[0] + 1]
        if np.linalg.norm(piece[:, None] - annulus[None], axis=-1).min(axis=1).max() >= _AT_ANNULUS_MM:
            return points
        points = points[gaps[0] + 1 :]


def _shortened(points: Array) -> Array:
    """The path [N, 2] after reversing runs of a few points between its ends as long as that makes it shorter."""
    path = points.copy()
    i, j = np.triu_indices(len(path) - 1, 1)
    near = j - i <= _LONGEST_RUN
    i, j = i[near], j[near]
    for _ in range(len(path)):
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        gain = steps[i] + steps[j]
        gain -= np.linalg.norm(path[i] - path[j], axis=1) + np.linalg.norm(path[i + 1] - path[j + 1], axis=1)
        best = int(np.argmax(gain)) if gain.size else 0
        if not gain.size or gain[best] <= 1e-6:
            break
        path[i[best] + 1 : j[best] + 1] = path[i[best] + 1 : j[best] + 1][::-1]
    return path
