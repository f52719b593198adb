"""Endo- and epicardium as radii about a centre, found in the class probabilities along rays.

The radius at which a step from 1 to 0 fits the probabilities q(r) along a ray best in the least-squares sense is the
crossing of 0.5 that minimises ∫₀ᴿ (1 − 2q) dr. Holes inside the region (papillary muscles) and islands outside it
therefore do not end the search. Probabilities are smoothed over neighbouring rays and frames before the search, not
the radii after it: a frame in which the network fails on a part of the wall then takes that part from its neighbours,
while confident frames, end-systole among them, keep their own edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Directions in which radii are measured.
ANGLES = 72
#: Largest epicardial radius, mm.
REACH_MM = 75.0
_STEP_MM = 0.5
#: Standard deviation of the smoothing over rays (5° each) and over the cycle.
_SMOOTHING_RAYS = 1.2
_SMOOTHING_PHASE = 0.032
#: Weight of a ray on which the network saw no ventricle at all.
_LEAST_WEIGHT = 1e-3
#: Sharpness of an edge is measured over this distance on both sides.
_EDGE_MM = 3.0


@dataclass(frozen=True, eq=False)
class RayProbabilities:
    """Class probabilities along rays.

    Attributes:
        center_xy: [T, 2] window pixels.
        radius_mm: [R].
        cavity: [T, ANGLES, R], probability of the blood pool.
        region: [T, ANGLES, R], probability of blood pool or wall.
    """

    center_xy: Array
    radius_mm: Array
    cavity: Array
    region: Array


@dataclass(frozen=True, eq=False)
class Edge:
    """The edge of a region along rays.

    Attributes:
        radius_mm: [T, ANGLES].
        sharpness: [T, ANGLES], mean probability within 3 mm inside the edge minus that within 3 mm outside: 1 for a
            perfect step, 0 where there is none.
    """

    radius_mm: Array
    sharpness: Array


def sample_rays(cavity: Array, myocardium: Array, center_xy: Array, pixel_mm: float) -> RayProbabilities:
    """Probabilities along rays from a centre that may move from frame to frame.

    Args:
        cavity: probability of the blood pool [T, H, W].
        myocardium: probability of the wall [T, H, W].
        center_xy: [T, 2] window pixels.
        pixel_mm: pixel size of the window.
    """
    radius = np.arange(0.0, REACH_MM, _STEP_MM)
    angle = np.arange(ANGLES) * 2 * np.pi / ANGLES
    arms = np.stack([np.cos(angle), np.sin(angle)])[:, :, None] * radius / pixel_mm
    found = np.empty((2, len(cavity), ANGLES, radius.size), dtype=np.float32)
    for frame, (x, y) in enumerate(center_xy):
        places = [y + arms[1], x + arms[0]]
        for index, probability in enumerate((cavity[frame], cavity[frame] + myocardium[frame])):
            found[index, frame] = ndimage.map_coordinates(probability, places, order=1, mode="constant")
    return RayProbabilities(center_xy, radius, found[0], found[1])


def smoothed(rays: RayProbabilities) -> RayProbabilities:
    """Return the probabilities smoothed over neighbouring rays and frames of the periodic cycle."""
    sigma = (_SMOOTHING_PHASE * len(rays.cavity), _SMOOTHING_RAYS, 0.0)

    def smooth(values: Array) -> Array:
        return np.asarray(ndimage.gaussian_filter(values, sigma, mode=("wrap", "wrap", "nearest"), truncate=8.0))

    # normalised convolution: rays on which the network saw no ventricle take theirs from their neighbours
    weight = np.maximum(rays.region.max(axis=-1, keepdims=True), _LEAST_WEIGHT)
    total = smooth(weight)
    return RayProbabilities(
        rays.center_xy, rays.radius_mm, smooth(weight * rays.cavity) / total, smooth(weight * rays.region) / total
    )


def find_edge(probability: Array, radius_mm: Array) -> Edge:
    """The best step along each ray [T, ANGLES, R]; radius 0 where no step fits better than an empty region."""
    step = float(radius_mm[1] - radius_mm[0])
    cost = np.cumsum(1.0 - 2.0 * probability, axis=-1)
    cost = np.concatenate([np.zeros((*cost.shape[:-1], 1)), cost], axis=-1)
    last = np.argmin(cost, axis=-1)  # samples 0 … last − 1 are inside
    outside = np.clip(last, 1, radius_mm.size - 1)
    inner = np.take_along_axis(probability, (outside - 1)[..., None], axis=-1)[..., 0]
    outer = np.take_along_axis(probability, outside[..., None], axis=-1)[..., 0]
    share = np.clip((inner - 0.5) / np.maximum(inner - outer, 1e-3), 0.0, 1.0)
    radius = np.where(last == 0, 0.0, radius_mm[outside - 1] + share * step)
    width = round(_EDGE_MM / step)
    around = np.clip(outside[..., None] + np.arange(-width, width), 0, radius_mm.size - 1)
    window = np.take_along_axis(probability, around, axis=-1)
    sharpness = np.clip(window[..., :width].mean(axis=-1) - window[..., width:].mean(axis=-1), 0.0, 1.0)
    return Edge(radius, np.where(last == 0, 0.0, sharpness))
