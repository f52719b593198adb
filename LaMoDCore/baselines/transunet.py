"""3D TransUNet, encoder variant: a U-Net with a transformer as its bottleneck.

Chen et al., "3D TransUNet: Advancing Medical Image Segmentation through Vision Transformers", arXiv:2310.07781 (2023):
each position of the last convolutional feature map is a token with a learned position; tokens pass through pre-norm
layers of multi-head self-attention and an MLP (Vaswani et al. 2017; Dosovitskiy et al. 2021) and return as the
bottleneck of a U-Net. As published: 12 layers of 768 channels and 12 heads on the U-Net of nnU-Net (32 … 320 channels,
instance normalisation, leaky ReLU 0.01).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.runtime.settings_fields import within


@dataclass(frozen=True)
class TransUnetConfig:
    """Size of a 3D TransUNet.

    Attributes:
        frames, side: size of the input.
        width: channels at full resolution; each level doubles them, up to `most`.
        most: upper limit of the channels.
        poolings: levels below the first; the first pooling halves only the image, the others time too.
        hidden, layers, heads: size of the transformer; its MLP is four times as wide.
    """

    frames: int = within(40, 40, 40)
    side: int = within(128, 64, 128)
    width: int = within(32, 1, 256)
    most: int = within(320, 1, 1024)
    poolings: int = within(4, 1, 4)
    hidden: int = within(768, 1, 2048)
    layers: int = within(12, 1, 24)
    heads: int = within(12, 1, 64)


class TransUnet(nn.Module):
    """Masks [N, 1, T, H, W] -> displacement [N, 2, T, H, W]; T divisible by 2^(poolings − 1), H and W by 2^poolings."""

    def __init__(self, config: TransUnetConfig) -> None:
        super().__init__()
        widths = [min(config.most, config.width * 2**level) for level in range(config.poolings + 1)]
        strides = [(1, 2, 2)] + [(2, 2, 2)] * (config.poolings - 1)
        self.enter = _two_convolutions(1, widths[0], (1, 1, 1))
        self.down = nn.ModuleList(
            _two_convolutions(before, after, stride)
            for before, after, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        side = config.side // 2**config.poolings
        self.transformer = TokenTransformer(
            widths[-1], (config.frames // 2 ** (config.poolings - 1), side, side), config.hidden, config.layers,
            config.heads,
        )  # fmt: skip
        self.up = nn.ModuleList(
            _Up(deep, shallow, stride)
            for deep, shallow, stride in zip(widths[:0:-1], widths[-2::-1], strides[::-1], strict=True)
        )
        self.to_motion = nn.Conv3d(widths[0], 2, 1)

    def forward(self, masks: Tensor) -> Tensor:
        features, skipped = self.enter(masks), []
        for convolutions in self.down:
            skipped.append(features)
            features = convolutions(features)
        features = self.transformer(features)
        for step in self.up:
            features = step(features, skipped.pop())
        moved: Tensor = self.to_motion(features)
        return moved


class TokenTransformer(nn.Module):
    """Self-attention among the positions of a feature map [N, C, t, h, w] -> the same shape.

    Args:
        channels: C.
        shape: (t, h, w), whose product is the number of tokens.
        hidden: channels of a token.
        layers: pre-norm transformer layers.
        heads: number of attention heads; must divide `hidden`.
    """

    def __init__(self, channels: int, shape: tuple[int, int, int], hidden: int, layers: int, heads: int) -> None:
        super().__init__()
        self.shape = shape
        self.enter = nn.Linear(channels, hidden)
        self.place = nn.Parameter(torch.zeros(1, shape[0] * shape[1] * shape[2], hidden))
        nn.init.trunc_normal_(self.place, std=0.02)
        self.layers = nn.ModuleList(_TransformerLayer(hidden, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)
        self.leave = nn.Linear(hidden, channels)

    def forward(self, features: Tensor) -> Tensor:
        tokens = self.enter(features.flatten(2).transpose(1, 2)) + self.place
        for layer in self.layers:
            tokens = layer(tokens)
        result: Tensor = self.leave(self.norm(tokens)).transpose(1, 2).reshape(*features.shape)
        return result


class _TransformerLayer(nn.Module):
    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(hidden)
        self.to_query_key_value = nn.Linear(hidden, 3 * hidden)
        self.from_heads = nn.Linear(hidden, hidden)
        self.norm_mlp = nn.LayerNorm(hidden)
        self.mlp = nn.Sequential(nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Linear(4 * hidden, hidden))

    def forward(self, tokens: Tensor) -> Tensor:
        """[N, L, hidden] -> [N, L, hidden]."""
        n, length, hidden = tokens.shape
        parts = self.to_query_key_value(self.norm_attention(tokens))
        query, key, value = parts.view(n, length, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.from_heads(attended.transpose(1, 2).reshape(n, length, hidden))
        result: Tensor = tokens + self.mlp(self.norm_mlp(tokens))
        return result


class _Up(nn.Module):
    def __init__(self, deep: int, shallow: int, stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose3d(deep, shallow, stride, stride=stride, bias=False)
        self.join = _two_convolutions(2 * shallow, shallow, (1, 1, 1))

    def forward(self, features: Tensor, skipped: Tensor) -> Tensor:
        joined: Tensor = self.join(torch.cat([self.enlarge(features), skipped], dim=1))
        return joined


def _two_convolutions(before: int, after: int, stride: tuple[int, int, int]) -> nn.Sequential:
    """Two 3 × 3 × 3 convolutions, the first with the stride, with instance normalisation and leaky ReLU."""
    return nn.Sequential(
        nn.Conv3d(before, after, 3, stride=stride, padding=1),
        nn.InstanceNorm3d(after, affine=True),
        nn.LeakyReLU(0.01),
        nn.Conv3d(after, after, 3, padding=1),
        nn.InstanceNorm3d(after, affine=True),
        nn.LeakyReLU(0.01),
    )
