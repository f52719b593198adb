"""The geometric estimate: exact for rings that meet its assumptions, zero without a ring."""

import numpy as np
import pytest
import torch

from LaMoDCore.networks.ring_motion import pack, ring_motion, unpack
from LaMoDCore.networks.spline import b_spline_upsample

FRAMES = 40
PHASE = np.arange(FRAMES) / FRAMES
Y, X = np.mgrid[:128, :128].astype(float)


def ring(inner, outer, centre) -> np.ndarray:
    """Occupancy of a ring with an edge one pixel wide."""
    r = np.hypot(X - centre[0], Y - centre[1])
    return np.clip(outer - r + 0.5, 0, 1) * np.clip(r - inner + 0.5, 0, 1)


def guess(pictures) -> np.ndarray:
    masks = torch.from_numpy(np.stack(pictures).astype(np.float32))[None, None]
    return b_spline_upsample(ring_motion(masks), 4)[0].numpy()


def test_translation_and_incompressible_contraction():
    beat = 0.5 - 0.5 * np.cos(2 * np.pi * PHASE)  # one harmonic, which the smoothing over the cycle dampens by 3 %
    inner, outer = 25 - 6 * beat, np.sqrt(33**2 - 25**2 + (25 - 6 * beat) ** 2)
    centres = np.stack([63 + 3 * beat, 66 - 2 * beat], axis=1)
    moved = guess([ring(a, b, c) for a, b, c in zip(inner, outer, centres, strict=True)])
    x0, y0 = X - centres[0, 0], Y - centres[0, 1]
    r0 = np.hypot(x0, y0).clip(25)
    wall = (r0 > 26) & (r0 < 32)
    for frame in (10, 20, 33):
        factor = np.sqrt(inner[frame] ** 2 + r0**2 - 25**2) / r0 - 1
        truth = np.stack([x0, y0]) * factor + (centres[frame] - centres[0])[:, None, None]
        assert np.hypot(*(moved[:, frame] - truth))[wall].max() < 0.35


def test_motion_is_zero_at_end_diastole_and_rotates_with_the_image():
    rng = np.random.default_rng(0)
    centres = 64 + rng.normal(0, 1, (FRAMES, 2))
    pictures = [ring(20 + 3 * np.sin(2 * np.pi * p), 30, c) for p, c in zip(PHASE, centres, strict=True)]
    straight = guess(pictures)
    assert np.abs(straight[:, 0]).max() < 1e-4
    turned = guess([np.rot90(p) for p in pictures])  # (x, y) -> (y, 127 - x)
    expected = np.stack([np.rot90(straight[1], axes=(-2, -1)), -np.rot90(straight[0], axes=(-2, -1))])
    r = np.hypot(X - 63.5, Y - 63.5)
    assert np.abs(turned - expected)[:, :, (r > 18) & (r < 32)].max() < 0.15


@pytest.mark.parametrize("gap_degrees", [60, 120])
def test_an_open_ring_gives_a_moderate_estimate(gap_degrees):
    gap = np.abs(np.rad2deg(np.arctan2(Y - 64, X - 64))) < gap_degrees / 2
    pictures = [np.where(gap, 0, ring(22 + 4 * np.cos(2 * np.pi * p), 31, (64, 64))) for p in PHASE]
    moved = guess(pictures)
    r = np.hypot(X - 64, Y - 64)
    wall = (r > 27) & (r < 30) & ~gap
    assert np.isfinite(moved).all() and np.abs(moved).max() < 25
    assert np.hypot(*moved[:, 20])[wall].mean() > 2


def test_no_ring_no_motion():
    empty = [np.zeros((128, 128))] * FRAMES
    assert np.abs(guess(empty)).max() == 0
    pictures = [ring(20, 30, (64 + 4 * np.sin(2 * np.pi * p), 64)) for p in PHASE]
    pictures[7] = np.zeros((128, 128))
    moved = guess(pictures)
    assert np.abs(moved[:, 7]).max() == 0
    assert 1 < np.abs(moved[:, 8]).max() < 6  # the empty frame does not spoil its neighbours


def test_packing_is_lossless():
    control = torch.randn(2, 2, 40, 32, 32)
    packed = pack(control)
    assert packed.shape == (2, 16, 20, 16, 16)
    torch.testing.assert_close(unpack(packed), control)
