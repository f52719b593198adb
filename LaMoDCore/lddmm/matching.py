"""Registration by geodesic shooting: the initial velocity that carries one picture onto another.

    E(v₀) = Dist(S∘φ₁⁻¹, I)/(2σ²) + ½⟨v₀, L v₀⟩,      φ from v₀ by shooting
(LaMoD, eq. (1); Vialard et al., "Diffeomorphic 3D image registration via geodesic shooting using an efficient
adjoint calculation", IJCV 97, 2012). Nothing here is learned: this is the reference for everything that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import interpolate

from LaMoDCore.lddmm.differences import jacobian_determinant
from LaMoDCore.lddmm.epdiff import Shot, shoot
from LaMoDCore.lddmm.metric import FluidMetric
from LaMoDCore.lddmm.minimise import minimise
from LaMoDCore.lddmm.warp import carry_mask, warp_image
from LaMoDCore.ring import signed_distance_mm

Content = Literal["mask", "image"]

#: Smooth over 5 mm, less than a wall: stiff enough that walls don't fold, soft enough for regional motion.
DEFAULT_METRIC = FluidMetric(alpha=25.0, gamma=1.0, power=2.0)
#: Pixel sizes of the grids on which v₀ is sought, coarse to fine, as multiples of the picture's.
DEFAULT_LEVELS = (4.0, 2.0, 1.0)
#: Trial motions that shrink area below this part, forwards or backwards, are refused: few time steps can't follow.
MIN_AREA = 0.02
#: No grid is coarser than this part of the metric's length, or geodesics are not resolved.
MAX_PIXEL_LENGTHS = 0.5
#: At each level, edges fade over this many of its pixels.
SOFTNESS_PIXELS = 2.0


@dataclass(frozen=True, eq=False)
class Match:
    """A registration.

    Attributes:
        v0: [N, 2, H, W] mm.
        shot: its geodesic on the pictures' grid.
        distance: [N]: mean squared difference between carried and target picture at the finest level.
        energy: [N]: ⟨v₀, L v₀⟩.
        evaluations: how often the energy was computed, over all levels.
    """

    v0: Tensor
    shot: Shot
    distance: Tensor
    energy: Tensor
    evaluations: int

    def carry_contour(self, mask: np.ndarray, spacing_mm: tuple[float, float], index: int = 0) -> np.ndarray:
        """A mask of the source's frame, bool [H, W], drawn at the target's frame."""
        return carry_mask(mask, self.shot.forward[index].cpu().numpy(), spacing_mm)


def match(
    source: Tensor,
    target: Tensor,
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    metric: FluidMetric = DEFAULT_METRIC,
    *,
    content: Content = "mask",
    sigma: float = 0.004,
    levels: tuple[float, ...] = DEFAULT_LEVELS,
    iterations: int = 25,
    steps: int = 4,
) -> Match:
    """Optimise v₀ from coarse to fine by L-BFGS in the metric's own inner product.

    Args:
        source: [N, C, H, W] masks or images at the reference frame.
        target: the same at the other frame.
        spacing_mm: (dx, dy).
        metric: of the geodesic.
        content: "mask": occupancies are compared, softened over the level's pixel size by their signed distance,
            so that far edges still attract; "image": intensities, divided by the target's SD and blurred alike.
        sigma: noise level of the comparison; smaller fits closer.
        levels: pixel sizes as multiples of the picture's, coarse to fine.
        iterations: of L-BFGS at each level.
        steps: time steps of RK4 while searching; the result is shot in ten.

    Raises:
        ValueError: for shapes that differ, an unknown content, or an empty mask.
    """
    _check(source, target, content)
    height, width = source.shape[-2:]
    scale = float(target.float().std()) or 1.0
    evaluations = 0
    v0 = torch.zeros(len(source), 2, height, width, device=source.device)
    distance = torch.zeros(len(source))
    spacing = spacing_mm
    for level in levels:
        pixel_mm = min(level * min(spacing_mm), max(MAX_PIXEL_LENGTHS * metric.length_mm, min(spacing_mm)))
        shape = (_pixels(height, spacing_mm[1] / pixel_mm), _pixels(width, spacing_mm[0] / pixel_mm))
        softness = SOFTNESS_PIXELS * level * min(spacing_mm)
        moving, fixed = (
            _resize(_prepare(picture, scale, spacing_mm, content, softness), shape) for picture in (source, target)
        )
        coarse, spacing = spacing, _spacing(spacing_mm, (height, width), shape)
        search = _Search(moving, fixed, metric, spacing, sigma, steps)
        v0 = search.run(_transfer(v0, metric, coarse, shape, spacing), iterations)
        distance, evaluations = search.distance, evaluations + search.evaluations
    v0 = _transfer(v0, metric, spacing, (height, width), spacing_mm)
    with torch.no_grad():
        shot = shoot(v0, metric, spacing_mm)
        return Match(v0, shot, distance, metric.energy(v0, spacing_mm), evaluations)


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
        # What a coarse grid could follow, a finer one may find folded: begin a little short of it.
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


def _prepare(
    pictures: Tensor, scale: float, spacing_mm: tuple[float, float], content: Content, softness_mm: float
) -> Tensor:
    """What is compared at a level: float32 [N, C', H, W] on the pictures' own grid."""
    dx, dy = spacing_mm
    values = pictures.detach().cpu().numpy()
    if content == "image":
        blur = 0.5 * softness_mm
        smooth = ndimage.gaussian_filter(values.astype(np.float32) / scale, (0, 0, blur / dy, blur / dx))
        return torch.from_numpy(smooth).to(pictures.device)
    soft = [[side for mask in case for side in _soft_sides(mask > 0.5, spacing_mm, softness_mm)] for case in values]
    return torch.from_numpy(np.array(soft, dtype=np.float32)).to(pictures.device)


def _soft_sides(mask: np.ndarray, spacing_mm: tuple[float, float], softness_mm: float) -> list[np.ndarray]:
    """A ring as two discs, inside the epicardium and inside the cavity, each fading over ``softness_mm``.

    Two discs attract each other however far they are apart; two thin rings that don't overlap would not.
    """
    filled = ndimage.binary_fill_holes(mask)
    sides = []
    for region in (filled, filled & ~mask):
        signed = np.clip(signed_distance_mm(region, spacing_mm) * (2 / softness_mm), -60, 60)
        sides.append(1 / (1 + np.exp(signed)))
    return sides


def _pixels(size: int, scale: float) -> int:
    return min(size, max(8, round((size - 1) * scale) + 1))


def _spacing(spacing_mm: tuple[float, float], full: tuple[int, int], shape: tuple[int, int]) -> tuple[float, float]:
    """(dx, dy) of a grid whose corner pixels' centres are those of the full grid."""
    dx, dy = spacing_mm
    return dx * (full[1] - 1) / (shape[1] - 1), dy * (full[0] - 1) / (shape[0] - 1)


def _transfer(
    velocity: Tensor,
    metric: FluidMetric,
    spacing_mm: tuple[float, float],
    shape: tuple[int, int],
    new_spacing_mm: tuple[float, float],
) -> Tensor:
    """A velocity on another grid, by way of its momentum: K smooths what interpolation leaves."""
    if tuple(velocity.shape[-2:]) == shape:
        return velocity
    return metric.apply_K(_resize(metric.apply_L(velocity, spacing_mm), shape), new_spacing_mm)


def _resize(field: Tensor, shape: tuple[int, int]) -> Tensor:
    if tuple(field.shape[-2:]) == shape:
        return field
    return interpolate(field, shape, mode="bilinear", align_corners=True)


def _check(source: Tensor, target: Tensor, content: str) -> None:
    if source.ndim != 4 or source.shape != target.shape:
        raise ValueError(
            f"source and target must both be [N, C, H, W], got {tuple(source.shape)} and {tuple(target.shape)}"
        )
    if content not in ("mask", "image"):
        raise ValueError(f"content must be mask or image, got {content!r}")
    if content == "mask" and not all((p > 0.5).flatten(1).any(dim=1).all() for p in (source, target)):
        raise ValueError("a mask is empty: there is nothing to match")
