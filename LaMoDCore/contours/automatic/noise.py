"""Smooth noisy cines before the network sees them.

A segmentation network trained on clean images loses the ventricle in noise, at end-systole first. Neighbouring pixels
and frames show nearly the same anatomy, so that a narrow Gaussian over both removes most of the noise. Images with
usual noise are not changed.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Second differences along both axes, in which smooth anatomy vanishes (Immerkær, Comput. Vis. Image Underst. 64,
#: 1996), with unit norm, so that white noise keeps its standard deviation.
_DIFFERENCE = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0]) / 6.0
_MAD_TO_STD = 1.4826
#: Noise, as a share of the intensity range, at which the smoothing starts and from which it is complete.
_START, _FULL = 0.03, 0.06
#: Standard deviations of the complete smoothing: in pixels and, over the cycle, as a share of the frames and at most in
#: frames.
_PIXELS = 0.7
_CYCLE, _MOST_FRAMES = 0.04, 1.0
#: Pixels this close to the ends of the range are clipped or empty, and their noise is not that of the image.
_MARGIN = 0.02


def noise_level(pictures: Array) -> float:
    """Standard deviation of the noise of pictures [N, H, W] in 0–1: the median over the frames; 0 without any pixel."""
    levels = []
    for picture in pictures:
        inside = (picture > _MARGIN) & (picture < 1 - _MARGIN)
        if inside.any():
            detail = ndimage.convolve(np.asarray(picture, dtype=np.float64), _DIFFERENCE, mode="nearest")
            levels.append(_MAD_TO_STD * float(np.median(np.abs(detail[inside]))))
    return float(np.median(levels)) if levels else 0.0


def smoothed_if_noisy(frames: Array, level: float) -> Array:
    """Frames [T, H, W] of a periodic cycle, smoothed over pixels and frames as far as their noise requires.

    Args:
        frames: images of any range.
        level: their noise as a share of the intensity range, as `noise_level` gives it.
    """
    share = float(np.clip((level - _START) / (_FULL - _START), 0.0, 1.0))
    if share == 0.0:
        return frames
    time = share * min(_MOST_FRAMES, _CYCLE * len(frames))
    sigma = (time, share * _PIXELS, share * _PIXELS)
    return np.asarray(ndimage.gaussian_filter(frames, sigma, mode=("wrap", "nearest", "nearest")))
