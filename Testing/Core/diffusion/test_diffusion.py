"""The latent diffusion compared with a direct implementation of the paper's equations."""

from __future__ import annotations

import math

import pytest
import torch

from LaMoDCore.networks.diffusion import (
    NoiseSchedule,
    SmoothNoise,
    ddim_step,
    ddpm_step,
    denoise,
    q_sample,
    sampling_steps,
)

SHAPE = (2, 3, 20, 16, 16)


def plain_alpha_bar(steps: int, first: float, last: float) -> list[float]:
    product, values = 1.0, [1.0]
    for m in range(steps):
        product *= 1 - (first + (last - first) * m / (steps - 1))
        values.append(product)
    return values


def test_the_schedule_ends_in_noise() -> None:
    for name in ("linear", "cosine"):
        signal = NoiseSchedule(name=name).alpha_bar()
        assert signal[0] == 1.0
        assert (signal.diff() < 0).all()
        assert signal[-1].sqrt() < 0.05
    expected = plain_alpha_bar(500, 2e-4, 0.03)
    torch.testing.assert_close(NoiseSchedule().alpha_bar(), torch.tensor(expected, dtype=torch.float64))


def test_q_sample_is_equation_6() -> None:
    generator = torch.Generator().manual_seed(1)
    clean, noise = torch.randn(SHAPE, generator=generator), torch.randn(SHAPE, generator=generator)
    signal = plain_alpha_bar(500, 2e-4, 0.03)
    made = q_sample(clean, torch.tensor([3, 420]), noise, NoiseSchedule().alpha_bar())
    for sample, m in enumerate((3, 420)):
        expected = math.sqrt(signal[m]) * clean[sample] + math.sqrt(1 - signal[m]) * noise[sample]
        assert (made[sample] - expected).abs().max() < 1e-5


@pytest.mark.parametrize("m", [1, 2, 77, 500])
def test_one_exact_reverse_step_is_equation_8(m: int) -> None:
    generator = torch.Generator().manual_seed(2)
    noisy, predicted, fresh = (torch.randn(SHAPE, generator=generator) for _ in range(3))
    signal = plain_alpha_bar(500, 2e-4, 0.03)
    alpha = signal[m] / signal[m - 1]
    mean = (noisy - (1 - alpha) / math.sqrt(1 - signal[m]) * predicted) / math.sqrt(alpha)
    sigma = math.sqrt((1 - signal[m - 1]) / (1 - signal[m]) * (1 - alpha)) if m > 1 else 0.0
    made = ddpm_step(noisy, predicted, m, NoiseSchedule().alpha_bar().float(), fresh)
    assert (made - (mean + sigma * fresh)).abs().max() < 1e-5


def test_a_reverse_step_with_the_true_noise_leads_towards_the_clean_latent() -> None:
    generator = torch.Generator().manual_seed(3)
    clean, noise = torch.randn(SHAPE, generator=generator), torch.randn(SHAPE, generator=generator)
    signal = NoiseSchedule().alpha_bar().float()
    noisy = q_sample(clean, torch.tensor([300, 300]), noise, signal)
    to_zero = ddim_step(noisy, noise, 300, 0, signal)
    assert (to_zero - clean).abs().max() < 1e-3
    part_way = ddim_step(noisy, noise, 300, 100, signal)
    assert (part_way - q_sample(clean, torch.tensor([100, 100]), noise, signal)).abs().max() < 1e-4


@pytest.mark.parametrize("width, width_frames", [(0.0, 0.0), (1.0, 1.0), (2.5, 0.0), (0.7, 4.0)])
def test_smoothed_noise_has_unit_variance(width: float, width_frames: float) -> None:
    noise = SmoothNoise(width, width_frames).sample((96, 4, 20, 16, 16), torch.Generator().manual_seed(0))
    assert noise.var().item() == pytest.approx(1.0, abs=0.03)
    pixel_variance = noise.flatten(0, 1).var(dim=0)
    assert pixel_variance.min() > 0.6 and pixel_variance.max() < 1.5
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean() / noise.var()
    assert neighbours.item() == pytest.approx(math.exp(-1 / (4 * width**2)) if width else 0.0, abs=0.03)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_a_perfect_denoiser_brings_the_latent_back_from_any_start(sampler: str) -> None:
    schedule, noise = NoiseSchedule(steps=60, beta_last=0.2), SmoothNoise()
    signal = schedule.alpha_bar().float()
    clean = torch.randn(SHAPE, generator=torch.Generator().manual_seed(4))

    def knows_the_answer(noisy: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        now = signal[step].view(-1, 1, 1, 1, 1)
        return (noisy - now.sqrt() * clean) / (1 - now).sqrt()

    for start in (0, 10, 60):
        back = denoise(
            clean, knows_the_answer, schedule, noise, torch.Generator().manual_seed(5), sampler=sampler, start=start
        )
        assert (back - clean).abs().max() < 1e-3


def test_the_denoiser_is_asked_anew_at_every_step() -> None:
    """ε̂ is computed again at every step."""
    asked: list[int] = []

    def remembers(noisy: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        asked.append(int(step[0]))
        return torch.zeros_like(noisy)

    latent = torch.zeros(1, 2, 4, 8, 8)
    denoise(latent, remembers, NoiseSchedule(50), SmoothNoise(), torch.Generator(), sampler="ddpm")
    assert asked == list(range(50, 0, -1))
    asked.clear()
    denoise(latent, remembers, NoiseSchedule(50), SmoothNoise(), torch.Generator(), sampler="ddim", start=40, steps=4)
    assert asked == [40, 30, 20, 10]
    assert sampling_steps(3, 10) == [3, 2, 1, 0]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones() -> None:
    latent = torch.zeros(1, 2, 4, 8, 8)

    def run(seed: int) -> bytes:
        made = denoise(
            latent, lambda z, _: 0.1 * z, NoiseSchedule(20), SmoothNoise(), torch.Generator().manual_seed(seed)
        )
        return made.numpy().tobytes()

    assert run(7) == run(7) != run(8)


def test_wrong_options_are_refused_with_what_is_allowed() -> None:
    latent = torch.zeros(1, 1, 4, 8, 8)
    with pytest.raises(ValueError, match="ddim, ddpm"):
        denoise(latent, lambda z, _: z, NoiseSchedule(), SmoothNoise(), torch.Generator(), sampler="euler")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0…500"):
        denoise(latent, lambda z, _: z, NoiseSchedule(), SmoothNoise(), torch.Generator(), start=501)
    with pytest.raises(ValueError, match="linear, cosine"):
        NoiseSchedule(name="square")  # type: ignore[arg-type]
