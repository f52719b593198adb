"""Augmentation of training slices: rotation, translation, scale and contour jitter; never a mirror image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.data.thickening import draw_thickening
from LaMoDCore.training.run.settings import AugmentationConfig

#: Control points of the jitter: along the cycle and along each axis of the image (one per 18 mm).
_JITTER_POINTS = (8, 7, 7)


@dataclass(frozen=True, eq=False)
class Batch:
    """N slices on the canonical grid.

    Attributes:
        masks: [N, 1, 40, 128, 128] as drawn.
        clean: masks without annotator errors.
        displacement: [N, 2, 40, 64, 64] mm.
        weight: [N, 1, 40, 64, 64], 0…1: the measured share of a block.
        levels: int [N], the `level_number` of each slice.
        numbers: int [N] on the CPU, the numbers of the slices in the cache; None if the slices are augmented.
    """

    masks: Tensor
    clean: Tensor
    displacement: Tensor
    weight: Tensor
    levels: Tensor | None = None
    numbers: Tensor | None = None


def augment(batch: Batch, config: AugmentationConfig, draws: Draws) -> Batch:
    """Change the thickening of the walls, apply one random similarity per slice, and jitter the drawn contours.

    Some slices lose their annotator errors, some their level. The similarity is the same for all frames: rotation R and
    scale s map u(X) to s·R u(R⁻¹X/s). The random numbers of a slice depend on its own generator only, never on the
    other slices of the batch.
    """
    n, _, frames, height, width = batch.masks.shape
    device = batch.masks.device
    half_mm = width / 2  # grid_sample's coordinates are in units of half the image
    thickening = draw_thickening(batch.clean, config, draws)
    displacement = thickening.applied_to_displacement(batch.displacement)

    angle = torch.where(
        draws.uniform() < config.full_turn_share,
        draws.uniform() * 2 * torch.pi,
        draws.normal() * (config.turn_degrees * torch.pi / 180),
    )
    scale = torch.exp(draws.normal() * config.scale).to(device)
    shift = (draws.normal(2) * config.shift_mm / half_mm).to(device)
    cosine, sine = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], dim=1).to(device)
    back = turn.transpose(1, 2) / scale[:, None, None]
    theta = torch.cat([back, -(back @ shift[:, :, None])], dim=2)

    fine = functional.affine_grid(theta, [n, 1, height, width], align_corners=False)
    grids = thickening.inverse(fine[:, None] * half_mm) / half_mm  # [N, T, H, W, 2]
    clean = functional.grid_sample(
        batch.clean[:, 0].flatten(0, 1)[:, None], grids.flatten(0, 1), align_corners=False
    ).view_as(batch.clean)
    grids = grids + _contour_jitter(draws, frames, (height, width), config.jitter_mm, device) / half_mm
    careful = draws.uniform(1, 1, 1, 1).to(device) < config.clean_share
    drawn = torch.where(careful, batch.clean, batch.masks)
    masks = functional.grid_sample(
        drawn[:, 0].flatten(0, 1)[:, None], grids.flatten(0, 1), align_corners=False
    ).view_as(batch.masks)

    half = functional.affine_grid(theta, [n, 1, height // 2, width // 2], align_corners=False)
    weighted = functional.grid_sample((displacement * batch.weight).flatten(1, 2), half, align_corners=False)
    share = functional.grid_sample(batch.weight[:, 0], half, align_corners=False)[:, None]
    displacement = weighted.view_as(batch.displacement) / share.clamp(min=1e-3)
    displacement = torch.einsum("nab,nbthw->nathw", turn * scale[:, None, None], displacement)
    hidden = (draws.uniform() < config.level_hidden_share).to(device)
    levels = None if batch.levels is None else torch.where(hidden, torch.zeros_like(batch.levels), batch.levels)
    return Batch(masks, clean, displacement, torch.where(share >= 0.5, share, torch.zeros_like(share)), levels)


def _contour_jitter(
    draws: Draws, frames: int, size: tuple[int, int], largest_mm: float, device: torch.device
) -> Tensor:
    """Smooth random offsets in mm, [N, T, H, W, 2], with one amplitude per slice."""
    n = len(draws)
    coarse = draws.normal(2, *_JITTER_POINTS).to(device)
    amplitude = largest_mm * draws.uniform(1, 1, 1, 1).to(device)
    cyclic = torch.cat([coarse, coarse[:, :, :1]], dim=2)
    in_time = functional.interpolate(cyclic.flatten(3), size=(frames + 1, cyclic[0, 0, 0].numel()), mode="bilinear")
    in_time = in_time[:, :, :frames].reshape(n * 2, frames, *_JITTER_POINTS[1:])
    smooth = functional.interpolate(in_time, size=size, mode="bilinear", align_corners=False)
    return smooth.view(n, 2, frames, *size).permute(0, 2, 3, 4, 1) * amplitude
