"""Descriptors of one slice: its ring, its motion over the cycle, the features of E_R and the disagreement with û.

The spread of the samples depends on them (`networks.slice_spread`), and the unlike-training flag compares groups of
them with the training data (`unlike_training`). All are computed from sums over pixels, so that a mask of any topology,
even one of two hearts, has finite descriptors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import LEVELS
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.heart.ring.outline import OUTLINE, OVAL, THINNEST, outline
from LaMoDCore.uncertainty.beat import HARMONICS, beat_amount, beat_form, translation

Measure = Literal["distance", "excess", "density"]

#: Number of phases at which the ring's course is sampled.
_PHASES = 10
#: Angles and harmonics of the end-diastolic contours.
_ANGLES, _HARMONICS = 48, 4
#: Canonical frames whose outline is described: end-diastole, and about end-systole.
_OUTLINE_FRAMES = (0, 14)


def descriptors(
    masks: Array, coordinates: RingCoordinates, ring: Array, where: Array, moved: Array, level: int = 0
) -> Array:
    """Compute all descriptors of one slice, float32 [K].

    Args:
        masks: canonical occupancy [40, 128, 128].
        coordinates: ring coordinates of the end-diastolic wall.
        ring: normalised z_reg on the ring, [C, T/2, angles].
        where, moved: positions [P] and predicted displacements [40, P] of wall points, complex mm.
        level: a `level_number`, 0 where it is unknown.
    """
    frames = np.linspace(0, len(masks), _PHASES, endpoint=False).astype(int)
    area, centroid, square = _moments(masks[::2])
    chosen = frames // 2
    inner = np.maximum(square - area / (2 * np.pi), 1.0)
    course = np.concatenate(
        [
            np.log(inner[chosen[1:]] / inner[0]),
            np.log(area[chosen[1:]] / area[0]),
            (centroid[chosen[1:]] - centroid[0]).real,
            (centroid[chosen[1:]] - centroid[0]).imag,
        ]
    )
    steps = [np.log(1e-4 + np.abs(np.diff(np.append(values, values[:2]), 2)).mean()) for values in (
        np.log(inner), np.log(area), centroid)]  # fmt: skip
    size = [np.log(inner[0]) / 2, np.log(area[0]), np.log(area[0] / inner[0])]
    latent = ring.reshape(len(ring), -1)
    seen = np.concatenate([latent.mean(axis=1), np.log(latent.std(axis=1) + 1e-3)])
    further = [
        _lengths(inner[0], area[0], level),
        beat_form(inner),
        beat_amount(inner, area),
        translation(centroid),
        *(outline(masks[frame], complex(centroid[frame // 2])) for frame in _OUTLINE_FRAMES),
    ]
    return np.concatenate(
        [size, course, steps, _contours(coordinates), seen, _disagreement(centroid, square, where, moved), *further]
    ).astype(np.float32)


@dataclass(frozen=True, eq=False)
class DescriptorGroup:
    """Descriptors that are judged together, and how they are compared with the training data.

    Attributes:
        places: [M] indices of the descriptors among all.
        measure: "distance": far from the usual values in any direction (Mahalanobis); "excess": larger than usual,
            where smaller is harmless; "density": among few training slices of the same level.
        level: [G] indices of the descriptors that encode the slice's level, for a density.
        amplitudes: True if they are logarithms of amplitudes and are compared as amplitudes: the logarithms of very
            small amplitudes scatter widely and are meaningless.
        signs: [M] or one value; −1 if smaller values are the unusual ones.
    """

    places: Array
    measure: Measure = "distance"
    level: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    amplitudes: bool = False
    signs: Array | float = 1.0

    def values(self, described: Array) -> Array:
        """The values of the group for slices [N, K], float64 [N, M]."""
        chosen = np.asarray(described[:, self.places], dtype=np.float64)
        return np.asarray(self.signs * (np.exp(np.minimum(chosen, 50.0)) if self.amplitudes else chosen))


def descriptor_groups(channels: int) -> dict[str, DescriptorGroup]:
    """The groups of descriptors. Each is judged separately, since a heart of half the size differs in few descriptors.

    Size is judged among slices of the same level: an inner radius of 12 mm is usual at the apex but not at the base.

    Args:
        channels: number of channels of z_reg.
    """
    counts = {
        "size, all": 3,
        "course": 4 * (_PHASES - 1),
        "steps": 3,
        "contours": 4 * _HARMONICS + 3,
        "encoder": 2 * channels,
        "disagreement": 2 * (_PHASES - 1),
        "size": 2,
        "level": len(LEVELS),
        "beat form": 2 * HARMONICS,
        "beat amount": 3,
        "translation": 2,
        "outline": OUTLINE * len(_OUTLINE_FRAMES),
    }
    ends = np.cumsum(list(counts.values()))
    at = {name: np.arange(end - count, end) for (name, count), end in zip(counts.items(), ends, strict=True)}
    rings = at["outline"].reshape(len(_OUTLINE_FRAMES), OUTLINE)
    return {
        "size": DescriptorGroup(at["size"], "density", at["level"]),
        "beat": DescriptorGroup(at["beat form"]),
        "contraction": DescriptorGroup(at["beat amount"]),
        "way": DescriptorGroup(at["translation"], "excess", amplitudes=True),
        "oval": DescriptorGroup(rings[:, OVAL], "excess", amplitudes=True),
        "outline": DescriptorGroup(rings[:, OVAL + 1 : THINNEST].ravel(), amplitudes=True),
        "gaps": DescriptorGroup(rings[:, THINNEST:].ravel(), "excess", signs=np.tile([-1.0, 1.0], len(rings))),
        "seen": DescriptorGroup(at["encoder"]),
        "disagreement": DescriptorGroup(at["disagreement"]),
    }


def _lengths(inner: float, area: float, level: int) -> Array:
    """Log inner radius and log thickness of a ring, mm, and its level as one-hot code: 0, 0, 0 where it is unknown."""
    thickness = np.sqrt(inner + area / np.pi) - np.sqrt(inner)
    known = np.arange(1, 1 + len(LEVELS)) == level
    return np.concatenate([[np.log(inner) / 2, np.log(thickness)], known])


def _moments(masks: Array) -> tuple[Array, Array, Array]:
    """Area [T] mm², centroid [T] complex mm and mean squared distance from it [T] mm² of occupancies [T, H, W]."""
    height, width = masks.shape[1:]
    x, y = np.arange(width) - (width - 1) / 2, (height - 1) / 2 - np.arange(height)
    columns, rows = masks.sum(axis=1, dtype=np.float64), masks.sum(axis=2, dtype=np.float64)
    area = np.maximum(columns.sum(axis=1), 1.0)
    centroid = (columns @ x + 1j * (rows @ y)) / area
    square = (columns @ x**2 + rows @ y**2) / area - np.abs(centroid) ** 2
    return area, centroid, square


def _contours(coordinates: RingCoordinates) -> Array:
    """Shape and orientation of the wall at end-diastole: harmonics of its midline and of its thickness."""
    direction = np.exp(2j * np.pi * np.arange(_ANGLES) / _ANGLES)
    radii = np.arange(1.0, 60.0, 0.5)
    rays = coordinates.center + radii[:, None] * direction
    height, width = coordinates.wall.shape
    pixels = np.stack([(height - 1) / 2 - rays.imag, rays.real + (width - 1) / 2])
    inside = ndimage.map_coordinates(coordinates.wall.astype(np.float32), pixels, order=1) > 0.5
    thickness = inside.sum(axis=0) * 0.5
    middle = (inside * radii[:, None]).sum(axis=0) / np.maximum(inside.sum(axis=0), 1)
    usual = max(float(middle.mean()), 1.0)
    shape = np.fft.rfft(middle)[1:] / usual / _ANGLES
    wall = np.fft.rfft(thickness)[1:] / usual / _ANGLES
    crossings = np.abs(np.diff(inside.astype(np.int8), axis=0)).sum(axis=0)
    low = slice(0, _HARMONICS)
    rough = [np.log(1e-4 + np.sqrt((np.abs(h[_HARMONICS:12]) ** 2).sum())) for h in (shape, wall)]
    return np.concatenate(
        [shape[low].real, shape[low].imag, wall[low].real, wall[low].imag, rough, [np.mean(crossings != 2)]]
    )


def _disagreement(centroid: Array, square: Array, where: Array, moved: Array) -> Array:
    """Differences in size and position between the moved wall and the drawn masks, mm, at every fourth frame."""
    points = where + moved[::2]
    middle = points.mean(axis=1)
    size = np.sqrt((np.abs(points - middle[:, None]) ** 2).mean(axis=1))
    gap = np.concatenate([[size - np.sqrt(square)], [np.abs((middle - middle[0]) - (centroid - centroid[0]))]])
    return np.asarray((gap - gap[:, :1])[:, 2::2].ravel())
