"""Registration of masks: a geodesic with its momentum on the outlines that carries them onto the target's.

    E(p) = Σ ∫ d(φ₁(c))² dc / (2σ²) + ½⟨v₀, L v₀⟩,      v₀ = Σ G(· − qᵢ) pᵢ
over the source's outlines c (epicardium and cavity), d being the distance from the target's outline. The optimal v₀
of such a sum has its momentum on the compared points, so a grid would not give a better one (Glaunès, Qiu, Miller and
Younes, "Large deformation diffeomorphic metric curve mapping", IJCV 80, 2008). A thin wall can be followed even if it
moves by more than its thickness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from LaMoDCore.heart.geometry import Array
from LaMoDCore.lddmm.interpolation import sample_linear_clamped
from LaMoDCore.lddmm.metric import FluidMetric
from LaMoDCore.lddmm.minimise import minimise
from LaMoDCore.lddmm.outline import distance_to_depth, distance_to_outlines, outlines, resampled
from LaMoDCore.lddmm.particles import RadialKernel, drift

#: Added to the diagonal of G as a part of G(0), so that momenta of close points do not cancel each other.
_NUGGET = 1e-3


@dataclass(frozen=True)
class OutlineLevel:
    """Resolution of the outlines.

    Attributes:
        points_mm: distance between points with momentum.
        samples_mm: distance between compared points; at least a pixel.
        sigma: σ as a multiple of the given one.
        iterations: L-BFGS iterations as a multiple of the given number.
    """

    points_mm: float
    samples_mm: float
    sigma: float
    iterations: float


COARSE = OutlineLevel(points_mm=5.0, samples_mm=3.0, sigma=8.0, iterations=0.5)
FINE = OutlineLevel(points_mm=2.5, samples_mm=1.25, sigma=1.0, iterations=1.0)


@dataclass(frozen=True, eq=False)
class PointMomentum:
    """Momenta [P, 2] on points [P, 2] mm from the centre of pixel (0, 0)."""

    points: Tensor
    momenta: Tensor


@dataclass(frozen=True, eq=False)
class OutlineFit:
    """Result of the registration of outlines.

    Attributes:
        momentum: m₀.
        distance: mean squared distance of the carried outlines from the target's, mm².
        energy: ⟨v₀, L v₀⟩.
        evaluations: number of evaluations of the energy.
    """

    momentum: PointMomentum
    distance: float
    energy: float
    evaluations: int


def fit_outlines(
    source: Array,
    target: Array,
    spacing_mm: tuple[float, float],
    metric: FluidMetric,
    levels: tuple[OutlineLevel, ...],
    *,
    sigma: float,
    iterations: int,
    steps: int,
    start: PointMomentum | None = None,
    device: torch.device | None = None,
) -> OutlineFit:
    """Optimise p from coarse to fine by L-BFGS in the metric's own inner product.

    Args:
        source, target: bool [H, W], not empty. A ring has two outlines. A cavity that is missing in the target is
            contracted to a pixel at the wall's deepest point.
        spacing_mm: (dx, dy).
        metric: metric with β = 0.
        levels: coarse to fine.
        sigma, iterations: values at the finest level.
        steps: number of time steps.
        start: initial m₀.
        device: device of the computation.
    """
    curves, distances = _curves_and_distances(source, target, spacing_mm)
    fields = torch.from_numpy(np.stack(distances)).float()[:, None].to(device)
    kernel = RadialKernel(metric, fields)
    momentum, evaluations = start, 0
    for level in levels:
        search = _Search(curves, fields, kernel, spacing_mm, level, sigma, steps)
        momentum = search.run(momentum, max(1, round(level.iterations * iterations)))
        evaluations += search.evaluations
    assert momentum is not None
    inner = kernel.between(momentum.points, momentum.points) @ momentum.momenta
    return OutlineFit(momentum, search.distance, float((inner * momentum.momenta).sum()), evaluations)


class _Search:
    """One level: L-BFGS over whitened momenta."""

    def __init__(
        self,
        curves: list[list[Array]],
        fields: Tensor,
        kernel: RadialKernel,
        spacing_mm: tuple[float, float],
        level: OutlineLevel,
        sigma: float,
        steps: int,
    ) -> None:
        self.fields, self.kernel, self.spacing_mm, self.steps = fields, kernel, spacing_mm, steps
        self.weight = 1 / (2 * (level.sigma * sigma) ** 2)
        self.points = torch.from_numpy(
            np.concatenate([resampled(curve, level.points_mm)[0] for side in curves for curve in side])
        ).to(fields)
        samples_mm = max(level.samples_mm, min(spacing_mm))
        sampled = [[resampled(curve, samples_mm) for curve in side] for side in curves]
        self.counts = [sum(len(points) for points, _ in side) for side in sampled]
        self.samples = torch.from_numpy(np.concatenate([points for side in sampled for points, _ in side])).to(fields)
        self.lengths = torch.from_numpy(
            np.concatenate([np.full(len(points), length) for side in sampled for points, length in side])
        ).to(fields)
        own = kernel.between(self.points, self.points)
        self.root = torch.linalg.cholesky(own + _NUGGET * own[0, 0] * torch.eye(len(own)).to(own))
        self.evaluations = 0
        self.distance = 0.0

    def run(self, start: PointMomentum | None, iterations: int) -> PointMomentum:
        white = torch.zeros_like(self.points)
        if start is not None:
            velocity = self.kernel.between(self.points, start.points) @ start.momenta
            white = torch.linalg.solve_triangular(self.root, velocity, upper=False)
        return PointMomentum(self.points, self._momenta(minimise(self._energy, white, iterations)))

    def _momenta(self, white: Tensor) -> Tensor:
        """p of v = G p = R z, with G = R Rᵀ: gradient descent in z is gradient descent in the metric."""
        momenta: Tensor = torch.linalg.solve_triangular(self.root.T, white, upper=True)
        return momenta

    def _energy(self, white: Tensor) -> Tensor:
        self.evaluations += 1
        carried = drift(self.kernel, self.points, self._momenta(white), self.samples, self.steps)
        x, y = carried[:, 0] / self.spacing_mm[0], carried[:, 1] / self.spacing_mm[1]
        away = torch.cat(
            [
                sample_linear_clamped(field[None], x_side[None, None], y_side[None, None])[0, 0, 0]
                for field, x_side, y_side in zip(
                    self.fields, torch.split(x, self.counts), torch.split(y, self.counts), strict=True
                )
            ]
        )
        squared = (self.lengths * away.square()).sum()
        self.distance = float(squared.detach() / self.lengths.sum())
        return self.weight * squared + 0.5 * white.square().sum()


def _curves_and_distances(
    source: Array, target: Array, spacing_mm: tuple[float, float]
) -> tuple[list[list[Array]], list[Array]]:
    """For each boundary, the source's curves and the distance map of the target's."""
    curves, distances = [], []
    region = ndimage.binary_fill_holes(target)
    for own, other in zip(_boundary_regions(source), _boundary_regions(target), strict=True):
        if not own.any():
            continue
        curves.append(outlines(own, spacing_mm))
        if other.any():
            distances.append(distance_to_outlines(other, outlines(other, spacing_mm), spacing_mm))
        else:
            distances.append(distance_to_depth(region, spacing_mm))
    return curves, distances


def _boundary_regions(mask: Array) -> tuple[Array, Array]:
    """The regions enclosed by the epicardium and by the endocardium."""
    filled = ndimage.binary_fill_holes(mask)
    return filled, filled & ~mask
