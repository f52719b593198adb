"""Augmentation of the wall's gain in in-plane area, consistent between motion and masks.

The gain of a wall in area over systole varies more between people, scanners and readers than within any cohort
(0–40 %). After the heart's own motion φ_τ, the plane is mapped by
    ψ_τ: r² − R(τ)² -> g(τ)·(r² − R(τ)²)
about the wall's centroid, with R the radius of the endocardium. Its determinant is g everywhere, so the area under
ψ_τ∘φ_τ is g times as large, the endocardium does not change, and u′(X) = ψ_τ(X + u(X)) − X is the exact motion of the
new masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from LaMoDCore.heart.canonical import SIZE, SPACING_MM
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.run.settings import AugmentationConfig

#: Smallest factor on radii towards the centre, where ψ would fold.
_LEAST_SHRINKING = 0.3


@dataclass(frozen=True, eq=False)
class Thickening:
    """ψ of N slices at T frames; positions in mm from the image centre.

    Attributes:
        center: [N, T, 2] centroid of the wall.
        inner_square: [N, T] R², mm².
        gain: [N, T] g.
    """

    center: Tensor
    inner_square: Tensor
    gain: Tensor

    def applied_to_displacement(self, displacement: Tensor) -> Tensor:
        """u -> u′; [N, 2, T, h, w] in mm on blocks that tile the image."""
        height, width = displacement.shape[-2:]
        pixel = SIZE * SPACING_MM / width
        x, y = torch.meshgrid(
            (torch.arange(width) + 0.5 - width / 2) * pixel,
            (torch.arange(height) + 0.5 - height / 2) * pixel,
            indexing="xy",
        )
        material = torch.stack([x, y], dim=-1).to(displacement.device)
        moved = material + displacement.permute(0, 2, 3, 4, 1)
        return (self._scaled(moved, self.gain) - material).permute(0, 4, 1, 2, 3)

    def inverse(self, positions: Tensor) -> Tensor:
        """ψ⁻¹ of positions [N, 1 or T, H, W, 2] -> [N, T, H, W, 2]."""
        return self._scaled(positions, 1 / self.gain)

    def _scaled(self, positions: Tensor, gain: Tensor) -> Tensor:
        center = self.center[:, :, None, None]
        offset = positions - center
        square = offset.square().sum(dim=-1, keepdim=True).clamp(min=1e-6)
        inner, factor = self.inner_square[:, :, None, None, None], gain[:, :, None, None, None]
        wanted = inner + factor * (square - inner)
        return center + offset * (wanted / square).clamp(min=_LEAST_SHRINKING**2).sqrt()


def draw_thickening(clean: Tensor, config: AugmentationConfig, draws: Draws) -> Thickening:
    """Draw ψ for clean masks [N, 1, T, H, W]: no change at end-diastole, most when the cavity is smallest.

    R² follows from the wall's area A and second moment I about its centroid: R² = I/A − A/2π for a ring.
    """
    width = clean.shape[-1]
    wall = clean[:, 0]
    axis = torch.arange(width, device=clean.device) + 0.5 - width / 2
    area = wall.sum(dim=(2, 3)).clamp(min=1.0)
    columns, rows = wall.sum(dim=2), wall.sum(dim=3)
    center = torch.stack([(columns * axis).sum(-1), (rows * axis).sum(-1)], dim=-1) / area[..., None]
    second = ((columns + rows) * axis.square()).sum(-1) / area - center.square().sum(-1)
    inner_square = (second - area / (2 * torch.pi)).clamp(min=1.0)

    emptied = (inner_square[:, :1] - inner_square).clamp(min=0.0)
    activity = emptied / emptied.amax(dim=1, keepdim=True).clamp(min=1.0)
    span = config.thickening_most - config.thickening_least
    gain = config.thickening_least + span * draws.uniform(1)
    applied = draws.uniform(1) < config.thickening_share
    gain = torch.where(applied, gain, torch.zeros_like(gain)).to(clean.device)
    return Thickening(center, inner_square, 1 + gain * activity)
