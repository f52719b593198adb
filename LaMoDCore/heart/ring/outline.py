"""Features of a ring's outline, invariant to its size and rotation."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Number of rays from the centre, and the radii at which each is sampled, mm.
_ANGLES = 48
_RADII = np.arange(1.0, 60.0, 0.5)
#: Bands of angular harmonics, [first, last), over which energy is summed.
_BANDS = ((2, 3), (3, 4), (4, 5), (5, 7), (7, 9), (9, 13))
#: Relative amplitudes below this are noise from pixelation.
_LEAST_AMPLITUDE = 1e-3
#: Thickness is clipped below this value, mm.
_LEAST_THICKNESS_MM = 0.3
#: Added to the fraction of rays that do not cross the wall exactly once, before the logarithm.
_FEW_RAYS = 0.02
#: Number of features, and the indices of the amplitude of harmonic 2 (ellipse) and of the smallest thickness.
OUTLINE = 2 * len(_BANDS) + 2
OVAL, THINNEST = 0, 2 * len(_BANDS)


def outline(mask: Array, center: complex) -> Array:
    """Compute features of a ring's outline, [14].

    They are the log amplitudes of the harmonics of the mid-wall radius and of the thickness, relative to the mean
    radius; the log of the smallest thickness relative to the mean; and the log of the fraction of rays that do not
    cross the wall exactly once, as happens in an open ring, in two rings or with islands.

    Args:
        mask: occupancy [H, W], pixels of 1 mm.
        center: origin of the rays, complex mm from the image's centre, imaginary part upwards.
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
    """Compute the log amplitude in each band of harmonics, for values [_ANGLES] around the ring."""
    harmonics = np.fft.rfft(around) / len(around)
    energy = np.array([(np.abs(harmonics[first:last]) ** 2).sum() for first, last in _BANDS])
    return np.asarray(0.5 * np.log(energy + _LEAST_AMPLITUDE**2))
