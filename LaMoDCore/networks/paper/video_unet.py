"""The registration network of the paper: a U-Net over the stack of all pairs of frames (Xing et al. 2024, § 3.1).

The paper gives neither the widths nor the normalisation of its layers. Here a level has two 3-D convolutions, each
followed by a group normalisation and SiLU; the image, not the cycle, is pooled. The cycle is periodic.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.networks.blocks import merge_frames, norm_groups, split_frames

#: Channels of the levels of 128, 64, 32 and 16 pixels, in units of the width at full resolution.
LEVEL_WIDTHS = (1, 2, 4, 4)


class CycleConv3d(nn.Module):
    """A 3×3×3 convolution of a video that is periodic in time, computed as a 2-D convolution of merged frames.

    Args:
        inputs, outputs: number of channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3 * inputs, outputs, 3, padding=1)

    def forward(self, frames: Tensor, batch: int) -> Tensor:
        """[N·T, C, H, W] -> [N·T, C', H, W]."""
        nt, c, h, w = frames.shape
        video = frames.view(batch, nt // batch, c, h, w)
        around = torch.cat([torch.roll(video, 1, 1), video, torch.roll(video, -1, 1)], dim=2).view(nt, 3 * c, h, w)
        result: Tensor = self.convolution(around.contiguous(memory_format=torch.channels_last))
        return result


class Level(nn.Module):
    """Two convolutions at one size of the U-Net, each with group normalisation and SiLU.

    Args:
        inputs, outputs: number of channels.
        dropout: dropout probability after the second convolution.
    """

    def __init__(self, inputs: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first, self.second = CycleConv3d(inputs, outputs), CycleConv3d(outputs, outputs)
        self.norms = nn.ModuleList(nn.GroupNorm(norm_groups(outputs), outputs) for _ in range(2))
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, frames: Tensor, batch: int) -> Tensor:
        """[N·T, C, H, W] -> [N·T, C', H, W]."""
        hidden = functional.silu(self.norms[0](self.first(frames, batch)))
        result: Tensor = self.dropout(functional.silu(self.norms[1](self.second(hidden, batch))))
        return result


class PairEncoder(nn.Module):
    """E_R: masks [N, 1, T, 128, 128] -> z [N, C, T, 16, 16], from the pairs (I⁰, I^τ) of every frame τ.

    Args:
        latent_channels: C of z.
        width: channels at full resolution, see `LEVEL_WIDTHS`.
    """

    def __init__(self, latent_channels: int, width: int) -> None:
        super().__init__()
        widths = [width * factor for factor in LEVEL_WIDTHS]
        self.levels = nn.ModuleList(Level(a, b) for a, b in zip([2, *widths[:-1]], widths, strict=True))
        self.to_latent = nn.Conv2d(widths[-1], latent_channels, 1)

    def features(self, masks: Tensor) -> tuple[Tensor, list[Tensor]]:
        """z, and the features of the levels of 128, 64 and 32 pixels, [N·T, C, H, W] each, for the skip connections."""
        n = masks.shape[0]
        frames = merge_frames(torch.cat([masks[:, :, :1].expand_as(masks), masks], dim=1))
        skips: list[Tensor] = []
        for number, level in enumerate(self.levels):
            frames = level(functional.max_pool2d(frames, 2) if number else frames, n)
            skips.append(frames)
        return split_frames(self.to_latent(skips.pop()), n), skips

    def forward(self, masks: Tensor, levels: Tensor | None = None) -> Tensor:
        """`levels` is ignored: the paper's network does not see the level of a slice."""
        return self.features(masks)[0]


class VelocityDecoder(nn.Module):
    """D_R: z and the skip connections of E_R -> initial velocities v₀ [N, 2, T, 128/s, 128/s] in mm.

    Args:
        latent_channels: C of z.
        width: channels at full resolution, as of E_R.
        stride: s, 1 as in the paper; 2 leaves out the last level, for machines without a GPU.
    """

    def __init__(self, latent_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        widths = [width * factor for factor in LEVEL_WIDTHS[stride - 1 :]]
        self.skipped = stride - 1
        self.enter = nn.Conv2d(latent_channels, widths[-1], 1)
        pairs = zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)
        self.levels = nn.ModuleList(Level(below + own, own) for below, own in pairs)
        self.to_velocity = _small(nn.Conv2d(widths[0], 2, 3, padding=1))

    def forward(self, latent: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """`skips`: features of the levels of 128, 64 and 32 pixels."""
        n = latent.shape[0]
        frames = self.enter(merge_frames(latent))
        for level, skip in zip(self.levels, reversed(skips[self.skipped :]), strict=True):
            frames = level(torch.cat([functional.interpolate(frames, scale_factor=2.0), skip], dim=1), n)
        return split_frames(self.to_velocity(frames).float(), n)


class PlainMotionDecoder(nn.Module):
    """D_η: normalised z [N, C, T, 16, 16] -> displacement [N, 2, T, 128, 128] in mm (eq. 10), from z alone.

    Args:
        latent_channels: C of z.
        width: channels at full resolution, see `LEVEL_WIDTHS`.
        dropout: dropout probability in every level.
    """

    def __init__(self, latent_channels: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        widths = [width * factor for factor in reversed(LEVEL_WIDTHS)]
        pairs = zip([latent_channels, *widths[:-1]], widths, strict=True)
        self.levels = nn.ModuleList(Level(below, own, dropout) for below, own in pairs)
        self.to_displacement = _small(nn.Conv2d(widths[-1], 2, 3, padding=1))

    def forward(self, latent: Tensor) -> Tensor:
        n = latent.shape[0]
        frames = merge_frames(latent)
        for number, level in enumerate(self.levels):
            frames = level(functional.interpolate(frames, scale_factor=2.0) if number else frames, n)
        return split_frames(self.to_displacement(frames).float(), n)


def _small(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with small weights, so that training starts from almost no motion."""
    nn.init.normal_(layer.weight, std=1e-3)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
