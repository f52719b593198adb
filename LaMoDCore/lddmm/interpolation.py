"""Interpolation of fields: bilinear, and cubic B-splines, which are twice differentiable in the position.

The cubic spline is evaluated as four bilinear look-ups at shifted positions (Sigg and Hadwiger, "Fast
third-order texture filtering", GPU Gems 2, 2005, ch. 20), which vectorises on every device.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def sample_linear(field: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear interpolation; beyond the edge the field fades to zero within one pixel.

    Positions that are not finite give zero: a diverging optimisation must end with a bad value and not with the
    segmentation fault that ``padding_mode="border"`` causes in its backward pass.

    Args:
        field: [N, C, H, W].
        x, y: [N, h, w] positions in pixels, (0, 0) being the centre of the first pixel.

    Returns:
        [N, C, h, w].
    """
    height, width = field.shape[-2:]
    # max(..., 1): a grid that is one pixel wide has its only column at x = 0.
    scale_x, scale_y = 2 / max(width - 1, 1), 2 / max(height - 1, 1)
    grid = torch.stack((x * scale_x - 1, y * scale_y - 1), dim=-1)
    return grid_sample(field, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def sampling_places(
    shape: tuple[int, int], x: Tensor, y: Tensor, spacing_mm: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Precompute the arguments of `sample_linear_displaced` for fixed pixels and a field of ``shape``.

    Args:
        shape: (H, W) of the sampled field.
        x: [w] columns and y [h, 1] rows of the pixels in it.
        spacing_mm: (dx, dy).

    Returns:
        Positions of the pixels [2, h, w] relative to the centre in units of half the field's size, and these units per
        mm, [2, 1, 1].
    """
    height, width = shape
    scale_x, scale_y = 2 / max(width - 1, 1), 2 / max(height - 1, 1)
    x, y = x * scale_x - 1, y * scale_y - 1
    places = torch.stack([x + torch.zeros_like(y), y + torch.zeros_like(x)])
    return places, torch.tensor([scale_x / spacing_mm[0], scale_y / spacing_mm[1]]).to(x)[:, None, None]


def sample_linear_displaced(field: Tensor, displacement_mm: Tensor, places: Tensor, reach: Tensor) -> Tensor:
    """`sample_linear` at pixels moved by a displacement, in one pass over memory.

    Args:
        field: [N, C, H, W].
        displacement_mm: [N, 2, h, w].
        places, reach: as returned by `sampling_places`.

    Returns:
        [N, C, h, w].
    """
    grid = torch.addcmul(places, displacement_mm, reach).permute(0, 2, 3, 1)
    return grid_sample(field, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def sample_linear_clamped(field: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """`sample_linear` with the edge value beyond the edge of the field."""
    height, width = field.shape[-2:]
    return sample_linear(field, x.clamp(0, width - 1), y.clamp(0, height - 1))


def sample_cubic(coefficients: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Evaluate a cubic B-spline given by its coefficients (see `spline_symbol`); arguments as of `sample_linear`."""
    near_x, far_x, weight_x = _pair(x)
    near_y, far_y, weight_y = _pair(y)
    weight_x, weight_y = weight_x[:, None], weight_y[:, None]
    above = torch.lerp(
        sample_linear(coefficients, near_x, near_y), sample_linear(coefficients, far_x, near_y), weight_x
    )
    below = torch.lerp(sample_linear(coefficients, near_x, far_y), sample_linear(coefficients, far_x, far_y), weight_x)
    return torch.lerp(above, below, weight_y)


def spline_values(coefficients: Tensor) -> Tensor:
    """Values of the spline at the pixels, without the outermost ones: [N, C, H, W] to [N, C, H-2, W-2]."""
    rows = (4 * coefficients[..., 1:-1, :] + coefficients[..., :-2, :] + coefficients[..., 2:, :]) / 6
    return (4 * rows[..., 1:-1] + rows[..., :-2] + rows[..., 2:]) / 6


def spline_symbol(shape: tuple[int, int], like: Tensor) -> Tensor:
    """[H, W // 2 + 1]: Fourier symbol that maps the spline's coefficients to its values on a periodic grid.

    Dividing a field's spectrum by it gives the coefficients (Unser, IEEE Signal Processing Magazine 16, 1999).
    """
    return _spline_symbol(shape, like.dtype, like.device)


def _pair(position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The two bilinear positions that combine the four taps of the cubic B-spline, and the weight of the second."""
    floor = position.floor()
    t = position - floor
    last = t * t * t / 6
    far = ((3 * t + 3) * t + 1) / 6 - 2 * last  # the last two taps: (1 + 3t + 3t² − 2t³)/6
    near = 1 - far
    second = (2 / 3) - t * t + 3 * last
    return floor - 1 + second / near, floor + 1 + last / far, far


@lru_cache(maxsize=32)
def _spline_symbol(shape: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Tensor:
    height, width = shape
    kx = 2 * math.pi * torch.fft.rfftfreq(width, dtype=torch.float64)[None, :]
    ky = 2 * math.pi * torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    symbol = (2 + torch.cos(kx)) * (2 + torch.cos(ky)) / 9
    return symbol.to(device=device, dtype=dtype)
