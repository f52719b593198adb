"""UNETR: a vision transformer on patches of 16³ with a convolutional decoder that uses its layers.

Hatamizadeh et al., "UNETR: Transformers for 3D Medical Image Segmentation", WACV 2022, arXiv:2103.10504. The
implementation is MONAI's; as published: 12 layers of 768 channels and 12 heads, an MLP of 3072, 16 channels at full
resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.settings_fields import within

_PATCH = 16


@dataclass(frozen=True)
class UnetrConfig:
    """Size of a UNETR.

    Attributes:
        frames, side: size of the input.
        width: channels of the decoder at full resolution.
        hidden, mlp, heads: size of the transformer, which has 12 layers.
    """

    frames: int = within(40, 40, 40)
    side: int = within(128, 64, 128)
    width: int = within(16, 1, 256)
    hidden: int = within(768, 1, 2048)
    mlp: int = within(3072, 1, 8192)
    heads: int = within(12, 1, 64)


class Unetr(nn.Module):
    """Masks [N, 1, T, H, W] -> displacement [N, 2, T, H, W].

    The cycle is padded periodically at both ends to a whole number of patches (40 to 48 frames).

    Raises:
        LaMoDInputError: MONAI is not installed.
    """

    def __init__(self, config: UnetrConfig) -> None:
        super().__init__()
        try:
            from monai.networks.nets import UNETR
        except ImportError as error:
            raise LaMoDInputError(
                "UNETR", "it needs MONAI and einops", "install them with: pip install 'lamod[baselines]'"
            ) from error
        missing = -config.frames % _PATCH
        self.before, self.after = missing // 2, missing - missing // 2
        self.network = UNETR(
            in_channels=1,
            out_channels=2,
            img_size=(config.frames + missing, config.side, config.side),
            feature_size=config.width,
            hidden_size=config.hidden,
            mlp_dim=config.mlp,
            num_heads=config.heads,
        )

    def forward(self, masks: Tensor) -> Tensor:
        frames = masks.shape[2]
        around = torch.cat([masks[:, :, frames - self.before :], masks, masks[:, :, : self.after]], dim=2)
        moved: Tensor = self.network(around)[:, :, self.before : self.before + frames]
        return moved
