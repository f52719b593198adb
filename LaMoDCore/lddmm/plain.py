"""Geodesic shooting by the textbook scheme: the slow reference implementation for tests and benchmarks.

Forward Euler on EPDiff in velocity form, dv/dt = −K[(Dv)ᵀm + Dm v + m div v] with m = L v, on the periodic grid,
together with φ ← φ + dt v∘φ and φ⁻¹ ← φ⁻¹∘(id − dt v), by central differences and bilinear interpolation.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from LaMoDCore.lddmm.metric import FluidMetric


def shoot_reference(
    v0: Tensor, metric: FluidMetric, spacing_mm: tuple[float, float] = (1.0, 1.0), steps: int = 10
) -> tuple[Tensor, Tensor]:
    """φ − id and φ⁻¹ − id, [N, 2, H, W] mm each, for v0 [N, 2, H, W] mm."""
    height, width = v0.shape[-2:]
    dx, dy = spacing_mm
    size = torch.tensor([dx, dy], dtype=v0.dtype, device=v0.device)
    reach = torch.tensor([2 / (width - 1), 2 / (height - 1)], dtype=v0.dtype, device=v0.device) / size
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    identity = torch.stack((columns * dx, rows * dy))[None].to(v0)

    def sample(field: Tensor, position: Tensor) -> Tensor:
        grid = position.permute(0, 2, 3, 1) * reach - 1
        return grid_sample(field, grid, padding_mode="border", align_corners=True)

    def slope(field: Tensor, dim: int, step: float) -> Tensor:
        return (torch.roll(field, -1, dim) - torch.roll(field, 1, dim)) / (2 * step)

    velocity, dt = v0, 1.0 / steps
    forward = identity.expand(len(v0), -1, -1, -1)
    inverse = forward
    for _ in range(steps):
        momentum = metric.apply_L(velocity, spacing_mm)
        along_x, along_y = slope(velocity, 3, dx), slope(velocity, 2, dy)
        carried_x, carried_y = slope(momentum, 3, dx), slope(momentum, 2, dy)
        turned = torch.stack(((along_x * momentum).sum(1), (along_y * momentum).sum(1)), dim=1)
        divergence = along_x[:, :1] + along_y[:, 1:]
        force = turned + carried_x * velocity[:, :1] + carried_y * velocity[:, 1:] + momentum * divergence
        forward = forward + dt * sample(velocity, forward)
        inverse = sample(inverse, identity - dt * velocity)
        velocity = velocity - dt * metric.apply_K(force, spacing_mm)
    return forward - identity, inverse - identity
