"""Augmentation rotates the vectors with the image, and never mirrors the heart."""

from __future__ import annotations

import math

import torch

from LaMoDCore.training.data.augmentation import Batch, augment
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.run.settings import AugmentationConfig

STILL = AugmentationConfig(
    full_turn_share=0.0, turn_degrees=0.0, shift_mm=0.0, jitter_mm=0.0, scale=0.0, thickening_share=0.0
)


def draws(batch: Batch, seed: int) -> Draws:
    return Draws.of((seed,), range(len(batch.masks)))


def ring_batch(n: int = 1) -> Batch:
    """A ring with u = 0.1·X + 0.2·(X rotated by 90°)."""
    axis = torch.arange(128) + 0.5 - 64
    radius = torch.hypot(axis[None], axis[:, None])
    masks = ((33 - radius).clamp(0, 1) * (radius - 24).clamp(0, 1)).expand(n, 1, 40, 128, 128).contiguous()
    half = (torch.arange(64) + 0.5 - 32) * 2
    x, y = torch.meshgrid(half, half, indexing="xy")
    field = torch.stack([0.1 * x - 0.2 * y, 0.1 * y + 0.2 * x])
    displacement = field[None, :, None].expand(n, 2, 40, 64, 64).contiguous()
    weight = ((torch.hypot(x, y) > 25) & (torch.hypot(x, y) < 32)).float().expand(n, 1, 40, 64, 64).contiguous()
    return Batch(masks, masks.clone(), displacement, weight)


def test_augmentation_with_all_settings_zero_changes_nothing() -> None:
    batch = ring_batch()
    same = augment(batch, STILL, draws(batch, 0))
    torch.testing.assert_close(same.masks, batch.masks, atol=1e-4, rtol=0)
    seen = batch.weight.expand_as(batch.displacement) > 0
    torch.testing.assert_close(same.displacement[seen], batch.displacement[seen], atol=1e-3, rtol=0)


def test_displacement_rotates_with_the_heart() -> None:
    """The field commutes with rotation, so any rotation must reproduce it if the vectors are rotated too."""
    batch = ring_batch(8)
    config = AugmentationConfig(full_turn_share=1.0, shift_mm=0.0, jitter_mm=0.0, scale=0.0, thickening_share=0.0)
    turned = augment(batch, config, draws(batch, 1))
    inner = turned.weight.expand_as(batch.displacement) > 0.99
    assert inner.any()
    assert (turned.displacement - batch.displacement)[inner].abs().max() < 0.15


def test_rotation_keeps_its_sense() -> None:
    batch = ring_batch(8)
    config = AugmentationConfig(full_turn_share=1.0, shift_mm=2.0, jitter_mm=0.5, scale=0.1, thickening_share=0.0)
    turned = augment(batch, config, draws(batch, 2))
    curl = (
        torch.diff(turned.displacement[:, 1], dim=-1)[..., :-1, :]
        - torch.diff(turned.displacement[:, 0], dim=-2)[..., :-1]
    )
    both = (turned.weight[:, 0, :, 1:-1, 1:-1] > 0.99) & (turned.weight[:, 0, :, :-2, :-2] > 0.99)
    assert (curl[..., :-1, :-1][both] > 0).float().mean() > 0.99


def test_masks_and_displacement_stay_aligned() -> None:
    batch = ring_batch(8)
    config = AugmentationConfig(full_turn_share=1.0, shift_mm=3.0, jitter_mm=0.0, scale=0.1, thickening_share=0.0)
    moved = augment(batch, config, draws(batch, 3))
    share = torch.nn.functional.avg_pool2d(moved.masks[:, 0], 2)
    assert share[moved.weight[:, 0] > 0.9].mean() > 0.9
    torch.testing.assert_close(moved.masks, moved.clean, atol=1e-4, rtol=0)


