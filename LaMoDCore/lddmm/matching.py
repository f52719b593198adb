"""Registration by geodesic shooting: the initial velocity that carries one picture onto another.

    E(v₀) = Dist(S∘φ₁⁻¹, I)/(2σ²) + ½⟨v₀, L v₀⟩,      φ from v₀ by shooting
(LaMoD, eq. (1)). Nothing here is learned: this is the reference for everything that is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.heart.geometry import Array
from LaMoDCore.lddmm.epdiff import Shot, shoot
from LaMoDCore.lddmm.image_search import fit_images
from LaMoDCore.lddmm.metric import FluidMetric
from LaMoDCore.lddmm.outline_search import COARSE, FINE, PointMomentum, fit_outlines
from LaMoDCore.lddmm.particle_maps import maps_of_particles
from LaMoDCore.lddmm.warp import carry_mask

Content = Literal["mask", "image"]

#: Smooth over 5 mm, less than a wall: stiff enough that walls don't fold, soft enough for regional motion.
DEFAULT_METRIC = FluidMetric(alpha=25.0, gamma=1.0, power=2.0)
#: Pixel sizes of the grids on which an image's v₀ is sought, coarse to fine, as multiples of the picture's.
DEFAULT_LEVELS = (4.0, 2.0, 1.0)
#: σ of outlines, in the unit in which ∫ d² dc (mm³) weighs as much as ⟨v₀, L v₀⟩ (mm⁴); and of intensities.
DEFAULT_SIGMA: dict[Content, float] = {"mask": 0.006, "image": 0.004}


@dataclass(frozen=True, eq=False)
class Match:
    """A registration.

    Attributes:
        v0: [N, 2, H, W] mm.
        shot: its geodesic on the pictures' grid.
        distance: [N]: mean squared distance of the carried outlines from the target's, mm²; of images, mean squared
            difference at the finest level.
        energy: [N]: ⟨v₀, L v₀⟩.
        evaluations: how often the energy was computed, over all levels and pictures.
        momentum: of masks, the momentum on the outlines, one a picture.
    """

    v0: Tensor
    shot: Shot
    distance: Tensor
    energy: Tensor
    evaluations: int
    momentum: tuple[PointMomentum, ...] = field(default=())

    def carry_contour(self, mask: Array, spacing_mm: tuple[float, float], index: int = 0) -> Array:
        """A mask of the source's frame, bool [H, W], drawn at the target's frame."""
        return carry_mask(mask, self.shot.forward[index].cpu().numpy(), spacing_mm)


def match(
    source: Tensor,
    target: Tensor,
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    metric: FluidMetric = DEFAULT_METRIC,
    *,
    content: Content = "mask",
    sigma: float | None = None,
    levels: tuple[float, ...] = DEFAULT_LEVELS,
    iterations: int = 30,
    steps: int = 5,
    start: Match | None = None,
) -> Match:
    """Optimise v₀ from coarse to fine by L-BFGS in the metric's own inner product.

    Args:
        source: [N, C, H, W] masks (C = 1) or images at the reference frame.
        target: the same at the other frame.
        spacing_mm: (dx, dy).
        metric: of the geodesic; for masks with β = 0 and power > 1.
        content: "mask": the outlines of the wall are carried onto the target's, wherever they lie; "image":
            intensities are compared, divided by the target's SD, and blurred at the coarse levels.
        sigma: noise of the comparison; smaller fits closer. Default: `DEFAULT_SIGMA`.
        levels: of images: pixel sizes as multiples of the picture's, coarse to fine.
        iterations: of L-BFGS at each level.
        steps: time steps while searching; the result is computed in more.
        start: a match of the same source with a similar target; only the finest level is then searched.

    Raises:
        ValueError: for shapes that differ, an unknown content, an empty mask, or a metric that masks can't have.
    """
    _check(source, target, content)
    sigma = sigma or DEFAULT_SIGMA[content]
    if content == "mask":
        return _match_masks(source, target, spacing_mm, metric, sigma, iterations, steps, start)
    levels = levels if start is None else levels[-1:]
    v0, distance, evaluations = fit_images(
        source, target, spacing_mm, metric, levels,
        sigma=sigma, iterations=iterations, steps=steps, start=None if start is None else start.v0,
    )  # fmt: skip
    with torch.no_grad():
        return Match(v0, shoot(v0, metric, spacing_mm), distance, metric.energy(v0, spacing_mm), evaluations)


def match_cycle(
    pictures: Tensor,
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    metric: FluidMetric = DEFAULT_METRIC,
    *,
    content: Content = "mask",
    sigma: float | None = None,
    iterations: int = 30,
    steps: int = 5,
) -> list[Match]:
    """Match frame 0 with every frame of a cycle, each beginning where its neighbour ended.

    From frame 0 both ways round, so that early and late frames alike begin near the reference.

    Args:
        pictures: [T, H, W], masks or images of one heart beat.
        spacing_mm, metric, content, sigma, iterations, steps: as `match`.

    Returns:
        T matches; the first one is at rest.
    """
    frames = len(pictures)
    found: dict[int, Match] = {}
    ahead, behind = range(1, frames // 2 + 1), range(frames - 1, frames // 2, -1)
    reference = pictures[:1, None]
    found[0] = _at_rest(reference, metric, spacing_mm)
    for way in (ahead, behind):
        before: Match | None = None
        for frame in way:
            before = found[frame] = match(
                reference, pictures[frame : frame + 1, None], spacing_mm, metric,
                content=content, sigma=sigma, iterations=iterations, steps=steps, start=before,
            )  # fmt: skip
    return [found[frame] for frame in range(frames)]


def carry(mask: Array, cycle: list[Match], spacing_mm: tuple[float, float] = (1.0, 1.0)) -> Array:
    """A contour drawn at frame 0, as a mask [H, W], in every frame of `match_cycle`: bool [T, H, W]."""
    return np.stack([found.carry_contour(mask, spacing_mm) for found in cycle])


def _match_masks(
    source: Tensor,
    target: Tensor,
    spacing_mm: tuple[float, float],
    metric: FluidMetric,
    sigma: float,
    iterations: int,
    steps: int,
    start: Match | None,
) -> Match:
    height, width = source.shape[-2:]
    levels = (COARSE, FINE) if start is None else (FINE,)
    fits, velocities, shots = [], [], []
    for index, (one, other) in enumerate(zip(source[:, 0], target[:, 0], strict=True)):
        fit = fit_outlines(
            (one > 0.5).cpu().numpy(), (other > 0.5).cpu().numpy(), spacing_mm, metric, levels,
            sigma=sigma, iterations=iterations, steps=steps, device=source.device,
            start=start.momentum[index] if start is not None and start.momentum else None,
        )  # fmt: skip
        with torch.no_grad():
            momentum = fit.momentum
            v0, shot = maps_of_particles(momentum.points, momentum.momenta, metric, (height, width), spacing_mm)
        fits.append(fit)
        velocities.append(v0)
        shots.append(shot)
    whole = Shot(
        torch.cat([shot.forward for shot in shots]),
        torch.cat([shot.inverse for shot in shots]),
        torch.cat([shot.jacobian for shot in shots]),
    )
    return Match(
        torch.cat(velocities),
        whole,
        torch.tensor([fit.distance for fit in fits]),
        torch.tensor([fit.energy for fit in fits]),
        sum(fit.evaluations for fit in fits),
        tuple(fit.momentum for fit in fits),
    )


def _at_rest(reference: Tensor, metric: FluidMetric, spacing_mm: tuple[float, float]) -> Match:
    still = torch.zeros(1, 2, *reference.shape[-2:], device=reference.device)
    return Match(still, shoot(still, metric, spacing_mm, steps=1), torch.zeros(1), torch.zeros(1), 0)


def _check(source: Tensor, target: Tensor, content: str) -> None:
    if source.ndim != 4 or source.shape != target.shape:
        raise ValueError(
            f"source and target must both be [N, C, H, W], got {tuple(source.shape)} and {tuple(target.shape)}"
        )
    if content not in ("mask", "image"):
        raise ValueError(f"content must be mask or image, got {content!r}")
    if content == "mask" and source.shape[1] != 1:
        raise ValueError(f"masks must be [N, 1, H, W], got {tuple(source.shape)}")
    if content == "mask" and not all((p > 0.5).flatten(1).any(dim=1).all() for p in (source, target)):
        raise ValueError("a mask is empty: there is nothing to match")
