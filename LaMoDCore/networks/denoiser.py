"""The denoiser ε_θ(z^(m), m), which predicts the smoothed noise in a latent at diffusion step m (eqs. 7–9)."""

from __future__ import annotations

from torch import Tensor, cat, nn
from torch.nn import functional

from LaMoDCore.networks.blocks import ResidualBlock, merge_frames, sinusoidal_embedding, split_frames


class Denoiser(nn.Module):
    """ε_θ: z^(m) [N, C, T, 16, 16] and step m [N] -> predicted noise of the same shape.

    A small video U-Net with two levels: one residual block at 16×16, several at 8×8, and one at 16×16 with a skip
    connection; the step modulates every block by scale and shift.

    Args:
        latent_channels: C of z.
        width: channels at 16×16; twice as many at 8×8.
        blocks: number of residual blocks at 8×8.
        dropout: dropout probability inside the blocks.
    """

    def __init__(self, latent_channels: int = 32, width: int = 64, blocks: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        condition = 2 * width
        self.embedding_length = width
        self.embed = nn.Sequential(nn.Linear(width, condition), nn.SiLU(), nn.Linear(condition, condition), nn.SiLU())
        self.enter = nn.Conv2d(latent_channels, width, 3, padding=1)
        self.before = ResidualBlock(width, 1, condition, dropout)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.coarse = nn.ModuleList(ResidualBlock(2 * width, 2**i, condition, dropout) for i in range(blocks))
        self.up = nn.Conv2d(2 * width, width, 3, padding=1)
        self.join = nn.Conv2d(2 * width, width, 1)
        self.after = ResidualBlock(width, 2, condition, dropout)
        self.to_noise = nn.Conv2d(width, latent_channels, 3, padding=1)
        nn.init.zeros_(self.to_noise.weight)
        nn.init.zeros_(self.to_noise.bias) if self.to_noise.bias is not None else None

    def forward(self, noisy: Tensor, step: Tensor) -> Tensor:
        n = noisy.shape[0]
        condition = self.embed(sinusoidal_embedding(step, self.embedding_length).to(noisy.dtype))
        fine = self.before(self.enter(merge_frames(noisy)), n, condition)
        features = self.down(fine)
        for block in self.coarse:
            features = block(features, n, condition)
        features = self.up(functional.interpolate(features, scale_factor=2.0, mode="nearest"))
        features = self.after(self.join(cat([features, fine], dim=1)), n, condition)
        return split_frames(self.to_noise(functional.silu(features)), n)
