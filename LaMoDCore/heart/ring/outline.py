"""The outline of a ring in numbers that do not depend on its size, nor on how it is turned."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Rays from the centre, and where each is sampled, mm.
_ANGLES = 48
_RADII = np.arange(1.0, 60.0, 0.5)
#: Harmonics of the angle, [first, last), whose energy is taken together.
_BANDS = ((2, 3), (3, 4), (4, 5), (5, 7), (7, 9), (9, 13))
#: Relative amplitudes below this are alike: a pixel's staircase.
_LEAST_AMPLITUDE = 1e-3
#: Least share of the mean thickness that counts as wall.
_LEAST_THICKNESS_MM = 0.3
#: Share of rays at which one that does not cross the wall once begins to count.
_FEW_RAYS = 0.02
#: Numbers of one ring's outline; where the ellipse's is, and the least thickness, before the rays that cross oddly.
OUTLINE = 2 * len(_BANDS) + 2
OVAL, THINNEST = 0, 2 * len(_BANDS)


def outline(mask: Array, center: complex) -> Array:
    """What a ring looks like, [14].

    Log amplitudes of the harmonics of the middle of the wall and of its thickness, relative to the mean radius; log of
    the least thickness relative to the mean; log of the share of rays that do not cross the wall exactly once, as
    those of an open ring, of two rings or of islands.

    Args:
        mask: occupancy [H, W], pixels of 1 mm.
        center: of the rays, complex mm from the picture's centre, imaginary part upwards.
    """
    height, width = mask.shape
    rays = center + _RADII[:, None] * np.exp(2j * np.pi * np.arange(_ANGLES) / _ANGLES)
    pixels = np.stack([(height - 1) / 2 - rays.imag, rays.real + (width - 1) / 2])
    inside = ndimage.map_coordinates(mask.astype(np.float32), pixels, order=1) > 0.5
    samples = inside.sum(axis=0)
    middle = (inside * _RADII[:, None]).sum(axis=0) / np.maximum(samples, 1)
    thickness = samples * (_RADII[1] - _RADII[0])
    edges = np.abs(np.diff(inside.astype(np.int8), axis=0)).sum(axis=0) + inside[0] + inside[-1]
    usual = max(float(middle.mean()), 1.0)
    thinnest = max(float(thickness.min()), _LEAST_THICKNESS_MM) / max(float(thickness.mean()), _LEAST_THICKNESS_MM)
    odd = _FEW_RAYS + float(np.mean(edges != 2))
    return np.concatenate([_amplitudes(middle / usual), _amplitudes(thickness / usual), np.log([thinnest, odd])])


def _amplitudes(around: Array) -> Array:
    """Log amplitude of the bands of harmonics of [_ANGLES] values around the ring."""
    harmonics = np.fft.rfft(around) / len(around)
    energy = np.array([(np.abs(harmonics[first:last]) ** 2).sum() for first, last in _BANDS])
    return np.asarray(0.5 * np.log(energy + _LEAST_AMPLITUDE**2))