def test_scale_multiplies_the_motion() -> None:
    batch = ring_batch(16)
    config = AugmentationConfig(
        full_turn_share=0.0, turn_degrees=0.0, shift_mm=0.0, jitter_mm=0.0, scale=0.2, thickening_share=0.0
    )
    scaled = augment(batch, config, draws(batch, 4))
    before = batch.displacement.norm(dim=1)[batch.weight[:, 0] > 0].mean()
    for n in range(16):
        area = math.sqrt(float(scaled.clean[n, 0, 0].sum() / batch.clean[n, 0, 0].sum()))
        after = scaled.displacement[n].norm(dim=0)[scaled.weight[n, 0] > 0.5].mean()
        assert abs(float(after / before) - area) < 0.06


def test_jitter_changes_the_drawn_contours_only() -> None:
    batch = ring_batch(2)
    config = AugmentationConfig(
        full_turn_share=0.0, turn_degrees=0.0, shift_mm=0.0, jitter_mm=1.0, scale=0.0, thickening_share=0.0
    )
    shaken = augment(batch, config, draws(batch, 5))
    assert (shaken.masks - batch.masks).abs().max() > 0.3
    torch.testing.assert_close(shaken.clean, batch.clean, atol=1e-4, rtol=0)


def contracting_batch(n: int) -> Batch:
    """Radii 24–33 mm; the area stays constant while the cavity shrinks to 18 mm at frame 15."""
    axis = torch.arange(128) + 0.5 - 64
    radius = torch.hypot(axis[None], axis[:, None])
    half = (torch.arange(64) + 0.5 - 32) * 2
    x, y = torch.meshgrid(half, half, indexing="xy")
    material = torch.hypot(x, y)
    inner = [24 - 6 * math.sin(math.pi * min(t / 15, (40 - t) / 25) / 2) ** 2 for t in range(40)]
    outer = [math.sqrt(33**2 - 24**2 + r**2) for r in inner]
    masks = torch.stack(
        [(o - radius + 0.5).clamp(0, 1) * (radius - i + 0.5).clamp(0, 1) for i, o in zip(inner, outer, strict=True)]
    )
    fields = []
    for i in inner:
        new = (material**2 - 24**2 + i**2).clamp(min=1).sqrt()
        fields.append(torch.stack([x, y]) * (new / material - 1))
    weight = ((material > 24) & (material < 33)).float()
    return Batch(
        masks.expand(n, 1, 40, 128, 128).contiguous(),
        masks.expand(n, 1, 40, 128, 128).contiguous(),
        torch.stack(fields, dim=1).expand(n, 2, 40, 64, 64).contiguous(),
        weight.expand(n, 1, 40, 64, 64).contiguous(),
    )


def test_a_thickened_wall_and_its_motion_gain_the_same_area() -> None:
    batch = contracting_batch(6)
    config = AugmentationConfig(
        0.0, 0.0, 0.0, 0.0, 0.0, thickening_share=1.0, thickening_least=0.1, thickening_most=0.4
    )
    thick = augment(batch, config, draws(batch, 6))
    area = thick.clean.sum(dim=(-1, -2))[:, 0]
    gain = area[:, 15] / area[:, 0]
    assert gain.min() > 1.08 and gain.max() > 1.25
    for n in range(6):
        u = thick.displacement[n, :, 15]
        dx = (u[:, 1:-1, 2:] - u[:, 1:-1, :-2]) / 4
        dy = (u[:, 2:, 1:-1] - u[:, :-2, 1:-1]) / 4
        determinant = (1 + dx[0]) * (1 + dy[1]) - dx[1] * dy[0]
        weight = thick.weight[n, 0, 15]
        inside = (weight[1:-1, 1:-1] * weight[1:-1, 2:] * weight[1:-1, :-2] * weight[2:, 1:-1] * weight[:-2, 1:-1]) > 0
        assert abs(float(determinant[inside].mean() / gain[n]) - 1) < 0.03
        # moved blocks lie in the thickened wall
        rows, columns = torch.nonzero(weight, as_tuple=True)
        at_x = (2 * columns + 1 + u[0, rows, columns]).round().long().clamp(0, 127)
        at_y = (2 * rows + 1 + u[1, rows, columns]).round().long().clamp(0, 127)
        assert (thick.clean[n, 0, 15, at_y, at_x] > 0.2).float().mean() > 0.97
    torch.testing.assert_close(thick.clean[:, :, 0], batch.clean[:, :, 0], atol=1e-3, rtol=0)
