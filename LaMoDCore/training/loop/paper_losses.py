"""The losses of the paper's networks as pure functions of tensors: eqs. (1) and (10) as printed."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.heart.canonical import SIZE, SPACING_MM
from LaMoDCore.lddmm import FluidMetric, shoot, warp_image
from LaMoDCore.lddmm.epdiff import Integrator


def registration_energy(
    velocity: Tensor,
    masks: Tensor,
    frames: Tensor,
    metric: FluidMetric,
    *,
    steps: int,
    integrator: Integrator,
    sigma: float,
    regularity: float,
) -> tuple[Tensor, Tensor]:
    """Eq. (1): ‖S∘φ₁⁻¹ − I‖²/(2σ²) + Reg, with φ shot from v₀ by EPDiff (eqs. 2, 3), per pixel and pair of frames.

    Args:
        velocity: v₀ of K frames, [N, 2, K, H, W] mm.
        masks: [N, 1, T, 128, 128].
        frames: [K], the frames of v₀.
        metric: L.
        steps, integrator: of the shooting.
        sigma: σ of the mask distance.
        regularity: weight of Reg = ⟨Lv₀, v₀⟩/2, the energy of the geodesic.

    Returns:
        the loss, and the mean squared distance.
    """
    n, _, k, height, width = velocity.shape
    stride = SIZE // width
    spacing = (SPACING_MM * stride, SPACING_MM * stride)
    small = functional.avg_pool2d(masks[:, 0].float(), stride) if stride > 1 else masks[:, 0].float()
    source = small[:, :1].expand(-1, k, -1, -1).reshape(n * k, 1, height, width)
    target = small[:, frames].reshape(n * k, 1, height, width)
    v0 = velocity.permute(0, 2, 1, 3, 4).reshape(n * k, 2, height, width).float()
    shot = shoot(v0, metric, spacing, steps, integrator, interpolation="linear")
    distance = (warp_image(source, shot.inverse, spacing) - target).square().mean()
    energy = 0.5 * (v0 * metric.apply_L(v0, spacing)).sum(dim=1).mean()
    return distance / (2 * sigma**2) + regularity * energy, distance.detach()


def motion_energy(predicted: Tensor, truth: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Eq. (10): ‖Φ − Φ̂‖², the sum of squares over the measured blocks and frames, mean over slices.

    λ reg of (10) is the weight decay of D_η.

    Args:
        predicted: [N, 2, T, 128, 128] mm.
        truth: [N, 2, T, 64, 64] mm, on blocks of 2 mm.
        weight: [N, 1, T, 64, 64], 0 for blocks that were not measured.

    Returns:
        the loss in mm² times blocks, and the endpoint error in mm.
    """
    n, _, t = predicted.shape[:3]
    blocks = functional.avg_pool2d(predicted.reshape(n * 2 * t, 1, *predicted.shape[-2:]).float(), 2)
    squared = (blocks.view_as(truth) - truth).square().sum(dim=1, keepdim=True) * weight
    endpoint = torch.where(weight > 0, squared / weight.clamp(min=1e-6), 0.0).sqrt() * weight
    return squared.sum() / n, (endpoint.sum() / weight.sum().clamp(min=1.0)).detach()
