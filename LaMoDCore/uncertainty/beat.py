"""How a ring moves over one beat, in the few numbers that tell an odd beat from a usual one.

The logarithm of the inner radius over the cycle, as a Fourier series divided by its own size, is the beat's form: a
heart that contracts little has the same form as one that contracts much. End-systole comes before the middle of the
cycle and filling takes longer than ejection, so that the sine of the first harmonic has one sign; a beat told
backwards has the other, two beats have no first harmonic, and shuffled frames have none that is large.
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array

#: Harmonics of the beat's form. More of them follow the noise of single contours.
HARMONICS = 3
#: Beats smaller than this (log inner radius) have no form worth telling.
_LEAST_BEAT = 0.003
#: Ways shorter than this, mm, are all alike.
_LEAST_WAY_MM = 0.3


def beat_form(inner: Array) -> Array:
    """Harmonics of the log inner radius divided by their common size, [6]: real parts, then imaginary ones.

    Args:
        inner: squared inner radius [T] mm² over one cycle, from end-diastole.
    """
    harmonics = _harmonics(inner)
    scaled = harmonics / _size(harmonics)
    return np.concatenate([scaled.real, scaled.imag])


def beat_amount(inner: Array, area: Array) -> Array:
    """How much it beats, [3]: log size of the harmonics, log of the least inner radius and of the largest wall area.

    Args:
        inner: squared inner radius [T] mm².
        area: of the wall [T] mm². Both count relative to end-diastole.
    """
    size = np.log(_size(_harmonics(inner)))
    return np.array([size, 0.5 * np.log(inner / inner[0]).min(), np.log(area / area[0]).max()])


def way(centroid: Array) -> Array:
    """How far the whole ring wanders, [2]: log of its centroid's mean (RMS) and largest distance from where it began.

    Args:
        centroid: complex [T] mm.
    """
    gone = np.abs(centroid - centroid[0])
    return np.log(_LEAST_WAY_MM + np.array([np.sqrt((gone**2).mean()), gone.max()]))


def _harmonics(inner: Array) -> Array:
    course = 0.5 * np.log(inner / inner[0])
    return np.asarray(np.fft.rfft(course)[1 : 1 + HARMONICS] / len(course))


def _size(harmonics: Array) -> float:
    return float(np.sqrt((np.abs(harmonics) ** 2).sum())) + _LEAST_BEAT
