"""Registration of images: optimise v₀ on a grid from coarse to fine.

    E(v₀) = ‖S∘φ₁⁻¹ − I‖²/(2σ²) + ½⟨v₀, L v₀⟩
(Vialard et al., "Diffeomorphic 3D image registration via geodesic shooting using an efficient adjoint calculation",
IJCV 97, 2012).
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import interpolate

from LaMoDCore.lddmm.differences import jacobian_determinant
from LaMoDCore.lddmm.epdiff import shoot
from LaMoDCore.lddmm.metric import FluidMetric
from LaMoDCore.lddmm.minimise import minimise
from LaMoDCore.lddmm.warp import warp_image

#: Trial motions that shrink an area below this part, forwards or backwards, are rejected, since a few time steps do not
#: resolve them.
MIN_AREA = 0.02
#: Largest pixel of a grid as a part of the metric's length; coarser grids do not resolve geodesics.
MAX_PIXEL_LENGTHS = 0.5
#: Standard deviation of the blur at each level, in pixels of that level.
BLUR_PIXELS = 1.0


def fit_images(
    source: Tensor,
    target: Tensor,
    spacing_mm: tuple[float, float],
    metric: FluidMetric,
    levels: tuple[float, ...],
    *,
    sigma: float,
    iterations: int,
    steps: int,
    start: Tensor | None = None,
) -> tuple[Tensor, Tensor, int]:
    """Optimise v₀ from coarse to fine by L-BFGS in the metric's own inner product.

    Args:
        source, target: [N, C, H, W].
        spacing_mm: (dx, dy).
        metric: metric of the geodesic.
        levels: pixel sizes as multiples of the image's, coarse to fine.
        sigma: noise of the intensities, in units of the target's standard deviation.
        iterations: number of iterations at each level.
        steps: number of RK4 time steps.
        start: initial v₀ [N, 2, H, W].

    Returns:
        v₀ [N, 2, H, W] mm, mean squared differences [N], and the number of evaluations of the energy.
    """
    height, width = source.shape[-2:]
    scale = float(target.float().std()) or 1.0
    evaluations = 0
    v0 = torch.zeros(len(source), 2, height, width, device=source.device) if start is None else start
    distance = torch.zeros(len(source))
    spacing = spacing_mm
    for level in levels:
        pixel_mm = min(level * min(spacing_mm), max(MAX_PIXEL_LENGTHS * metric.length_mm, min(spacing_mm)))
        shape = (_pixels(height, spacing_mm[1] / pixel_mm), _pixels(width, spacing_mm[0] / pixel_mm))
        blur_mm = BLUR_PIXELS * level * min(spacing_mm)
        moving, fixed = (_resize(_blurred(p, scale, spacing_mm, blur_mm), shape) for p in (source, target))
        coarse, spacing = spacing, _spacing(spacing_mm, (height, width), shape)
        search = _Search(moving, fixed, metric, spacing, sigma, steps)
        v0 = search.run(_transfer(v0, metric, coarse, shape, spacing), iterations)
        distance, evaluations = search.distance, evaluations + search.evaluations
    return _transfer(v0, metric, spacing, (height, width), spacing_mm), distance, evaluations


class _Search:
    """One level: L-BFGS over the whitened velocity."""

    def __init__(
        self,
        source: Tensor,
        target: Tensor,
        metric: FluidMetric,
        spacing_mm: tuple[float, float],
        sigma: float,
        steps: int,
    ) -> None:
        self.source, self.target = source, target
        self.metric, self.spacing_mm = metric, spacing_mm
        self.weight = spacing_mm[0] * spacing_mm[1] / (2 * sigma**2)
        self.steps = steps
        self.evaluations = 0
        self.distance = torch.zeros(len(source))

    def run(self, v0: Tensor, iterations: int) -> Tensor:
        white = self.metric.whiten(v0, self.spacing_mm)
        # A motion that is regular on a coarse grid may fold on a finer one: reduce it until the energy is finite.
        with torch.no_grad():
            while white.any() and not bool(torch.isfinite(self.energy(white))):
                white = 0.9 * white
        return self.metric.colour(minimise(self.energy, white, iterations), self.spacing_mm)

    def energy(self, white: Tensor) -> Tensor:
        self.evaluations += 1
        velocity = self.metric.colour(white, self.spacing_mm)
        shot = shoot(velocity, self.metric, self.spacing_mm, self.steps, "rk4", interpolation="linear")
        difference = (warp_image(self.source, shot.inverse, self.spacing_mm) - self.target).square()
        self.distance = difference.detach().mean(dim=(1, 2, 3)).cpu()
        with torch.no_grad():
            area = torch.minimum(shot.jacobian, jacobian_determinant(shot.inverse, self.spacing_mm))
        if not bool(area.min() > MIN_AREA):
            return torch.full_like(self.weight * difference.sum(), float("inf"))
        pixel = self.spacing_mm[0] * self.spacing_mm[1]
        return self.weight * difference.sum() + 0.5 * pixel * white.square().sum()


def _blurred(pictures: Tensor, scale: float, spacing_mm: tuple[float, float], blur_mm: float) -> Tensor:
    """Images to compare at a level: float32 [N, C, H, W] on their own grid, scaled and blurred."""
    dx, dy = spacing_mm
    values = pictures.detach().cpu().numpy().astype(np.float32) / scale
    smooth = ndimage.gaussian_filter(values, (0, 0, blur_mm / dy, blur_mm / dx))
    return torch.from_numpy(smooth).to(pictures.device)


def _pixels(size: int, scale: float) -> int:
    return min(size, max(8, round((size - 1) * scale) + 1))


def _spacing(spacing_mm: tuple[float, float], full: tuple[int, int], shape: tuple[int, int]) -> tuple[float, float]:
    """(dx, dy) of a grid whose corner pixels have the same centres as those of the full grid."""
    dx, dy = spacing_mm
    return dx * (full[1] - 1) / (shape[1] - 1), dy * (full[0] - 1) / (shape[0] - 1)


def _transfer(
    velocity: Tensor,
    metric: FluidMetric,
    spacing_mm: tuple[float, float],
    shape: tuple[int, int],
    new_spacing_mm: tuple[float, float],
) -> Tensor:
    """Resample a velocity by interpolating its momentum; K smooths the interpolation errors."""
    if tuple(velocity.shape[-2:]) == shape:
        return velocity
    return metric.apply_K(_resize(metric.apply_L(velocity, spacing_mm), shape), new_spacing_mm)


def _resize(field: Tensor, shape: tuple[int, int]) -> Tensor:
    if tuple(field.shape[-2:]) == shape:
        return field
    return interpolate(field, shape, mode="bilinear", align_corners=True)
