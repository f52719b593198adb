"""The motion decoder D_η: latent z -> Lagrangian displacement on the full canonical grid (eq. 10)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.heart.canonical import periodic_weights
from LaMoDCore.networks.blocks import GlobalContext, ResidualBlock, cycle_harmonics, merge_frames, split_frames
from LaMoDCore.networks.registration import LATENT_FRAME_STRIDE
from LaMoDCore.networks.ring_motion import GUESS_CHANNELS, unpack
from LaMoDCore.networks.spline import b_spline_upsample

_HARMONICS = 4
#: Length of the context vector that modulates the blocks, and number of blocks that share one.
_CONTEXT = 64
_BLOCKS_PER_CONTEXT = 2
#: Canonical pixels per control point.
PIXELS_PER_CONTROL = 4


class MotionDecoder(nn.Module):
    """D_η: z [N, C + 16, T/2, 16, 16] (normalised) -> displacement [N, 2, T, 128, 128] in mm.

    Residual blocks at the latent's size mix space and the whole cycle (dilations 1, 2, 4, 8 reach every frame). A
    summary of the image and the cycle modulates the blocks, so that properties of the heart as a whole (translation,
    rotation, timing, disease) reach every pixel. One upsampling step gives cubic B-spline control points every 4 mm,
    the resolution of myocardial motion, and a periodic cubic spline through the latent frames gives every frame of the
    cycle. The result is added to the geometric estimate of `ring_motion`, which the latent's last channels hold. The
    displacement of frame 0 is subtracted, so that u(X, 0) = 0 by construction.

    Args:
        latent_channels: C, the learned channels of z.
        width: channels at the latent's size.
        blocks: number of residual blocks.
        dropout: dropout probability inside the blocks.
    """

    def __init__(self, latent_channels: int = 32, width: int = 96, blocks: int = 4, dropout: float = 0.0) -> None:
        super().__init__()
        self.contexts = nn.ModuleList(
            GlobalContext(width, 2 * _HARMONICS, _CONTEXT) for _ in range(0, blocks, _BLOCKS_PER_CONTEXT)
        )
        condition = 2 * _HARMONICS + _CONTEXT
        self.enter = nn.Conv2d(latent_channels + GUESS_CHANNELS, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            ResidualBlock(width, dilation=2 ** (i % 4), condition=condition, dropout=dropout) for i in range(blocks)
        )
        self.middle = nn.Conv2d(width, width // 2, 3, padding=1)
        self.middle_again = nn.Conv2d(width // 2, width // 2, 3, padding=1)
        self.to_control = nn.Conv2d(width // 2, 2, 3, padding=1)
        nn.init.normal_(self.to_control.weight, std=1e-3)
        nn.init.zeros_(self.to_control.bias) if self.to_control.bias is not None else None

    def control_points(self, latent: Tensor) -> Tensor:
        """Spline control points of the displacement at every frame of the cycle, [N, 2, T, 32, 32] in mm."""
        n, _, t, _, _ = latent.shape
        where = cycle_harmonics(t, _HARMONICS, latent.device).to(latent.dtype).repeat(n, 1)
        features = self.enter(merge_frames(latent))
        for number, block in enumerate(self.blocks):
            if number % _BLOCKS_PER_CONTEXT == 0:
                context = self.contexts[number // _BLOCKS_PER_CONTEXT](features, n, where)
                condition = torch.cat([where, context.to(where.dtype)], dim=1)
            features = block(features, n, condition)
        features = functional.silu(self.middle(functional.interpolate(features, scale_factor=2.0, mode="nearest")))
        features = features + functional.silu(self.middle_again(features))
        control = split_frames(self.to_control(features).float(), n)
        learned = torch.einsum("ut,nctyx->ncuyx", cycle_matrix(t).to(control.device), control - control[:, :, :1])
        guess = unpack(latent[:, -GUESS_CHANNELS:])
        return learned + guess - guess[:, :, :1]

    def forward(self, latent: Tensor) -> Tensor:
        return b_spline_upsample(self.control_points(latent), PIXELS_PER_CONTROL)


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # a cached inference tensor could not be used in training
def cycle_matrix(latent_frames: int) -> Tensor:
    """Every frame of the cycle = matrix @ latent frames, float32 [T, T/2], by a periodic cubic spline."""
    frames = latent_frames * LATENT_FRAME_STRIDE
    latent_phases = np.arange(latent_frames) / latent_frames
    return torch.from_numpy(periodic_weights(latent_phases, np.arange(frames) / frames)).float()
