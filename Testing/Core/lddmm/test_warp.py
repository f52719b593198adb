"""Warping images and carrying points and masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from LaMoDCore.lddmm import FluidMetric, carry_mask, sample_displacement, shoot, warp_image
from LaMoDCore.lddmm.differences import jacobian_determinant
from Testing.Core.lddmm.shapes import contraction, grid_mm, ring


def test_image_is_sampled_at_x_plus_displacement_in_mm():
    image = torch.arange(20.0).repeat(10, 1)[None, None]
    displacement = torch.zeros(1, 2, 10, 20)
    displacement[:, 0] = 3.0
    warped = warp_image(image, displacement, (2.0, 1.0))
    assert torch.allclose(warped[0, 0, 5, :18], torch.arange(18.0) + 1.5)
    assert (warped[0, 0, 5, 18:] == 19).all(), "beyond the edge the image continues"


def test_displacement_at_points():
    x, y = grid_mm((12, 10), (1.5, 2.0))
    field = torch.stack((x, 2 * y))[None]
    points = torch.tensor([[[3.0, 4.0], [4.2, 5.5]]], dtype=torch.float64)
    found = sample_displacement(field, points, (1.5, 2.0))
    expected = (points - points.new_tensor([4.5 * 1.5, 5.5 * 2.0])) * points.new_tensor([1.0, 2.0])
    assert torch.allclose(found, expected)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), density=st.floats(0.05, 0.95))
def test_no_motion_keeps_any_mask(seed, density):
    mask = np.random.default_rng(seed).random((17, 23)) < density
    assert (carry_mask(mask, np.zeros((2, 17, 23))) == mask).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), columns=st.integers(-3, 3), rows=st.integers(-3, 3))
def test_whole_pixels_shift_the_mask(seed, columns, rows):
    mask = np.zeros((24, 26), dtype=bool)
    mask[4:20, 4:22] = np.random.default_rng(seed).random((16, 18)) < 0.6
    motion = np.zeros((2, 24, 26))
    motion[0], motion[1] = columns * 1.5, rows * 0.8
    assert (carry_mask(mask, motion, (1.5, 0.8)) == np.roll(mask, (rows, columns), (0, 1))).all()


def test_a_ring_keeps_its_cavity_and_follows_its_contraction():
    shot = shoot(contraction(96), FluidMetric(16.0, 1.0))
    mask = ring(96, 20, 30)
    carried = carry_mask(mask.numpy(), shot.forward[0].numpy())
    warped = warp_image(mask[None, None].double(), shot.inverse)[0, 0].numpy() > 0.5
    overlap = 2 * (carried & warped).sum() / (carried.sum() + warped.sum())
    assert overlap > 0.98
    assert not carried[46:50, 46:50].any()
    outside = carry_mask(mask.numpy(), -shot.forward[0].numpy())
    assert 2 * (outside & warped).sum() / (outside.sum() + warped.sum()) < 0.8, "the sign matters"


def test_empty_and_full_masks():
    assert not carry_mask(np.zeros((5, 6), bool), np.ones((2, 5, 6))).any()
    assert carry_mask(np.ones((5, 6), bool), np.zeros((2, 5, 6))).all()
    assert not carry_mask(np.ones((5, 6), bool), np.full((2, 5, 6), 100.0)).any()


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"\[2, H, W\]"):
        carry_mask(np.ones((5, 6)), np.zeros((5, 6)))


def test_area_of_an_affine_map():
    x, y = grid_mm((20, 24), (1.5, 0.8))
    displacement = torch.stack((0.2 * x + 0.5 * y, -0.3 * x + 0.1 * y))[None]
    area = jacobian_determinant(displacement, (1.5, 0.8))
    assert torch.allclose(area, torch.tensor(1.2 * 1.1 + 0.5 * 0.3, dtype=torch.float64))
