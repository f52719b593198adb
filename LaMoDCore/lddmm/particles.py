"""Geodesics whose momentum is on points. Without a grid, pixels do not limit the step, and the map does not fold.

With m₀ = Σ pᵢ δ(x − qᵢ) the velocity stays v_t(x) = Σ G(|x − qᵢ(t)|) pᵢ(t), G being the Green's function of L, and
EPDiff becomes Hamilton's equations of H = ½ Σ pᵢ·pⱼ G(|qᵢ − qⱼ|),
    q̇ᵢ = Σ G pⱼ,      ṗᵢ = −Σ (pᵢ·pⱼ) ∇G(qᵢ − qⱼ)
(Miller, Trouvé and Younes, "On the metrics and Euler-Lagrange equations of computational anatomy", Annu. Rev. Biomed.
Eng. 4, 2002; Younes, "Shapes and Diffeomorphisms", 2010, ch. 11).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import special
from torch import Tensor

from LaMoDCore.heart.geometry import Array
from LaMoDCore.lddmm.metric import FluidMetric

#: Table of G: step and end in lengths √(α/γ). At the end G has fallen below 1e-5 of its maximum.
_TABLE_STEP = 0.01
_TABLE_END = 16.0
#: Distance at which the slope of G is evaluated instead of at the centre, where it is singular, in lengths.
_CENTRE = 1e-4


class RadialKernel:
    """G of (−αΔ + γ)^k in the plane: G(r) = s^(k−1) K_(k−1)(s) / (2π αγ^(k−1) 2^(k−1) Γ(k)), s = r√(γ/α).

    (Matérn's function; K is the modified Bessel function of the second kind.)

    Args:
        metric: metric with β = 0 and power > 1.
        like: tensor with the dtype and device to use.

    Raises:
        ValueError: the Green's function of the metric is not radial or not finite.
    """

    def __init__(self, metric: FluidMetric, like: Tensor) -> None:
        if metric.beta != 0 or metric.power <= 1:
            raise ValueError(
                f"momentum on points needs a metric with beta = 0 and power > 1, got {metric}; "
                "match images, or choose such a metric"
            )
        power = metric.power
        s = np.arange(0, _TABLE_END, _TABLE_STEP)
        s[0] = _CENTRE
        scale = 1 / (2 * math.pi * metric.alpha * metric.gamma ** (power - 1) * 2 ** (power - 1) * math.gamma(power))
        value = scale * s ** (power - 1) * special.kv(power - 1, s)
        # d/ds [s^ν K_ν] = −s^ν K_(ν−1); divided by r, it is multiplied by the difference of two points.
        slope = -scale * s ** (power - 2) * special.kv(power - 2, s) / metric.length_mm**2
        value[-2:] = slope[-2:] = 0
        self._value = _lines(value, like)
        self._slope = _lines(slope, like)
        self._per_mm = 1 / (metric.length_mm * _TABLE_STEP)

    def between(self, places: Tensor, points: Tensor) -> Tensor:
        """G between places [P, 2] and points [Q, 2] in mm: [P, Q]."""
        cell, rest = self._cells(*_differences(places, points))
        return _read(self._value, cell, rest)

    def and_slope(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """G among points [P, 2], [P, P], and the two components of ∇G(qᵢ − qⱼ)."""
        along_x, along_y = _differences(points, points)
        cell, rest = self._cells(along_x, along_y)
        slope = _read(self._slope, cell, rest)
        return _read(self._value, cell, rest), slope * along_x, slope * along_y

    def _cells(self, along_x: Tensor, along_y: Tensor) -> tuple[Tensor, Tensor]:
        # 1e-6 mm² keeps the root differentiable where two points coincide.
        where = torch.addcmul(along_x * along_x + 1e-6, along_y, along_y).sqrt() * self._per_mm
        cell = where.detach().int().clamp_(max=len(self._value[0]) - 1)
        return cell, where - cell


def _differences(places: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    return places[:, 0, None] - points[:, 0], places[:, 1, None] - points[:, 1]


def _lines(values: Array, like: Tensor) -> tuple[Tensor, Tensor]:
    """Start and rise of the line segments between tabulated values."""
    return torch.from_numpy(values[:-1]).to(like), torch.from_numpy(np.diff(values)).to(like)


def _read(lines: tuple[Tensor, Tensor], cell: Tensor, rest: Tensor) -> Tensor:
    start, rise = (part.index_select(0, cell.view(-1)).view(cell.shape) for part in lines)
    return torch.addcmul(start, rest, rise)


def drift(kernel: RadialKernel, points: Tensor, momenta: Tensor, carried: Tensor, steps: int) -> Tensor:
    """Carry points along the geodesic of momenta on points, by the midpoint rule; differentiable in the momenta.

    Args:
        kernel: G.
        points, momenta: [P, 2].
        carried: [Q, 2] mm, points that are carried and have no momentum.
        steps: number of time steps.

    Returns:
        [Q, 2] mm.
    """
    dt = 1 / steps
    for _ in range(steps):
        velocity, force = _hamilton(kernel, points, momenta)
        half, half_momenta = points + dt / 2 * velocity, momenta + dt / 2 * force
        between = carried + dt / 2 * _velocity_at(kernel, carried, points, momenta)
        velocity, force = _hamilton(kernel, half, half_momenta)
        carried = carried + dt * _velocity_at(kernel, between, half, half_momenta)
        points, momenta = points + dt * velocity, momenta + dt * force
    return carried


def trajectory(kernel: RadialKernel, points: Tensor, momenta: Tensor, steps: int) -> list[tuple[Tensor, Tensor]]:
    """Points and momenta [P, 2] at the steps + 1 times 0, 1/steps, …, 1, by the classical Runge–Kutta method."""
    dt = 1 / steps
    path = [(points, momenta)]
    for _ in range(steps):
        q, p = path[-1]
        first = _hamilton(kernel, q, p)
        second = _hamilton(kernel, q + dt / 2 * first[0], p + dt / 2 * first[1])
        third = _hamilton(kernel, q + dt / 2 * second[0], p + dt / 2 * second[1])
        fourth = _hamilton(kernel, q + dt * third[0], p + dt * third[1])
        q_rate, p_rate = (a + 2 * (b + c) + d for a, b, c, d in zip(first, second, third, fourth, strict=True))
        path.append((q + dt / 6 * q_rate, p + dt / 6 * p_rate))
    return path


def _hamilton(kernel: RadialKernel, points: Tensor, momenta: Tensor) -> tuple[Tensor, Tensor]:
    """q̇ and ṗ, [P, 2] each."""
    value, slope_x, slope_y = kernel.and_slope(points)
    product = momenta @ momenta.T
    return value @ momenta, -torch.stack(((product * slope_x).sum(dim=1), (product * slope_y).sum(dim=1)), dim=1)


def _velocity_at(kernel: RadialKernel, places: Tensor, points: Tensor, momenta: Tensor) -> Tensor:
    return kernel.between(places, points) @ momenta
