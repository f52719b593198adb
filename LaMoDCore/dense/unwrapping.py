"""Unwrap the phase of the myocardium: in space, then in time, then by majority vote.

Space: reliability-sorted unwrapping of each frame (Herráez et al., Appl. Opt. 41:7437, 2002; scikit-image)
inside the mask, so noise from blood and lung has no influence. One multiple of 2π per frame and region remains
unknown. Time determines it: encoding happens at the R wave, so the first frame's displacement is small, and between
frames the wall moves by far less than half a wavelength. Pixels that are still off by 2π against the weighted mean of
their neighbours in space and time are then corrected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

_TURN = 2.0 * np.pi

#: Gaussian sigma of the vote, in frames and pixels.
_VOTE_SIGMA = (1.0, 1.2, 1.2)
_VOTE_ROUNDS = 8

#: A frame whose phase scatter around the last reliable frame exceeds this (rad) is not used as a reference.
_GOOD_FRAME_SCATTER = 1.2


@dataclass(frozen=True, eq=False)
class Unwrapped:
    """Continuous phase of one encoding direction.

    Attributes:
        phase: float64 [T, H, W] radians, NaN outside the mask.
        revised: bool [T, H, W]: pixels whose multiple of 2π was changed by the vote.
    """

    phase: Array
    revised: Array


def unwrap_frame(phase: Array, mask: Array) -> Array:
    """Unwrap one frame in space, each connected region of the mask separately.

    Args:
        phase: wrapped radians [H, W].
        mask: bool [H, W].

    Returns:
        float64 [H, W], NaN outside the mask; each region is correct up to one multiple of 2π.
    """
    from skimage import restoration

    unwrap_phase: Callable[..., Array] = restoration.unwrap_phase  # scikit-image has no type hints

    result = np.full(phase.shape, np.nan)
    regions, count = ndimage.label(mask, structure=np.ones((3, 3)))
    for region in range(1, count + 1):
        inside = regions == region
        masked = np.ma.masked_array(phase.astype(np.float64), mask=~inside)
        result[inside] = np.asarray(unwrap_phase(masked, rng=0))[inside]
    return result


def smooth_over_mask(values: Array, weights: Array, sigma: float | tuple[float, ...]) -> tuple[Array, Array]:
    """Normalised convolution (Knutsson & Westin, CVPR 1993): a Gaussian mean over samples with weight > 0.

    Args:
        values: any shape; ignored where weights are 0.
        weights: the same shape, ≥ 0.
        sigma: Gaussian sigma, one for all axes or one per axis.

    Returns:
        The local mean, NaN where no sample is near; and the summed weight.
    """
    usable = np.where(weights > 0, values, 0.0)
    total = ndimage.gaussian_filter(weights.astype(np.float64), sigma, mode="constant")
    mean = ndimage.gaussian_filter(usable * weights, sigma, mode="constant")
    near = total > 1e-6
    return np.where(near, mean / np.where(near, total, 1.0), np.nan), total


def align_regions(frame: Array, expected: Array) -> Array:
    """Add to each connected region of `frame` [H, W] the multiple of 2π that brings it nearest to `expected`.

    The multiple is the median over the region, so a wrongly unwrapped part does not shift the rest.
    """
    aligned = frame.copy()
    regions, count = ndimage.label(np.isfinite(frame), structure=np.ones((3, 3)))
    for region in range(1, count + 1):
        inside = regions == region
        gap = (expected - frame)[inside]
        gap = gap[np.isfinite(gap)]
        if gap.size:
            aligned[inside] += _TURN * np.round(np.median(gap) / _TURN)
    return aligned


def unwrap_series(phase: Array, mask: Array, weights: Array | None = None) -> Unwrapped:
    """Unwrap one encoding direction in space and time.

    Args:
        phase: wrapped radians [T, H, W].
        mask: bool [T, H, W], the myocardium of every frame.
        weights: confidence of every pixel [T, H, W], ≥ 0 (magnitude squared is the inverse variance of phase).

    Returns:
        The continuous phase, such that the displacement of frame 0 is nearest to zero.
    """
    mask = np.asarray(mask, dtype=bool)
    trust = np.where(mask, 1.0 if weights is None else np.asarray(weights, dtype=np.float64) + 1e-6, 0.0)
    frames = phase.shape[0]
    result = np.full(phase.shape, np.nan)
    expected = np.zeros(phase.shape[1:])
    for t in range(frames):
        result[t] = align_regions(unwrap_frame(phase[t], mask[t]), expected)
        gap = (result[t] - expected)[mask[t]]
        gap = gap[np.isfinite(gap)]
        scatter = 1.4826 * float(np.median(np.abs(gap - np.median(gap)))) if gap.size else np.inf
        if scatter < _GOOD_FRAME_SCATTER:
            near, _ = smooth_over_mask(result[t], trust[t], 1.5)
            far, _ = smooth_over_mask(result[t], trust[t], 4.0)
            expected = np.where(np.isfinite(near), near, far)
            expected = np.where(np.isfinite(expected), expected, np.nanmedian(result[t]))
    settled = vote(result, trust)
    turns = np.nan_to_num(np.round((settled - result) / _TURN))
    return Unwrapped(phase=settled, revised=turns != 0)


def vote(phase: Array, weights: Array) -> Array:
    """Shift single pixels by multiples of 2π towards the weighted mean of their neighbours in space and time.

    Args:
        phase: unwrapped radians [T, H, W], NaN outside the mask.
        weights: [T, H, W], 0 outside the mask.

    Returns:
        float64 [T, H, W].
    """
    voted = phase.copy()
    for _ in range(_VOTE_ROUNDS):
        consensus, _ = smooth_over_mask(np.nan_to_num(voted), weights, _VOTE_SIGMA)
        turns = np.nan_to_num(np.round((consensus - voted) / _TURN))
        if not turns.any():
            break
        voted += _TURN * turns
    return voted
