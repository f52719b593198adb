"""φ, φ⁻¹ and v₀ on a pixel grid for a geodesic whose momentum is on points."""

from __future__ import annotations

import torch
from torch import Tensor

from LaMoDCore.lddmm.differences import jacobian_determinant
from LaMoDCore.lddmm.epdiff import Shot, wide_grid
from LaMoDCore.lddmm.interpolation import sample_cubic, spline_symbol, spline_values
from LaMoDCore.lddmm.metric import FluidMetric, apply_symbol
from LaMoDCore.lddmm.particles import RadialKernel, trajectory


def maps_of_particles(
    points: Tensor,
    momenta: Tensor,
    metric: FluidMetric,
    shape: tuple[int, int],
    spacing_mm: tuple[float, float],
    steps: int = 8,
) -> tuple[Tensor, Shot]:
    """Follow every pixel centre along the geodesic, forwards for φ and backwards for φ⁻¹.

    Both are integrated as paths of points by the classical Runge–Kutta method; pixels do not limit its step.

    Args:
        points, momenta: [P, 2], points in mm from the centre of pixel (0, 0).
        metric: metric of the geodesic.
        shape: (H, W).
        spacing_mm: (dx, dy).
        steps: number of time steps.

    Returns:
        v₀ [1, 2, H, W] mm, and the shot.
    """
    height, width = shape
    spread = _Spread(metric, shape, spacing_mm, points)
    path = trajectory(RadialKernel(metric, points), points, momenta, 2 * steps)
    splines = [spread.spline(*there) for there in path]
    still = torch.zeros(1, 2, height, width).to(points)
    forward = backward = still
    for step in range(steps):
        forward = _step(spread, splines[2 * step : 2 * step + 3], forward, 1 / steps)
        backward = _step(spread, splines[2 * (steps - step) - 2 : 2 * (steps - step) + 1][::-1], backward, -1 / steps)
    return spread.window(splines[0]), Shot(forward, backward, jacobian_determinant(forward, spacing_mm))


class _Spread:
    """Velocities of momenta on points, as cubic B-splines on a periodic grid wider than the image."""

    def __init__(
        self, metric: FluidMetric, shape: tuple[int, int], spacing_mm: tuple[float, float], like: Tensor
    ) -> None:
        self.shape, self.spacing_mm = shape, spacing_mm
        rows, self.top = wide_grid(shape[0], metric.length_mm / spacing_mm[1])
        columns, self.left = wide_grid(shape[1], metric.length_mm / spacing_mm[0])
        self.grid = (rows, columns)
        smoother = metric.symbol(self.grid, spacing_mm, -metric.power, like)
        # A point is distributed over four pixels by bilinear weights; the symbol divides by their transform.
        hat = torch.fft.fftfreq(rows).sinc()[:, None] ** 2 * torch.fft.rfftfreq(columns).sinc() ** 2
        self.symbol = smoother / (spline_symbol(self.grid, like) * hat.to(like))
        self.coupled = metric.beta > 0
        self.x = (self.left + torch.arange(shape[1])).to(like)
        self.y = (self.top + torch.arange(shape[0])).to(like)[:, None]

    def spline(self, points: Tensor, momenta: Tensor) -> Tensor:
        """Coefficients [1, 2, rows, columns] of v."""
        rows, columns = self.grid
        x, y = points[:, 0] / self.spacing_mm[0] + self.left, points[:, 1] / self.spacing_mm[1] + self.top
        column, row = x.floor(), y.floor()
        right, below = x - column, y - row
        density = momenta.T / (self.spacing_mm[0] * self.spacing_mm[1])
        total = torch.zeros(2, rows * columns).to(points)
        for down, share_y in ((0, 1 - below), (1, below)):
            for along, share_x in ((0, 1 - right), (1, right)):
                pixel = (row.long() + down) % rows * columns + (column.long() + along) % columns
                total.index_add_(1, pixel, density * (share_x * share_y))
        spectrum = torch.fft.rfft2(total.view(1, 2, rows, columns))
        smoothed: Tensor = torch.fft.irfft2(apply_symbol(spectrum, self.symbol, self.coupled), s=self.grid)
        return smoothed

    def at(self, spline: Tensor, displacement: Tensor) -> Tensor:
        """v at the displaced centre of every pixel, [1, 2, H, W]."""
        x = self.x + displacement[:, 0] / self.spacing_mm[0]
        y = self.y + displacement[:, 1] / self.spacing_mm[1]
        return sample_cubic(spline, x, y)

    def window(self, spline: Tensor) -> Tensor:
        """v at the pixels of the image, [1, 2, H, W]."""
        height, width = self.shape
        wide = spline[..., self.top - 1 : self.top + height + 1, self.left - 1 : self.left + width + 1]
        return spline_values(wide)


def _step(spread: _Spread, splines: list[Tensor], displacement: Tensor, dt: float) -> Tensor:
    """One Runge–Kutta step with the velocities at its start, middle and end."""
    start, middle, end = splines
    first = spread.at(start, displacement)
    second = spread.at(middle, displacement + dt / 2 * first)
    third = spread.at(middle, displacement + dt / 2 * second)
    fourth = spread.at(end, displacement + dt * third)
    return displacement + dt / 6 * (first + 2 * (second + third) + fourth)
