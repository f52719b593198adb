"""The diffusion of the motion latent: principal components of what the model leaves open, and their denoiser.

E_R and D_η are at rest, so every slice goes through them once (`residuals`); an epoch over the codes then takes less
than a second. The loss is eq. (9) on the motion latent w, in velocity form.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.heart.geometry import Array
from LaMoDCore.networks.diffusion import NoiseSchedule, q_sample
from LaMoDCore.networks.motion_latent import MotionLatent
from LaMoDCore.networks.slice_spread import SliceSpread
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.loop.averaging import follow, frozen_copy
from LaMoDCore.training.loop.learning_rate import learning_rate_share
from LaMoDCore.training.posterior.residuals import ResidualBank

#: Weights of the regression's coefficients that are tried; the last all but switches it off.
RIDGES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 1e4, 3e4, 1e5, 1e9)


@dataclass(frozen=True)
class GenerativeConfig:
    """How the motion latent is trained.

    Attributes:
        epochs: over all slices of the bank.
        batch_size: codes a step.
        learning_rate: of AdamW at its height; it warms up and falls to zero along a cosine.
        weight_decay: decoupled.
        ema_decay: of the averaged weights that are kept.
        forget: share of codes whose condition is withheld, for classifier-free guidance.
        condition_noise: SD of noise on the condition's inputs, in their own unit.
        trust: in the estimate from contours, see `MotionLatent.fit_expectation`.
        seed: of initialisation, order and noise.
    """

    epochs: int = 80
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    ema_decay: float = 0.998
    forget: float = 0.1
    condition_noise: float = 0.1
    trust: float = 0.85
    seed: int = 0


@dataclass(frozen=True)
class GenerativeReport:
    """How it went.

    Attributes:
        energy_held: share of the relative motion's energy that the modes hold.
        ridge: of the regression of the mean.
        explained: share of w's variance on validation slices that the regression explains (less than 0: none).
        spread_ridge: of the regression of each slice's spread.
        spread_explained: share of the variance of log energies on validation slices that it explains.
        train_loss, val_loss: mean squared error of the velocity, of the averaged weights at the best epoch.
        best_epoch: the one that was kept, counted from 1.
    """

    energy_held: float
    ridge: float
    explained: float
    spread_ridge: float
    spread_explained: float
    train_loss: float
    val_loss: float
    best_epoch: int


def train_motion_latent(
    latent: MotionLatent,
    spread: SliceSpread,
    schedule: NoiseSchedule,
    train: ResidualBank,
    validation: ResidualBank,
    config: GenerativeConfig,
    *,
    wider: tuple[ResidualBank, ResidualBank] | None = None,
    progress: Progress = SILENT,
) -> GenerativeReport:
    """Fit modes, mean and spread and train the denoiser, in place; the averaged weights of the best epoch stay.

    Args:
        latent, spread: untrained.
        schedule: of the diffusion.
        train: what to learn from.
        validation: subjects that are not in `train`; choose the epoch.
        config: how.
        wider: further slices to learn from and to validate on, of hearts that the mean is not to be bent to: modes,
            spread and denoiser learn from them, the regression and the shares do not.
        progress: told after every epoch.
    """
    torch.manual_seed(config.seed)
    every, every_held_out = train, validation
    if wider is not None:
        every, every_held_out = ResidualBank.joined([train, wider[0]]), ResidualBank.joined([validation, wider[1]])
    held = latent.fit_modes(every.relative)
    generator = torch.Generator().manual_seed(config.seed)
    learning, averaged = latent, frozen_copy(latent)
    optimiser = torch.optim.AdamW(
        learning.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.99)
    )
    ridge, explained, around = choose_ridge(latent, train, validation, config.trust)
    averaged.load_state_dict(latent.state_dict())
    if wider is not None:
        around = torch.cat([around, _around(latent, wider[0])])
    held_around = _around(latent, every_held_out)
    spread_found = spread.fit(every.descriptors, _energy(around), every_held_out.descriptors, _energy(held_around))
    rows = _rows(around, spread, every)
    held_out = _rows(held_around, spread, every_held_out)
    steps = max(1, len(every.index) // config.batch_size)
    total = steps * config.epochs
    best, best_epoch, train_loss = np.inf, 0, np.nan
    best_state = copy.deepcopy(averaged.state_dict())
    for epoch in range(config.epochs):
        learning.train()
        losses = []
        order = torch.randperm(len(every.index), generator=generator)
        for step in range(steps):
            done = epoch * steps + step
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * learning_rate_share(done, total)
            chosen = order[step * config.batch_size : (step + 1) * config.batch_size]
            batch = tuple(part[chosen] for part in rows)
            loss = velocity_loss(learning, schedule, batch, generator, config.forget, config.condition_noise)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning.parameters(), 1.0)
            optimiser.step()
            losses.append(float(loss.detach()))
            follow(averaged, learning, done, config.ema_decay)
        if (epoch + 1) % 5 == 0 or epoch + 1 == config.epochs:
            score = validation_loss(averaged, schedule, held_out)
            if score < best:
                best, best_epoch, train_loss = score, epoch + 1, float(np.mean(losses))
                best_state = copy.deepcopy(averaged.state_dict())
            progress.update("motion latent", (epoch + 1) / config.epochs, f"loss {np.mean(losses):.4f}, {score:.4f}")
    latent.load_state_dict(best_state)
    latent.eval()
    return GenerativeReport(held, ridge, explained, *spread_found, train_loss, float(best), best_epoch)


def choose_ridge(
    latent: MotionLatent, train: ResidualBank, validation: ResidualBank, trust: float = 1.0
) -> tuple[float, float, Tensor]:
    """Fit the mean of w with the ridge that explains validation slices best.

    Returns:
        the ridge, the share of their variance that it explains, and the training slices' offsets
        (see `MotionLatent.fit_expectation`).
    """
    views, code, held_views = train.views(), latent.encode(train.relative), validation.views()
    wanted = latent.encode(validation.relative)
    energy = latent.modes.square().sum(dim=1)
    base = ((wanted - code.mean(dim=0)).square() * energy).sum()
    best = (RIDGES[-1], -np.inf)
    for ridge in RIDGES:
        latent.fit_expectation(views, code, ridge, trust)
        missed = ((wanted - latent.expected(held_views)).square() * energy).sum()
        if (explained := 1 - float(missed / base)) > best[1]:
            best = (ridge, explained)
    return *best, latent.fit_expectation(views, code, best[0], trust)


def velocity_loss(
    latent: MotionLatent,
    schedule: NoiseSchedule,
    batch: tuple[Tensor, ...],
    generator: torch.Generator,
    forget: float = 0.0,
    condition_noise: float = 0.0,
) -> Tensor:
    """Eq. (9) for the velocity v = √ᾱ ε − √(1−ᾱ) w, at a random step for every code of (w, ring, motion)."""
    code, ring, motion = batch
    if condition_noise > 0:
        ring = ring + condition_noise * torch.randn(ring.shape, generator=generator)
        motion = motion + condition_noise * torch.randn(motion.shape, generator=generator)
    condition = latent.condition(ring, motion)
    if forget > 0:
        withheld = torch.rand(len(code), 1, generator=generator) < forget
        condition = torch.where(withheld, latent.unknown.expand_as(condition), condition)
    step = torch.randint(1, schedule.steps + 1, (len(code),), generator=generator)
    noise = torch.randn(code.shape, generator=generator)
    alpha_bar = schedule.alpha_bar().float()
    signal = alpha_bar[step][:, None]
    wanted = signal.sqrt() * noise - (1 - signal).sqrt() * code
    return functional.mse_loss(latent.velocity(q_sample(code, step, noise, alpha_bar), step, condition), wanted)


@torch.no_grad()
def validation_loss(latent: MotionLatent, schedule: NoiseSchedule, rows: tuple[Tensor, ...], repeats: int = 8) -> float:
    """The same noise every time, several steps a code."""
    generator = torch.Generator().manual_seed(4242)
    return float(np.mean([float(velocity_loss(latent, schedule, rows, generator)) for _ in range(repeats)]))


def _around(latent: MotionLatent, bank: ResidualBank) -> Tensor:
    """Offsets of w from its mean in units of the scatter, [N, modes], of slices that the mean was not fitted to."""
    return (latent.encode(bank.relative) - latent.expected(bank.views())) / latent.scatter


def _energy(around: Tensor) -> Array:
    return np.asarray(around.double().square().cpu().numpy())


def _rows(around: Tensor, spread: SliceSpread, bank: ResidualBank) -> tuple[Tensor, Tensor, Tensor]:
    """What the denoiser learns: w's offset from its mean in units of the slice's own scatter, and the condition."""
    factors = torch.from_numpy(spread.factors(bank.descriptors)).to(around)
    views = bank.views()
    return around / factors, views.ring, views.motion
