"""Augmentation turns the vectors with the picture, and never mirrors the heart."""

from __future__ import annotations

import math

import torch

from LaMoDCore.training.augmentation import Batch, augment
from LaMoDCore.training.settings import AugmentationConfig

STILL = AugmentationConfig(full_turn_share=0.0, turn_degrees=0.0, shift_mm=0.0, jitter_mm=0.0, scale=0.0)


def ring_batch(n: int = 1) -> Batch:
    """A ring whose every point moves along its own radius and angle: u = 0.1·X + 0.2·(turned X)."""
    axis = torch.arange(128) + 0.5 - 64
    radius = torch.hypot(axis[None], axis[:, None])
    masks = ((33 - radius).clamp(0, 1) * (radius - 24).clamp(0, 1)).expand(n, 1, 40, 128, 128).contiguous()
    half = (torch.arange(64) + 0.5 - 32) * 2
    x, y = torch.meshgrid(half, half, indexing="xy")
    field = torch.stack([0.1 * x - 0.2 * y, 0.1 * y + 0.2 * x])
    displacement = field[None, :, None].expand(n, 2, 40, 64, 64).contiguous()
    weight = ((torch.hypot(x, y) > 25) & (torch.hypot(x, y) < 32)).float().expand(n, 1, 40, 64, 64).contiguous()
    return Batch(masks, masks.clone(), displacement, weight)


def test_no_change_when_none_is_asked_for() -> None:
    batch = ring_batch()
    same = augment(batch, STILL, torch.Generator().manual_seed(0))
    torch.testing.assert_close(same.masks, batch.masks, atol=1e-4, rtol=0)
    seen = batch.weight.expand_as(batch.displacement) > 0
    torch.testing.assert_close(same.displacement[seen], batch.displacement[seen], atol=1e-3, rtol=0)


def test_a_turned_heart_moves_in_its_own_turned_frame() -> None:
    """The field commutes with rotation, so any turn must reproduce it; vectors left unturned would not."""
    batch = ring_batch(8)
    config = AugmentationConfig(full_turn_share=1.0, shift_mm=0.0, jitter_mm=0.0, scale=0.0)
    turned = augment(batch, config, torch.Generator().manual_seed(1))
    inner = turned.weight.expand_as(batch.displacement) > 0.99
    assert inner.any()
    assert (turned.displacement - batch.displacement)[inner].abs().max() < 0.15


def test_rotation_keeps_its_sense() -> None:
    batch = ring_batch(8)
    config = AugmentationConfig(full_turn_share=1.0, shift_mm=2.0, jitter_mm=0.5, scale=0.1)
    turned = augment(batch, config, torch.Generator().manual_seed(2))
    curl = (
        torch.diff(turned.displacement[:, 1], dim=-1)[..., :-1, :]
        - torch.diff(turned.displacement[:, 0], dim=-2)[..., :-1]
    )
    both = (turned.weight[:, 0, :, 1:-1, 1:-1] > 0.99) & (turned.weight[:, 0, :, :-2, :-2] > 0.99)
    assert (curl[..., :-1, :-1][both] > 0).float().mean() > 0.99


def test_masks_and_displacement_stay_in_place_with_each_other() -> None:
    batch = ring_batch(8)
    config = AugmentationConfig(full_turn_share=1.0, shift_mm=3.0, jitter_mm=0.0, scale=0.1)
    moved = augment(batch, config, torch.Generator().manual_seed(3))
    share = torch.nn.functional.avg_pool2d(moved.masks[:, 0], 2)
    assert share[moved.weight[:, 0] > 0.9].mean() > 0.9
    torch.testing.assert_close(moved.masks, moved.clean, atol=1e-4, rtol=0)


def test_scale_multiplies_the_motion() -> None:
    batch = ring_batch(16)
    config = AugmentationConfig(full_turn_share=0.0, turn_degrees=0.0, shift_mm=0.0, jitter_mm=0.0, scale=0.2)
    scaled = augment(batch, config, torch.Generator().manual_seed(4))
    before = batch.displacement.norm(dim=1)[batch.weight[:, 0] > 0].mean()
    for n in range(16):
        area = math.sqrt(float(scaled.clean[n, 0, 0].sum() / batch.clean[n, 0, 0].sum()))
        after = scaled.displacement[n].norm(dim=0)[scaled.weight[n, 0] > 0.5].mean()
        assert abs(float(after / before) - area) < 0.06


def test_jitter_shakes_the_drawn_contours_only() -> None:
    batch = ring_batch(2)
    config = AugmentationConfig(full_turn_share=0.0, turn_degrees=0.0, shift_mm=0.0, jitter_mm=1.0, scale=0.0)
    shaken = augment(batch, config, torch.Generator().manual_seed(5))
    assert (shaken.masks - batch.masks).abs().max() > 0.3
    torch.testing.assert_close(shaken.clean, batch.clean, atol=1e-4, rtol=0)
