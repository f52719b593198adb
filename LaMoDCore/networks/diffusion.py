"""Diffusion in the latent space: schedule, smoothed noise, the forward process and its reversal.

Xing et al. 2024, eqs. (4)–(8) and Algorithm 1. The paper prints α in (5) and in Algorithm 1 where ᾱ is meant; ᾱ is used
here. Both samplers have the same signature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from LaMoDCore.runtime.settings_fields import within

ScheduleName = Literal["linear", "cosine"]
SamplerName = Literal["ddim", "ddpm"]
SCHEDULES: tuple[ScheduleName, ...] = ("linear", "cosine")
SAMPLERS: tuple[SamplerName, ...] = ("ddim", "ddpm")

#: Predicts the noise in a latent: (z^(m) [N, ...], m [N]) -> the latent's shape.
NoisePredictor = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class NoiseSchedule:
    """Noise schedule: the remaining signal √ᾱ_m after step m = 1 … M.

    Attributes:
        steps: M.
        name: "linear", β from `beta_first` to `beta_last` (Ho et al. 2020); "cosine" (Nichol & Dhariwal 2021, eq. 17).
        beta_first, beta_last: β at the first and at the last step of the linear schedule.
    """

    steps: int = within(500, 1, 100_000)
    name: ScheduleName = "linear"
    beta_first: float = within(2e-4, 0, 1)
    beta_last: float = within(0.03, 0, 1)

    def __post_init__(self) -> None:
        if self.name not in SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {self.name!r}")
        if self.steps < 1:
            raise ValueError(f"a schedule has at least one step, got {self.steps}")

    def alpha_bar(self) -> Tensor:
        """ᾱ_m for m = 0 … M, float64 [M + 1]; ᾱ_0 = 1."""
        if self.name == "linear":
            beta = torch.linspace(self.beta_first, self.beta_last, self.steps, dtype=torch.float64)
        else:
            position = torch.arange(self.steps + 1, dtype=torch.float64) / self.steps
            curve = torch.cos((position + 0.008) / 1.008 * torch.pi / 2) ** 2
            beta = (1 - curve[1:] / curve[:-1]).clamp(max=0.999)
        return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, dim=0)])


@dataclass(frozen=True)
class SmoothNoise:
    """K(ε): Gaussian noise smoothed over space and the cycle, renormalised to unit variance.

    The filter is Gaussian and periodic, applied by FFT. Division by the root mean square of its transfer function
    restores variance 1 at every pixel exactly, as the schedule requires.

    Attributes:
        width: standard deviation of the filter in latent pixels; 0 for white noise.
        width_frames: standard deviation along the cycle, in frames.
    """

    width: float = within(1.0, 0, 100)
    width_frames: float = within(1.0, 0, 100)

    def smooth(self, noise: Tensor) -> Tensor:
        """K applied to [N, C, T, H, W]."""
        if self.width == 0 and self.width_frames == 0:
            return noise
        sizes = noise.shape[-3:]
        frequencies = torch.meshgrid(
            torch.fft.fftfreq(sizes[0], device=noise.device),
            torch.fft.fftfreq(sizes[1], device=noise.device),
            torch.fft.rfftfreq(sizes[2], device=noise.device),
            indexing="ij",
        )
        widths = (self.width_frames, self.width, self.width)
        exponent = sum((f * w) ** 2 for f, w in zip(frequencies, widths, strict=True))
        transfer = torch.exp(-2 * torch.pi**2 * torch.as_tensor(exponent))
        # Parseval over the full spectrum: columns between the first and the Nyquist column count twice.
        weight = torch.full((sizes[2] // 2 + 1,), 2.0, device=noise.device)
        weight[0] = 1.0
        if sizes[2] % 2 == 0:
            weight[-1] = 1.0
        gain = torch.sqrt((transfer**2 * weight).sum() / (sizes[0] * sizes[1] * sizes[2]))
        smoothed: Tensor = torch.fft.irfftn(
            torch.fft.rfftn(noise, dim=(-3, -2, -1)) * (transfer / gain), s=sizes, dim=(-3, -2, -1)
        )
        return smoothed

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw K(ε) on the CPU, so that a seed gives the same noise on every device."""
        return self.smooth(torch.randn(shape, generator=generator))


