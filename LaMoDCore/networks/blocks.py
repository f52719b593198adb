"""Building blocks for videos, computed as 2-D convolutions of all frames at once.

On CPUs a 2-D convolution over merged frames in channels-last memory is two to three times as fast as a 3-D convolution.
So inside the networks a video is a tensor [N·T, C, H, W], and frames are mixed by 1×1 convolutions over frames shifted
along the cycle, which is periodic: frame T is frame 0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def merge_frames(video: Tensor) -> Tensor:
    """[N, C, T, H, W] -> [N·T, C, H, W], channels last in memory."""
    n, c, t, h, w = video.shape
    return video.permute(0, 2, 1, 3, 4).reshape(n * t, c, h, w).contiguous(memory_format=torch.channels_last)


def split_frames(frames: Tensor, batch: int) -> Tensor:
    """[N·T, C, H, W] -> [N, C, T, H, W]."""
    nt, c, h, w = frames.shape
    return frames.reshape(batch, nt // batch, c, h, w).permute(0, 2, 1, 3, 4)


class CycleConv(nn.Module):
    """A circular convolution over time at every pixel: kernel 3, dilated.

    Args:
        channels: number of input and output channels.
        dilation: distance in frames between the taps of the kernel.
    """

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.dilation = dilation
        self.mix = nn.Conv2d(3 * channels, channels, 1)

    def forward(self, frames: Tensor, batch: int) -> Tensor:
        """[N·T, C, H, W] -> [N·T, C, H, W]."""
        nt, c, h, w = frames.shape
        video = frames.view(batch, nt // batch, c, h, w)
        before, after = torch.roll(video, self.dilation, 1), torch.roll(video, -self.dilation, 1)
        stacked = torch.cat([before, video, after], dim=2).view(nt, 3 * c, h, w)
        mixed: Tensor = self.mix(stacked.contiguous(memory_format=torch.channels_last))
        return mixed


class ResidualBlock(nn.Module):
    """x + f(x), with f: norm, 3×3 in space, norm, circular in time; optionally modulated by a condition.

    Args:
        channels: number of input and output channels.
        dilation: dilation of the convolution in time.
        condition: length of the conditioning vector that scales and shifts the hidden features; 0 for none.
        dropout: dropout probability of the hidden features.
    """

    def __init__(self, channels: int, dilation: int = 1, condition: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm_space = nn.GroupNorm(norm_groups(channels), channels)
        self.space = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm_time = nn.GroupNorm(norm_groups(channels), channels)
        self.time = CycleConv(channels, dilation)
        self.modulate = nn.Linear(condition, 2 * channels) if condition else None
        self.dropout = nn.Dropout2d(dropout)
        nn.init.zeros_(self.time.mix.weight)
        nn.init.zeros_(self.time.mix.bias) if self.time.mix.bias is not None else None

    def forward(self, frames: Tensor, batch: int, condition: Tensor | None = None) -> Tensor:
        """frames [N·T, C, H, W], condition [N, K] or [N·T, K] -> [N·T, C, H, W]."""
        hidden = self.norm_time(self.space(functional.silu(self.norm_space(frames))))
        if self.modulate is not None and condition is not None:
            scale_shift = self.modulate(condition)
            if scale_shift.shape[0] != frames.shape[0]:
                scale_shift = scale_shift.repeat_interleave(frames.shape[0] // batch, dim=0)
            scale, shift = scale_shift[..., None, None].chunk(2, dim=1)
            hidden = hidden * (1 + scale) + shift
        result: Tensor = frames + self.time(self.dropout(functional.silu(hidden)), batch)
        return result


class GlobalContext(nn.Module):
    """Summary of the whole image and the whole cycle, one vector per frame.

    Means over a coarse grid of 4×4 cells retain positions; the mean and the maximum over the cycle give every frame the
    context of all others.

    Args:
        channels: number of channels of the frames.
        extra: length of the additional input vector per frame.
        length: length of the output vector.
    """

    def __init__(self, channels: int, extra: int, length: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, 16, 1)
        self.cells = nn.Linear(16 * 4 * 4 + extra, 2 * length)
        self.mix = nn.Linear(6 * length, length)

    def forward(self, frames: Tensor, batch: int, extra: Tensor) -> Tensor:
        """frames [N·T, C, H, W], extra [N·T, K] -> [N·T, length]."""
        cells = functional.adaptive_avg_pool2d(functional.silu(self.reduce(frames)), 4).flatten(1)
        own = functional.silu(self.cells(torch.cat([cells, extra.to(cells.dtype)], dim=1)))
        cycle = own.view(batch, own.shape[0] // batch, -1)
        over_cycle = [cycle.mean(1, keepdim=True).expand_as(cycle), cycle.amax(1, keepdim=True).expand_as(cycle)]
        whole = torch.cat([cycle, *over_cycle], dim=2)
        return functional.silu(self.mix(whole)).flatten(0, 1)


def norm_groups(channels: int) -> int:
    """Number of groups of a group normalisation: the largest of 8, 4, 2 and 1 that divides the channels."""
    return next(g for g in (8, 4, 2, 1) if channels % g == 0)


def sinusoidal_embedding(position: Tensor, length: int, max_period: float = 10_000.0) -> Tensor:
    """Sines and cosines of `position` [N] at `length`/2 frequencies, [N, length] (Vaswani et al. 2017, § 3.5)."""
    half = length // 2
    exponents = torch.arange(half, device=position.device, dtype=torch.float32) / half
    angles = position.float()[:, None] * max_period ** -exponents[None]
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def cycle_harmonics(frames: int, harmonics: int, device: torch.device) -> Tensor:
    """Phase of each frame in the cycle as its first Fourier harmonics, [T, 2·harmonics]."""
    phase = torch.arange(frames, device=device, dtype=torch.float32) / frames
    angles = 2 * torch.pi * phase[:, None] * torch.arange(1, harmonics + 1, device=device)[None]
    return torch.cat([angles.cos(), angles.sin()], dim=1)
