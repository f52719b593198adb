"""Velocities and masks of known shape for the tests in this folder."""

from __future__ import annotations

import torch
from torch import Tensor


def grid_mm(
    size: int | tuple[int, int], spacing_mm: tuple[float, float] = (1.0, 1.0), dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    """x and y in mm from the image's centre, [H, W] each."""
    height, width = (size, size) if isinstance(size, int) else size
    dx, dy = spacing_mm
    x = (torch.arange(width, dtype=dtype) - (width - 1) / 2) * dx
    y = (torch.arange(height, dtype=dtype) - (height - 1) / 2) * dy
    return x.expand(height, -1), y[:, None].expand(-1, width)


def contraction(
    size: int | tuple[int, int],
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    *,
    ring_mm: float = 25.0,
    inward_mm: float = 6.0,
    width_mm: float = 10.0,
    turn: float = 0.0,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Smooth initial velocity [1, 2, H, W] that moves a ring inwards and rotates it, zero far from it."""
    x, y = grid_mm(size, spacing_mm, dtype)
    square = x**2 + y**2
    pull = -inward_mm / ring_mm * torch.exp(-((square - ring_mm**2) ** 2) / (2 * (2 * ring_mm * width_mm) ** 2))
    return torch.stack((pull * (x - turn * y), pull * (y + turn * x)))[None]


def ring(size: int, inner_mm: float, outer_mm: float, spacing_mm: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """bool [H, W]."""
    x, y = grid_mm(size, spacing_mm)
    radius = torch.hypot(x, y)
    return (radius >= inner_mm) & (radius <= outer_mm)
