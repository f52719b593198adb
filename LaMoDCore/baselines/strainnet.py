"""StrainNet: a 3-D U-Net on the cine of the wall, columns × rows × time.

Wang et al., "StrainNet: Improved Myocardial Strain Analysis of Cine MRI by Deep Learning from DENSE", Radiology:
Cardiothoracic Imaging 5(3), 2023, e220196. As published: 64 channels at the first level, three poolings by averages
over 4 × 4 pixels × 2 frames with stride 2, two 3 × 3 × 3 convolutions per level with instance normalisation and leaky
ReLU (slope 0.2), transposed convolutions upwards, a 1 × 1 × 1 convolution to the displacement.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.runtime.settings_fields import within

_SLOPE = 0.2


@dataclass(frozen=True)
class StrainNetConfig:
    """Size of a StrainNet.

    Attributes:
        width: channels at the first level; each level doubles them.
        poolings: levels below the first.
    """

    width: int = within(64, 1, 256)
    poolings: int = within(3, 1, 3)


class StrainNet(nn.Module):
    """Masks [N, 1, T, H, W] -> displacement [N, 2, T, H, W]; T, H and W divisible by 2^poolings."""

    def __init__(self, config: StrainNetConfig) -> None:
        super().__init__()
        widths = [config.width * 2**level for level in range(config.poolings + 1)]
        self.down = nn.ModuleList(
            _two_convolutions(before, after) for before, after in zip([1, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(_Up(deep, shallow) for deep, shallow in zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.to_motion = nn.Conv3d(config.width, 2, 1)

    def forward(self, masks: Tensor) -> Tensor:
        features, skipped = masks, []
        for level, convolutions in enumerate(self.down):
            if level:
                skipped.append(features)
                features = functional.avg_pool3d(features, (2, 4, 4), stride=2, padding=(0, 1, 1))
            features = convolutions(features)
        for step in self.up:
            features = step(features, skipped.pop())
        moved: Tensor = self.to_motion(features)
        return moved


class _Up(nn.Module):
    def __init__(self, deep: int, shallow: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose3d(deep, shallow, 2, stride=2, bias=False)
        self.norm = nn.InstanceNorm3d(shallow)
        self.join = _two_convolutions(2 * shallow, shallow)

    def forward(self, features: Tensor, skipped: Tensor) -> Tensor:
        enlarged = functional.leaky_relu(self.norm(self.enlarge(features)), _SLOPE)
        joined: Tensor = self.join(torch.cat([enlarged, skipped], dim=1))
        return joined


def _two_convolutions(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [
            nn.Conv3d(channels, after, 3, padding=1, bias=False), nn.InstanceNorm3d(after), nn.LeakyReLU(_SLOPE)
        ]  # fmt: skip
    return nn.Sequential(*layers)
