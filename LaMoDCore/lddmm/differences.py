"""Derivatives of vector fields on a grid in millimetres."""

from __future__ import annotations

import torch
from torch import Tensor


def gradient(field: Tensor, spacing_mm: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """∂/∂x and ∂/∂y by central differences of fourth order (1, −8, 0, 8, −1)/12.

    Beyond the edge the field is extrapolated linearly, so that linear fields are exact everywhere.

    Args:
        field: [N, C, H, W] with H, W ≥ 2.
        spacing_mm: (dx, dy).

    Returns:
        Two tensors [N, C, H, W], per mm.
    """
    dx, dy = spacing_mm
    return _difference(field, 3, dx), _difference(field, 2, dy)


def jacobian_determinant(displacement_mm: Tensor, spacing_mm: tuple[float, float]) -> Tensor:
    """det D(id + u), [N, H, W], of a displacement [N, 2, H, W] in mm."""
    along_x, along_y = gradient(displacement_mm, spacing_mm)
    return (1 + along_x[:, 0]) * (1 + along_y[:, 1]) - along_y[:, 0] * along_x[:, 1]


def _difference(field: Tensor, dim: int, step: float) -> Tensor:
    size = field.shape[dim]
    wide = _continued(field, dim)
    near = wide.narrow(dim, 3, size) - wide.narrow(dim, 1, size)
    far = wide.narrow(dim, 4, size) - wide.narrow(dim, 0, size)
    return near.mul_(2 / (3 * step)).add_(far, alpha=-1 / (12 * step))


def _continued(field: Tensor, dim: int) -> Tensor:
    """The field with two more values on either side, extrapolated linearly from the last two."""
    size = field.shape[dim]
    first, last = field.narrow(dim, 0, 1), field.narrow(dim, size - 1, 1)
    rise, fall = field.narrow(dim, 1, 1) - first, last - field.narrow(dim, size - 2, 1)
    return torch.cat((first - 2 * rise, first - rise, field, last + fall, last + 2 * fall), dim=dim)