def q_sample(clean: Tensor, step: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
    """Eq. (6): z^(m) = √ᾱ_m z^(0) + √(1−ᾱ_m) K(ε).

    Args:
        clean: z^(0), [N, ...].
        step: m, integers [N] in 0 … M.
        noise: K(ε), the shape of `clean`.
        alpha_bar: `NoiseSchedule.alpha_bar()`.
    """
    signal = alpha_bar.to(clean.device)[step].view(-1, *[1] * (clean.ndim - 1))
    return (signal.sqrt() * clean + (1 - signal).sqrt() * noise).to(clean.dtype)


def ddpm_step(noisy: Tensor, predicted_noise: Tensor, step: int, alpha_bar: Tensor, noise: Tensor | None) -> Tensor:
    """Eq. (8): z^(m−1) = (z^(m) − (1−α_m)/√(1−ᾱ_m) ε_θ)/√α_m + σ_m K(γ), with σ_m² the posterior's variance.

    The last step (m = 1) draws no noise.
    """
    now, before = alpha_bar[step], alpha_bar[step - 1]
    alpha = now / before
    mean = (noisy - (1 - alpha) / (1 - now).sqrt() * predicted_noise) / alpha.sqrt()
    if step == 1 or noise is None:
        return mean.to(noisy.dtype)
    sigma = ((1 - before) / (1 - now) * (1 - alpha)).sqrt()
    return (mean + sigma * noise).to(noisy.dtype)


def ddim_step(noisy: Tensor, predicted_noise: Tensor, step: int, next_step: int, alpha_bar: Tensor) -> Tensor:
    """Song et al. 2021, eq. (12) with η = 0: from step m to step m′ < m along the predicted noise."""
    now, after = alpha_bar[step], alpha_bar[next_step]
    clean = (noisy - (1 - now).sqrt() * predicted_noise) / now.sqrt()
    return (after.sqrt() * clean + (1 - after).sqrt() * predicted_noise).to(noisy.dtype)


def sampling_steps(start: int, count: int) -> list[int]:
    """`count` evenly spaced steps from `start` down to 1, then 0."""
    spread = torch.linspace(start, 0, min(count, start) + 1)
    return [round(float(value)) for value in spread]


@torch.no_grad()
def denoise(
    latent: Tensor,
    predict_noise: NoisePredictor,
    schedule: NoiseSchedule,
    noise: SmoothNoise,
    generator: torch.Generator | Sequence[torch.Generator],
    *,
    sampler: SamplerName = "ddim",
    start: int | None = None,
    steps: int | None = None,
) -> Tensor:
    """Algorithm 1: noise z^(0) to z^(start) by (6), then iterate the reverse process back to ẑ^(0).

    Args:
        latent: z^(0) = E_R(I), [N, C, T, H, W], normalised.
        predict_noise: ε_θ.
        schedule: schedule of the training.
        noise: K of the training.
        generator: random generator, or one per latent, whose noise then does not depend on the others.
        sampler: "ddpm" takes every step of (8) from `start`; "ddim" takes `steps` steps.
        start: initial m, by default M (Algorithm 1 as printed); 0 returns `latent` unchanged.
        steps: number of DDIM steps; 10 by default.

    Returns:
        ẑ^(0), [N, C, T, H, W].
    """
    _check_sampler(sampler)
    start = schedule.steps if start is None else start
    if not 0 <= start <= schedule.steps:
        raise ValueError(f"start must lie in 0…{schedule.steps}, got {start}")
    if start == 0:
        return latent
    alpha_bar = schedule.alpha_bar().float().to(latent.device)
    shape = tuple(latent.shape)

    def draw() -> Tensor:
        if isinstance(generator, torch.Generator):
            return noise.sample(shape, generator).to(latent.device)
        return torch.cat([noise.sample((1, *shape[1:]), each) for each in generator]).to(latent.device)

    step = torch.full((latent.shape[0],), start, device=latent.device)
    noisy = q_sample(latent, step, draw(), alpha_bar)
    return reverse_process(noisy, predict_noise, alpha_bar, draw, sampler=sampler, start=start, steps=steps)


def reverse_process(
    noisy: Tensor,
    predict_noise: NoisePredictor,
    alpha_bar: Tensor,
    draw_noise: Callable[[], Tensor],
    *,
    sampler: SamplerName = "ddim",
    start: int,
    steps: int | None = None,
) -> Tensor:
    """From z^(start) back to z^(0), for latents of any shape.

    Args:
        noisy: z^(start), [N, ...].
        predict_noise: ε_θ.
        alpha_bar: ᾱ_0 … ᾱ_M on the latent's device.
        draw_noise: draws noise of the latent's shape.
        sampler: "ddpm" takes every step of (8) from `start`; "ddim" takes `steps` steps.
        start: m of `noisy`.
        steps: number of DDIM steps; 10 by default.
    """
    _check_sampler(sampler)

    def batch_of(step: int) -> Tensor:
        return torch.full((noisy.shape[0],), step, device=noisy.device)

    current = noisy
    if sampler == "ddpm":
        for step in range(start, 0, -1):
            fresh = draw_noise() if step > 1 else None
            current = ddpm_step(current, predict_noise(current, batch_of(step)), step, alpha_bar, fresh)
        return current
    for step, next_step in pairwise(sampling_steps(start, 10 if steps is None else steps)):
        current = ddim_step(current, predict_noise(current, batch_of(step)), step, next_step, alpha_bar)
    return current


def _check_sampler(sampler: str) -> None:
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, got {sampler!r}")
