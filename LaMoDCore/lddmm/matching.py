"""Registration by geodesic shooting: the initial velocity that carries one image onto another.

    E(v₀) = Dist(S∘φ₁⁻¹, I)/(2σ²) + ½⟨v₀, L v₀⟩,      φ from v₀ by shooting
(LaMoD, eq. (1)). Nothing here is learned: this is the reference for the networks.
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

#: Smooth over 5 mm, less than the wall's thickness: stiff enough to prevent folding, soft enough for regional motion.
DEFAULT_METRIC = FluidMetric(alpha=25.0, gamma=1.0, power=2.0)
#: Pixel sizes of the grids on which v₀ of an image is optimised, coarse to fine, as multiples of the image's.
DEFAULT_LEVELS = (4.0, 2.0, 1.0)
#: σ of outlines, in units that give ∫ d² dc (mm³) the weight of ⟨v₀, L v₀⟩ (mm⁴); and of intensities.
DEFAULT_SIGMA: dict[Content, float] = {"mask": 0.006, "image": 0.004}


@dataclass(frozen=True, eq=False)
class Match:
    """Result of a registration.

    Attributes:
        v0: [N, 2, H, W] mm.
        shot: its geodesic on the grid of the images.
        distance: [N]: for masks, mean squared distance of the carried outlines from the target's, mm²; for images, mean
            squared difference at the finest level.
        energy: [N]: ⟨v₀, L v₀⟩.
        evaluations: number of evaluations of the energy over all levels and images.
        momentum: momentum on the outlines of each mask (masks only).
    """

    v0: Tensor
    shot: Shot
    distance: Tensor
    energy: Tensor
    evaluations: int
    momentum: tuple[PointMomentum, ...] = field(default=())

    def carry_contour(self, mask: Array, spacing_mm: tuple[float, float], index: int = 0) -> Array:
        """Carry a mask of the source's frame, bool [H, W], to the target's frame."""
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
        metric: metric of the geodesic; for masks with β = 0 and power > 1.
        content: "mask" carries the outlines of the wall onto the target's; "image" compares intensities divided by the
            target's standard deviation and blurred at the coarse levels.
        sigma: noise of the comparison; smaller values fit more closely. Default: `DEFAULT_SIGMA`.
        levels: pixel sizes as multiples of the image's, coarse to fine (images only).
        iterations: number of L-BFGS iterations at each level.
        steps: number of time steps during the optimisation; the result is computed with more.
        start: a match of the same source with a similar target; then only the finest level is optimised.

    Raises:
        ValueError: the shapes differ, the content is unknown, a mask is empty, or masks do not allow the metric.
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
    """Match frame 0 with every frame of a cycle, each starting from the result of its neighbour.

    The frames are matched in both directions from frame 0, so that early and late frames both start near the reference.

    Args:
        pictures: [T, H, W], masks or images of one heart beat.
        spacing_mm, metric, content, sigma, iterations, steps: as for `match`.

    Returns:
        T matches; the first one is the identity.
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
    """Carry a mask [H, W] drawn at frame 0 to every frame of `match_cycle`: bool [T, H, W]."""
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
