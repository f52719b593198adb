"""The losses of the method as pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.lddmm import FluidMetric, shoot, warp_image
from LaMoDCore.training.loop.distributed import mean_over_processes

#: Velocities and displacement are compared on blocks of 2 mm.
BLOCK_MM = 2.0
_NORM_SOFTENING_MM = 0.1


def registration_loss(
    velocity: Tensor,
    masks: Tensor,
    latent_frames: Tensor,
    metric: FluidMetric,
    *,
    steps: int,
    sigma: float,
    regularity: float,
) -> tuple[Tensor, Tensor]:
    """Eq. (1): Dist(S∘φ₁⁻¹, I)/(2σ²) + Reg, with φ shot from v₀ by EPDiff (eq. 2, 3).

    Args:
        velocity: v₀ of K frames, [N, 2, K, 64, 64] mm.
        masks: [N, 1, 40, 128, 128].
        latent_frames: [K] latent frames (every second canonical frame) of v₀.
        metric: L.
        steps: number of steps of the shooting.
        sigma: σ of the mask distance.
        regularity: weight of ⟨Lv₀, v₀⟩ per mm² of the image.

    Returns:
        the loss, and the mean squared distance.
    """
    n, _, k, height, width = velocity.shape
    small = functional.avg_pool2d(masks[:, 0].float(), 2)  # [N, 40, 64, 64]
    source = small[:, :1].expand(-1, k, -1, -1).reshape(n * k, 1, height, width)
    target = small[:, 2 * latent_frames].reshape(n * k, 1, height, width)
    v0 = velocity.permute(0, 2, 1, 3, 4).reshape(n * k, 2, height, width).float()
    # RK4: explicit steps of lower order are unstable where v₀ moves by more than half a grid point per step.
    shot = shoot(v0, metric, (BLOCK_MM, BLOCK_MM), steps, "rk4", interpolation="linear")
    distance = (warp_image(source, shot.inverse, (BLOCK_MM, BLOCK_MM)) - target).square().mean()
    energy = (v0 * metric.apply_L(v0, (BLOCK_MM, BLOCK_MM))).sum(dim=1).mean()
    return distance / (2 * sigma**2) + regularity * energy, distance.detach()


def motion_loss(
    control: Tensor, predicted: Tensor, truth: Tensor, weight: Tensor, *, gradient_weight_mm: float, regularity: float
) -> tuple[Tensor, Tensor]:
    """Eq. (10): ‖Φ − Φ̂‖ over the measured blocks, + λ reg, and the error of the displacement's gradient.

    The norm is that of the endpoint error (smoothed below 0.1 mm), which is less sensitive to outliers than its square.
    The error of the gradient trains the strain directly.

    Args:
        control: [N, 2, T, h, w] spline control points of the prediction, mm.
        predicted, truth: [N, 2, T, 64, 64] mm.
        weight: [N, 1, T, 64, 64], 0 for blocks that were not measured.
        gradient_weight_mm: mm per unit of displacement gradient.
        regularity: λ, on squared second differences of the control points.

    Returns:
        the loss, and the endpoint error in mm.
    """
    error = predicted - truth
    norm = (error.square().sum(dim=1, keepdim=True) + _NORM_SOFTENING_MM**2).sqrt() - _NORM_SOFTENING_MM
    total = mean_over_processes(weight.sum()).clamp(min=1.0)
    endpoint = (norm * weight).sum() / total
    loss = endpoint
    if gradient_weight_mm > 0:
        parts = []
        for axis in (-1, -2):
            step = torch.diff(error, dim=axis) / BLOCK_MM
            length = weight.shape[axis]
            both = torch.minimum(weight.narrow(axis, 1, length - 1), weight.narrow(axis, 0, length - 1))
            size = (step.square().sum(dim=1, keepdim=True) + 1e-4).sqrt()
            parts.append((size * both).sum() / mean_over_processes(both.sum()).clamp(min=1.0))
        loss = loss + gradient_weight_mm * torch.stack(parts).sum()
    bend = torch.diff(control, n=2, dim=-1).square().mean() + torch.diff(control, n=2, dim=-2).square().mean()
    return loss + regularity * bend, endpoint.detach()


def noise_loss(predicted: Tensor, noise: Tensor) -> Tensor:
    """Eq. (9) without its regularity, the mean of (ε′ − ε_θ)²; λ reg is the optimiser's weight decay."""
    return functional.mse_loss(predicted.float(), noise)
