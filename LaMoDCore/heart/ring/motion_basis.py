"""Motion of a ring relative to another motion of it: a logarithmic stretch and an angle at every point of the wall.

The motion that masks do not determine is mainly rotation and sliding along the ring. Added as vectors these would widen
the ring; so the true position x and the predicted position x̂ are compared by their ratio, as complex numbers about the
moving centre c:

    (x − c) / (x̂ − c) = exp(q),    q = stretch + i·angle,                                              (1)

and q is a series in ring coordinates: Legendre polynomials of the depth (0 at the endocardium, 1 at the epicardium)
times Fourier harmonics of the angle, orthonormal over a ring. A constant imaginary q rotates the whole ring and changes
no strain. Fifty-four real coefficients represent 99.6 % of the energy of a decoder's errors
(experiments/results/posterior.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity, epicardial_region, signed_distance_mm

#: Highest harmonic of the angle for each polynomial degree of the depth.
HARMONICS = (6, 4, 2)
#: Basis functions: 1 + 2·harmonics for each degree.
TERMS = sum(1 + 2 * highest for highest in HARMONICS)
#: Number of angles at which the ring is sampled.
RING_ANGLES = 16
#: Beyond the wall the series is constant from this depth on.
DEPTH_MARGIN = 0.1
_SMOOTHING_PIXELS = 0.7
#: Distances from the wall between which q fades to zero, mm.
_FADE_MM = (8.0, 28.0)
#: Regularises the fit of the series where a ring is open.
_RIDGE = 2e-4


@dataclass(frozen=True, eq=False)
class RingCoordinates:
    """Depth and angle about the end-diastolic wall of one canonical image.

    Positions are complex, in mm from the image's centre, imaginary part upwards (seen from the apex).

    Attributes:
        center: centroid of the epicardial region at end-diastole.
        depth: [H, W], 0 at the endocardium, 1 at the epicardium; ½ everywhere for a wall without a cavity.
        outside_mm: [H, W], distance from the wall, 0 inside it.
        wall: bool [H, W].
    """

    center: complex
    depth: Array
    outside_mm: Array
    wall: Array

    @classmethod
    def of(cls, occupancy: Array) -> RingCoordinates:
        """Compute the coordinates from the end-diastolic share of myocardium [H, W], pixels of 1 mm.

        Raises:
            ValueError: no pixel is myocardium.
        """
        wall = np.asarray(occupancy > 0.5)
        if not wall.any():
            raise ValueError("the end-diastolic frame has no myocardium")
        region, hole = epicardial_region(wall), cavity(wall)
        row, column = ndimage.center_of_mass(region)
        epi = ndimage.gaussian_filter(signed_distance_mm(region, (1.0, 1.0)), _SMOOTHING_PIXELS)
        depth = np.full(wall.shape, 0.5)
        if hole.any():
            endo = ndimage.gaussian_filter(signed_distance_mm(hole, (1.0, 1.0)), _SMOOTHING_PIXELS)
            depth = endo / np.maximum(endo - epi, 1.0)
        height, width = wall.shape
        center = complex(column - (width - 1) / 2, (height - 1) / 2 - row)
        outside = np.maximum(signed_distance_mm(wall, (1.0, 1.0)), 0.0)
        return cls(center, np.clip(depth, -DEPTH_MARGIN, 1 + DEPTH_MARGIN), outside, wall)

    def at(self, positions: Array) -> Array:
        """Basis functions at complex positions [P], faded beyond the wall: float32 [TERMS, P]."""
        height, width = self.depth.shape
        pixels = np.stack([(height - 1) / 2 - positions.imag, positions.real + (width - 1) / 2])
        depth = ndimage.map_coordinates(self.depth, pixels, order=1, mode="nearest")
        outside = ndimage.map_coordinates(self.outside_mm, pixels, order=1, mode="nearest")
        start, end = _FADE_MM
        share = np.clip((outside - start) / (end - start), 0.0, 1.0)
        fade = 1 - share * share * (3 - 2 * share)
        return np.asarray(ring_basis(depth, np.angle(positions - self.center)) * fade, dtype=np.float32)

    def middle(self) -> Array:
        """Complex positions [RING_ANGLES] in the middle of the wall, counter-clockwise from the image's right."""
        direction = np.exp(2j * np.pi * np.arange(RING_ANGLES) / RING_ANGLES)
        radii = np.arange(2.0, 56.0, 0.5)
        rays = self.center + radii[:, None] * direction[None, :]
        height, width = self.depth.shape
        pixels = np.stack([(height - 1) / 2 - rays.imag, rays.real + (width - 1) / 2])
        inside = ndimage.map_coordinates(self.wall.astype(np.float32), pixels, order=1) > 0.5
        weight = inside.sum(axis=0)
        radius = (inside * radii[:, None]).sum(axis=0) / np.maximum(weight, 1)
        usual = radius[weight > 0].mean() if (weight > 0).any() else 20.0
        return np.asarray(self.center + np.where(weight > 0, radius, usual) * direction)


def ring_basis(depth: Array, angle: Array) -> Array:
    """The orthonormal series at points [P]: float64 [TERMS, P]."""
    polynomials = (
        np.ones_like(depth),
        np.sqrt(3) * (2 * depth - 1),
        np.sqrt(5) * (6 * depth**2 - 6 * depth + 1),
    )
    rows = []
    for polynomial, highest in zip(polynomials, HARMONICS, strict=True):
        rows.append(polynomial)
        for k in range(1, highest + 1):
            rows += [np.sqrt(2) * np.cos(k * angle) * polynomial, np.sqrt(2) * np.sin(k * angle) * polynomial]
    return np.stack(rows)


def moving_center(center: complex, displacement: Array) -> Array:
    """c [T, 1]: the centre moved by the mean of the displacement, complex [T, P] at points of the wall."""
    return np.asarray(center + displacement.mean(axis=1, keepdims=True))


def relative_motion(true: Array, predicted: Array, center: Array, basis: Array) -> Array:
    """Coefficients of q (1) by least squares over the wall.

    Args:
        true, predicted: complex positions [T, P] in mm.
        center: c [T, 1].
        basis: [TERMS, P].

    Returns:
        complex64 [T, TERMS].
    """
    ratio = np.log((true - center) / (predicted - center))
    normal = basis @ basis.T + _RIDGE * basis.shape[1] * np.eye(len(basis))
    return np.asarray(np.linalg.solve(normal, basis @ ratio.T).T, dtype=np.complex64)


def added_displacement(predicted: Array, center: Array, coefficients: Array, basis: Array) -> Array:
    """x − x̂ = (x̂ − c)(e^q − 1) of (1), complex64 [..., T, P]; exactly 0 where q is.

    Args:
        predicted: x̂ [T, P] in mm.
        center: c [T, 1].
        coefficients: [..., T, TERMS].
        basis: [TERMS, P].
    """
    q = coefficients.astype(np.complex64) @ basis.astype(np.complex64)
    return np.asarray((predicted - center) * np.expm1(q), dtype=np.complex64)
