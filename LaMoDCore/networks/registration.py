"""The registration network: E_R encodes pairs of masks as a latent z, D_R decodes z to initial velocities v₀.

Xing et al. 2024, § 3.1: a U-Net-like encoder and decoder; EPDiff shoots v₀ to φ (eqs. 1–3).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.heart.case import LEVELS, Level
from LaMoDCore.networks.blocks import ResidualBlock, merge_frames, split_frames
from LaMoDCore.networks.spline import b_spline_upsample

#: Frames of the cycle per latent frame: 20 latent frames hold ten harmonics of the cycle.
LATENT_FRAME_STRIDE = 2
_POINTS_PER_CONTROL = 2


def level_number(level: Level | None) -> int:
    """Number of a level for the encoder: 0 if unknown, else its index in ``LEVELS`` plus one."""
    return 0 if level is None else 1 + LEVELS.index(level)


class RegistrationEncoder(nn.Module):
    """E_R: masks [N, 1, T, 128, 128] -> z [N, C, T/2, 16, 16].

    Every second frame is stacked with frame 0 as the pair (I⁰, I^τ), and with its two neighbours in the cycle, so that
    every frame is used. Convolutions in space reduce the pairs to one latent pixel per 8 mm; circular convolutions in
    time connect neighbouring frames. Base and apex rotate in opposite directions, which the masks of one slice hardly
    show; so an embedding of the slice's level, if known, is added to every feature.

    Args:
        latent_channels: C of z.
        width: channels at 1/8 of the image size.
        blocks: number of residual blocks at that size.
    """

    def __init__(self, latent_channels: int = 32, width: int = 96, blocks: int = 2) -> None:
        super().__init__()
        self.latent_channels = latent_channels
        self.pairs = nn.Conv2d(4 * 4, width // 6, 3, padding=1)
        self.first = nn.Conv2d(width // 6, width // 2, 3, stride=2, padding=1)
        self.second = nn.Conv2d(width // 2, width // 2, 3, padding=1)
        self.third = nn.Conv2d(width // 2, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(width, dilation=2**i) for i in range(blocks))
        self.to_latent = nn.Conv2d(width, latent_channels, 1)
        self.level = nn.Embedding(len(LEVELS) + 1, width)
        nn.init.zeros_(self.level.weight)

    def forward(self, masks: Tensor, levels: Tensor | None = None) -> Tensor:
        """`levels` [N]: the `level_number` of each slice; None if no level is known."""
        n = masks.shape[0]
        around = [torch.roll(masks, shift, dims=2)[:, :, ::LATENT_FRAME_STRIDE] for shift in (1, 0, -1)]
        reference = masks[:, :, :1].expand_as(around[1])
        pairs = merge_frames(torch.cat([reference, *around], dim=1))
        features = functional.silu(self.pairs(functional.pixel_unshuffle(pairs, 2)))
        features = functional.silu(self.first(features))
        features = functional.silu(self.second(features))
        features = self.third(features)
        known = torch.zeros(n, dtype=torch.long, device=masks.device) if levels is None else levels
        embedded = self.level(known).to(features.dtype).repeat_interleave(features.shape[0] // n, dim=0)
        features = features + embedded[:, :, None, None]
        for block in self.blocks:
            features = block(features, n)
        return split_frames(self.to_latent(functional.silu(features)), n)


class RegistrationDecoder(nn.Module):
    """D_R: z [N, C (+ others), T/2, 16, 16] -> initial velocities v₀ [N, 2, T/2, 64, 64] in mm per unit of flow time.

    v₀ is a cubic B-spline with control points every 4 mm. The velocity of frame 0 is subtracted from every frame, so
    that the pair (I⁰, I⁰) has zero velocity by construction.

    Args:
        latent_channels: C of z.
        width: channels at the latent's size.
    """

    def __init__(self, latent_channels: int = 32, width: int = 64) -> None:
        super().__init__()
        self.enter = nn.Conv2d(latent_channels, width, 3, padding=1)
        self.middle = nn.Conv2d(width, width // 2, 3, padding=1)
        self.to_velocity = nn.Conv2d(width // 2, 2, 3, padding=1)
        nn.init.normal_(self.to_velocity.weight, std=1e-3)
        nn.init.zeros_(self.to_velocity.bias) if self.to_velocity.bias is not None else None

    def forward(self, latent: Tensor, frames: Tensor | None = None) -> Tensor:
        """`frames` [K]: latent frames to decode (all by default); frame 0 is always decoded with them."""
        n = latent.shape[0]
        latent = latent[:, : self.enter.in_channels]
        chosen = latent if frames is None else latent[:, :, frames]
        both = torch.cat([latent[:, :, :1], chosen], dim=2)
        features = functional.silu(self.enter(merge_frames(both)))
        features = functional.silu(self.middle(functional.interpolate(features, scale_factor=2.0, mode="nearest")))
        control = split_frames(self.to_velocity(features).float(), n)
        return b_spline_upsample(control[:, :, 1:] - control[:, :, :1], _POINTS_PER_CONTROL)
