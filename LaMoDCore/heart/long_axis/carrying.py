"""Carry the lines of a view from end-diastole and end-systole to the other frames with the cine.

As for short-axis contours (`LaMoDCore.heart.cycle.carrying`), each point of the wall is sought between the two drawn
frames: a share a(s, t) of its path, at which the intensities across the wall, from the blood to its surroundings,
resemble those of the drawn frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.cycle.smoothing import smoothing_weights
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.heart.long_axis.view import stacked
from LaMoDCore.heart.long_axis.wall_lines import WallLines

#: Depths across the wall at which intensities are compared, in wall thicknesses: 0 the endocardium, 1 the epicardium.
_DEPTHS = np.linspace(-0.9, 1.6, 26)
#: Candidate shares of the path.
_SHARES = np.linspace(-0.15, 1.15, 27)
#: Largest distance beyond the wall at which intensities are compared.
_BEYOND_MM = 8.0
#: Smoothing of the cost along the wall (points) and over frames, and of the result along the wall.
_POINTS_SD, _FRAMES_SD = 4.0, 0.6
#: At most this many shares per frame differ from the mean of their frame: walls move together.
_SPREAD = 0.35


def carry_lines(drawn: Mapping[int, WallLines], cine: Array, spacing_mm: tuple[float, float]) -> list[WallLines]:
    """Lines of every frame of a cine.

    Args:
        drawn: lines of two or more frames; those with the longest and the shortest endocardium are the ends of the
            path. Drawn frames do not change.
        cine: [T, H, W].
        spacing_mm: (dx, dy).

    Raises:
        ValueError: fewer than two frames are drawn.
    """
    if len(drawn) < 2:
        raise ValueError("two frames must be drawn")
    frames = sorted(drawn)
    endo, epi, annulus = stacked([drawn[t] for t in frames])
    lengths = length_mm(endo)
    ends = [int(np.argmax(lengths)), int(np.argmin(lengths))]
    path = np.stack([endo[ends], epi[ends]], axis=1)  # [2 ends, 2 lines, P, 2]
    images = np.asarray(cine, dtype=np.float64)
    templates = np.stack([_profiles(images[frames[k]], path[n], spacing_mm) for n, k in enumerate(ends)])
    cost = np.empty((len(images), endo.shape[1], _SHARES.size))
    for t, image in enumerate(images):
        for n, share in enumerate(_SHARES):
            seen = _profiles(image, _at(path, share), spacing_mm)
            a = float(np.clip(share, 0, 1))
            cost[t, :, n] = _difference(seen, (1 - a) * templates[0] + a * templates[1])
    for n, k in enumerate(ends):
        cost[frames[k]] = 4.0 * (_SHARES - n) ** 2
    cost = ndimage.gaussian_filter1d(cost, _POINTS_SD, axis=1, mode="nearest")
    cost = ndimage.gaussian_filter1d(cost, _FRAMES_SD, axis=0, mode="wrap")
    share = _SHARES[np.argmin(cost, axis=-1)]
    mean = share.mean(axis=1, keepdims=True)
    share = ndimage.gaussian_filter1d(np.clip(share, mean - _SPREAD, mean + _SPREAD), _POINTS_SD, axis=1)
    anchors = {frames[k]: float(n) for n, k in enumerate(ends)}
    for t, value in anchors.items():
        share[t] = value
    share = smoothing_weights(len(images), tuple(anchors), 0.5) @ share
    result = []
    for t in range(len(images)):
        if t in drawn:
            k = frames.index(t)
            result.append(WallLines(endo[k], epi[k], annulus[k]))
            continue
        a = share[t][:, None]
        lines = (1 - a) * path[0] + a * path[1]
        at_ends = share[t][[0, -1]][:, None]
        result.append(WallLines(lines[0], lines[1], (1 - at_ends) * annulus[ends[0]] + at_ends * annulus[ends[1]]))
    return result


def _at(path: Array, share: float) -> Array:
    return np.asarray((1 - share) * path[0] + share * path[1])


def _profiles(image: Array, lines: Array, spacing_mm: tuple[float, float]) -> Array:
    """[P, depths]: intensities across the wall, normalised at each point."""
    endo, epi = lines
    across = epi - endo
    thickness = np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    beyond = np.minimum(thickness, _BEYOND_MM)
    depth = np.where(
        _DEPTHS < 0, _DEPTHS * beyond, np.where(_DEPTHS > 1, thickness + (_DEPTHS - 1) * beyond, _DEPTHS * thickness)
    )
    points = endo[:, None] + depth[..., None] * (across / thickness)[:, None]
    pixels = points / np.array(spacing_mm)
    values = ndimage.map_coordinates(image, [pixels[..., 1], pixels[..., 0]], order=1, mode="nearest")
    centred = values - values.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9))


def _difference(first: Array, second: Array) -> Array:
    """[P]: 1 − correlation of profiles."""
    scale = np.maximum(np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1), 1e-9)
    return np.asarray(1 - (first * second).sum(axis=1) / scale)
