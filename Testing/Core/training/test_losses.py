"""The losses are zero for the truth, ignore unmeasured blocks, and are differentiable."""

from __future__ import annotations

import torch

from LaMoDCore.lddmm import FluidMetric
from LaMoDCore.networks.spline import b_spline_upsample
from LaMoDCore.training.loop.losses import motion_loss, noise_loss, registration_loss

METRIC = FluidMetric(alpha=16.0, gamma=1.0, power=2)


def disc(radius_mm: float, center_mm: float = 64.0) -> torch.Tensor:
    axis = torch.arange(128) + 0.5
    distance = torch.hypot(axis[None] - center_mm, axis[:, None] - 64.0) - radius_mm
    return (0.5 - distance).clamp(0, 1)


def test_registration_loss_falls_when_the_velocity_follows_the_contour() -> None:
    """For a disc that moves 4 mm to the right, the velocity (+4, 0) has a lower loss than 0 and (−4, 0)."""
    masks = torch.stack([disc(25.0)] + [disc(25.0, 68.0)] * 39)[None, None]
    frames = torch.tensor([5])

    def distance(x_mm: float) -> float:
        velocity = torch.zeros(1, 2, 1, 64, 64)
        velocity[:, 0] = x_mm
        return float(registration_loss(velocity, masks, frames, METRIC, steps=3, sigma=0.1, regularity=0.0)[1])

    assert distance(4.0) < 0.1 * distance(0.0) < 0.1 * distance(-4.0)


def test_registration_loss_includes_the_energy_of_the_velocity() -> None:
    masks = torch.stack([disc(25.0)] * 40)[None, None]
    velocity = torch.randn(1, 2, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.1
    free, _ = registration_loss(velocity, masks, torch.tensor([1]), METRIC, steps=2, sigma=0.1, regularity=0.0)
    charged, _ = registration_loss(velocity, masks, torch.tensor([1]), METRIC, steps=2, sigma=0.1, regularity=1.0)
    assert charged > free + 0.01


def fields() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    control = torch.randn(1, 2, 40, 32, 32, generator=generator, requires_grad=True)
    truth = torch.randn(1, 2, 40, 64, 64, generator=generator)
    weight = torch.zeros(1, 1, 40, 64, 64)
    weight[..., 20:30, 20:30] = 1.0
    return control, truth, weight


def test_motion_loss_is_the_endpoint_error_and_zero_for_the_truth() -> None:
    control, _, weight = fields()
    predicted = b_spline_upsample(control, 2)
    loss, endpoint = motion_loss(control, predicted, predicted.detach(), weight, gradient_weight_mm=0.0, regularity=0.0)
    assert loss.item() < 1e-6 and endpoint.item() < 1e-6
    shifted = predicted.detach() + torch.tensor([3.0, 4.0]).view(1, 2, 1, 1, 1)
    _, endpoint = motion_loss(control, predicted, shifted, weight, gradient_weight_mm=0.0, regularity=0.0)
    assert abs(endpoint.item() - 5.0) < 0.11


def test_unmeasured_blocks_have_no_loss_and_no_gradient() -> None:
    control, truth, weight = fields()
    weight[:, :, 25:] = 0.0
    wild = truth.clone()
    wild[weight.expand_as(wild) == 0] = 1e4
    kwargs = {"gradient_weight_mm": 4.0, "regularity": 0.0}
    plain, _ = motion_loss(control, b_spline_upsample(control, 2), truth, weight, **kwargs)
    with_wild, _ = motion_loss(control, b_spline_upsample(control, 2), wild, weight, **kwargs)
    assert plain.item() == with_wild.item()
    with_wild.backward()
    assert control.grad is not None
    assert control.grad[:, :, 25:].abs().max() == 0
    assert control.grad[:, :, :25].abs().max() > 0


def test_a_rigid_error_has_no_gradient_part_and_a_strained_one_has() -> None:
    control, _, weight = fields()
    predicted = b_spline_upsample(control, 2).detach()
    columns = torch.arange(64.0).view(1, 1, 1, 1, 64).expand(1, 1, 40, 64, 64) * 2.0
    strained = predicted + 0.1 * torch.cat([columns, torch.zeros_like(columns)], dim=1)

    def gradient_part(truth: torch.Tensor) -> float:
        pair = [motion_loss(control, predicted, truth, weight, gradient_weight_mm=w, regularity=0.0)[0] for w in (0, 1)]
        return float(pair[1] - pair[0])

    assert gradient_part(predicted + 2.0) < 0.03
    assert abs(gradient_part(strained) - 0.1) < 0.03


def test_noise_loss_is_the_mean_square_of_equation_9() -> None:
    noise = torch.ones(1, 2, 3, 4, 4)
    assert noise_loss(noise * 3, noise).item() == 4.0
