"""The conditional denoiser of the motion latent, v(w^(m), m | z_reg, û)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.networks.blocks import sinusoidal_embedding


class RingCondition(nn.Module):
    """Condition vector from the registration latent and the predicted motion.

    The latent on the ring is an image of time by angle, periodic along both axes, so its convolutions wrap around.

    Args:
        latent_channels: C of z.
        frames, angles: size of that image, multiples of 4.
        motion_terms: length of the description of the predicted motion and the ring's shape.
        width: length of the condition vector.
        dropout: dropout probability of the inputs.
    """

    def __init__(
        self, latent_channels: int, frames: int, angles: int, motion_terms: int, width: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(latent_channels, width // 4, 3, stride=2)
        self.second = nn.Conv2d(width // 4, width // 4, 3, stride=2)
        self.ring = nn.Linear(width // 4 * (frames // 4) * (angles // 4), width)
        self.motion = nn.Linear(motion_terms, width)
        self.mix = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ring: Tensor, motion: Tensor) -> Tensor:
        """ring [N, C, frames, angles], motion [N, motion_terms] -> [N, width]."""
        features = ring
        for convolution in (self.first, self.second):
            features = functional.silu(convolution(functional.pad(features, (1, 1, 1, 1), mode="circular")))
        hidden = self.ring(self.dropout(features.flatten(1))) + self.motion(self.dropout(motion))
        condition: Tensor = self.mix(functional.silu(hidden))
        return condition


class ConditionalDenoiser(nn.Module):
    """A residual perceptron that predicts the velocity v = √ᾱ ε − √(1−ᾱ) w (Salimans & Ho 2022, § 4).

    A code has no spatial structure, so there are no convolutions. The network predicts the velocity rather than the
    noise because sampling starts from pure noise, where an error of ε would be divided by √ᾱ ≈ 0.

    Args:
        modes: length of the code.
        condition: length of the conditioning vector.
        width: width of the hidden layers.
        blocks: number of residual blocks.
        dropout: dropout probability inside the blocks.
    """

    def __init__(self, modes: int, condition: int, width: int = 192, blocks: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.enter = nn.Linear(modes, width)
        self.step = nn.Linear(width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(blocks))
        self.modulate = nn.ModuleList(nn.Linear(width + condition, 2 * width) for _ in range(blocks))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.out = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.to_velocity = nn.Linear(width, modes)
        self.dropout = nn.Dropout(dropout)
        for layer in (*self.out, self.to_velocity):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, noisy: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """w^(m) [N, modes], m [N], condition [N, K] -> v [N, modes]."""
        time = functional.silu(self.step(sinusoidal_embedding(step, self.width).to(noisy.dtype)))
        known = torch.cat([time, condition], dim=1)
        features = self.enter(noisy)
        for norm, modulate, hidden, out in zip(self.norms, self.modulate, self.hidden, self.out, strict=True):
            scale, shift = modulate(known).chunk(2, dim=1)
            inner = functional.silu(norm(features) * (1 + scale) + shift)
            features = features + out(self.dropout(functional.silu(hidden(inner))))
        velocity: Tensor = self.to_velocity(features)
        return velocity
