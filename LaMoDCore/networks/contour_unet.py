"""A small U-Net that segments the ventricles in one short-axis picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Factor between the pixels of the picture and those of the finest features.
STRIDE = 2


class ConvBlock(nn.Sequential):
    """Two 3×3 convolutions, each with batch normalisation and ReLU.

    Args:
        inputs: input channels.
        outputs: output channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        parts: list[nn.Module] = []
        for channels in (inputs, outputs):
            parts += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*parts)


class ContourUNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) on pixels merged 2 × 2, with additive skip connections.

    The picture is divided into 2 × 2 blocks that become channels, and the output is divided back in the same way, so
    the convolutions run on a quarter of the pixels while every pixel keeps its own output.

    Args:
        widths: channels of the levels, the finest first; each level has half the resolution of the one before.
        classes: number of output channels.
    """

    def __init__(self, widths: Sequence[int] = (48, 80, 128, 192), classes: int = 4) -> None:
        super().__init__()
        inputs = [STRIDE**2, *widths[:-1]]
        self.down = nn.ModuleList(ConvBlock(a, b) for a, b in zip(inputs, widths, strict=True))
        self.lift = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(ConvBlock(width, width) for width in widths[:-1])
        self.head = nn.Conv2d(widths[0], classes * STRIDE**2, 1)
        # Convolutions on a CPU are faster with the channels last in memory.
        nn.Module.to(self, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N, classes, H, W] of pictures [N, 1, H, W]; H and W are multiples of 2 to the number of levels."""
        x = functional.pixel_unshuffle(pictures, STRIDE)
        passed: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            passed.append(x)
        for level in range(len(self.up) - 1, -1, -1):
            lifted = functional.interpolate(self.lift[level](x), scale_factor=2.0, mode="nearest")
            x = self.up[level](lifted + passed[level])
        return functional.pixel_shuffle(self.head(x), STRIDE)
