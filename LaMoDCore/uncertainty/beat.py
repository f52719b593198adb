"""Descriptors of a ring's motion over one beat that distinguish unusual beats from usual ones.

The form of the beat is the Fourier series of the logarithm of the inner radius, divided by its magnitude: a heart that
contracts little has the same form as one that contracts a lot. End-systole comes before the middle of the cycle and
filling takes longer than ejection, so the sine of the first harmonic has a fixed sign. A reversed beat has the
opposite sign, two beats have no first harmonic, and shuffled frames have only small ones.
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array

#: Harmonics of the beat's form. Higher ones follow the noise of single contours.
HARMONICS = 3
#: Added to the magnitude (log inner radius), below which a beat has no meaningful form.
_MIN_BEAT = 0.003
#: Added to translations in mm, so that shorter ones do not differ.
_MIN_TRANSLATION_MM = 0.3


def beat_form(inner: Array) -> Array:
    """Harmonics of the log inner radius divided by their common magnitude, [6]: real parts, then imaginary parts.

    Args:
        inner: squared inner radius [T] mm² over one cycle, from end-diastole.
    """
    harmonics = _harmonics(inner)
    scaled = harmonics / _size(harmonics)
    return np.concatenate([scaled.real, scaled.imag])


def beat_amount(inner: Array, area: Array) -> Array:
    """Amount of contraction, [3]: log magnitude of the harmonics, log of the smallest inner radius and of the largest
    wall area.

    Args:
        inner: squared inner radius [T] mm².
        area: area of the wall [T] mm². Both are taken relative to end-diastole.
    """
    size = np.log(_size(_harmonics(inner)))
    return np.array([size, 0.5 * np.log(inner / inner[0]).min(), np.log(area / area[0]).max()])


def translation(centroid: Array) -> Array:
    """Translation of the whole ring, [2]: log of its centroid's RMS and largest distance from its first position.

    Args:
        centroid: complex [T] mm.
    """
    distance = np.abs(centroid - centroid[0])
    return np.log(_MIN_TRANSLATION_MM + np.array([np.sqrt((distance**2).mean()), distance.max()]))


def _harmonics(inner: Array) -> Array:
    course = 0.5 * np.log(inner / inner[0])
    return np.asarray(np.fft.rfft(course)[1 : 1 + HARMONICS] / len(course))


def _size(harmonics: Array) -> float:
    return float(np.sqrt((np.abs(harmonics) ** 2).sum())) + _MIN_BEAT
