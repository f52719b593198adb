"""Noisy cines are smoothed before the network sees them; others are not changed."""

from __future__ import annotations

import numpy as np
import pytest
from toy_cine import contracting

from LaMoDCore.contours.automatic.noise import noise_level, smoothed_if_noisy


def noisy(level: float) -> np.ndarray:
    frames = 0.15 + 0.6 * contracting()
    return frames + np.random.default_rng(0).normal(0, level, frames.shape)


@pytest.mark.parametrize("level", [0.02, 0.05, 0.1])
def test_the_noise_is_estimated_next_to_edges(level):
    assert noise_level(noisy(level)) == pytest.approx(level, rel=0.15)


def test_pictures_without_noise_or_pixels_have_none():
    assert noise_level(np.zeros((3, 16, 16))) == 0.0
    assert noise_level(0.15 + 0.6 * contracting()) < 0.01


def test_cines_with_usual_noise_are_not_changed():
    frames = noisy(0.02)
    assert smoothed_if_noisy(frames, 0.02) is frames


def test_smoothing_removes_most_of_strong_noise_and_keeps_the_anatomy():
    clean = 0.15 + 0.6 * contracting()
    smooth = smoothed_if_noisy(noisy(0.1), 0.1)
    assert np.std(smooth - clean) < 0.6 * 0.1
    inside = (slice(None), slice(28, 36), slice(28, 36))
    assert smooth[inside].mean() == pytest.approx(clean[inside].mean(), abs=0.01)


def test_the_smoothing_sets_in_gradually():
    frames = noisy(0.05)
    changes = [np.std(smoothed_if_noisy(frames, level) - frames) for level in (0.031, 0.04, 0.06, 0.2)]
    assert changes[0] < 0.01
    assert changes[0] < changes[1] < changes[2] == pytest.approx(changes[3])
