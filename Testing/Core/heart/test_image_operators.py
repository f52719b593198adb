"""Interpolation and smoothing of many images equal those of scipy.ndimage, image by image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from LaMoDCore.heart.image_operators import interpolate_images, smooth_images


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 5, (3, 2, 40, 33))


def test_interpolation_is_that_of_scipy_also_at_the_border(images: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.uniform(0, (32, 39), (200, 2)), [[0, 0], [32, 39], [32, 0], [12.5, 39]]])
    found = interpolate_images(images, points)
    assert found.shape == (3, 2, 204)
    for index in np.ndindex(3, 2):
        expected = ndimage.map_coordinates(images[index], points[:, ::-1].T, order=3, mode="nearest")
        np.testing.assert_allclose(found[index], expected, atol=1e-9)


def test_smoothing_is_that_of_scipy(images: np.ndarray) -> None:
    expected = ndimage.gaussian_filter(images, (0, 0, 2.5, 2.5), mode="nearest", truncate=3.0)
    np.testing.assert_allclose(smooth_images(images.astype(np.float32), 2.5, 3.0), expected, atol=1e-5)
