"""Spline interpolation and Gaussian smoothing of many images on one grid, as products with matrices made once.

Both are linear. The products take a small part of the time of the same functions of `scipy.ndimage` applied image by
image; the results are equal up to rounding.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.sparse
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Samples by which `scipy.ndimage` repeats the ends of an image before it computes spline coefficients.
_PADDING = 12


def interpolate_images(images: Array, points: Array) -> Array:
    """Cubic spline interpolation, as `scipy.ndimage.map_coordinates` with ``order=3, mode="nearest"``.

    Args:
        images: [..., H, W].
        points: pixel coordinates (x, y) within the images, [P, 2].

    Returns:
        float64 [..., P].
    """
    height, width = images.shape[-2:]
    coefficients = _apply_to_axes(_coefficient_matrix(height), images, _coefficient_matrix(width))
    rows, columns = coefficients.shape[-2:]
    first_column, along_x = _taps(points[:, 0] + _PADDING)
    first_row, along_y = _taps(points[:, 1] + _PADDING)
    steps = np.arange(4)
    indices = (first_row[:, None, None] + steps[:, None]) * columns + first_column[:, None, None] + steps
    weights = along_y[:, :, None] * along_x[:, None, :]
    ends = np.arange(len(points) + 1) * 16
    matrix = scipy.sparse.csr_array((weights.ravel(), indices.ravel(), ends), shape=(len(points), rows * columns))
    flat = coefficients.reshape(-1, rows * columns)
    return np.asarray((matrix @ np.ascontiguousarray(flat.T)).T.reshape(*images.shape[:-2], len(points)))


def smooth_images(images: Array, sigma: float, truncate: float) -> Array:
    """Gaussian smoothing of float32 images [..., H, W], as `scipy.ndimage.gaussian_filter` with ``mode="nearest"``."""
    height, width = images.shape[-2:]
    return _apply_to_axes(_gaussian_matrix(height, sigma, truncate), images, _gaussian_matrix(width, sigma, truncate))


def _apply_to_axes(along_y: Array, images: Array, along_x: Array) -> Array:
    """Matrices [h, H] and [w, W] applied to the rows and columns of images [..., H, W], [..., h, w]."""
    return np.asarray(along_y @ (images @ along_x.T))


@lru_cache(maxsize=4)
def _coefficient_matrix(size: int) -> Array:
    """Spline coefficients of `size` samples, the ends repeated: float64 [size + 2·padding, size]."""
    repeated = np.pad(np.eye(size), ((_PADDING, _PADDING), (0, 0)), mode="edge")
    return _shared(ndimage.spline_filter1d(repeated, order=3, axis=0, mode="nearest"))


@lru_cache(maxsize=4)
def _gaussian_matrix(size: int, sigma: float, truncate: float) -> Array:
    """Gaussian smoothing of `size` samples, the ends repeated: float32 [size, size]."""
    matrix = ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0, mode="nearest", truncate=truncate)
    return _shared(matrix.astype(np.float32))


def _shared(matrix: Array) -> Array:
    matrix.setflags(write=False)
    return matrix


def _taps(position: Array) -> tuple[Array, Array]:
    """Index of the first of the four coefficients that a cubic spline needs at positions [P], and weights [P, 4]."""
    whole = np.floor(position)
    t = position - whole
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    return whole.astype(np.int64) - 1, weights
