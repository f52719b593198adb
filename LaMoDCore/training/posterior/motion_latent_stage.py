"""Training of the motion latent, as a stage of the loop: principal components of the residual motion, and a denoiser.

E_R and D_η are frozen, so every slice passes through them once (`residuals`), and an epoch over the codes takes less
than a second. The loss is eq. (9) on the motion latent w, in velocity form.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.heart.geometry import Array
from LaMoDCore.networks.diffusion import NoiseSchedule, q_sample
from LaMoDCore.networks.motion_latent import MotionLatent
from LaMoDCore.networks.slice_spread import SliceSpread
from LaMoDCore.training.loop.fit import BestEpoch
from LaMoDCore.training.loop.loop_stage import LoopStage, Optimisation, TrainedPart
from LaMoDCore.training.posterior.residuals import ResidualBank

#: Ridges that are tried for the regression of the mean; the last nearly switches it off.
RIDGES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 1e4, 3e4, 1e5, 1e9)
#: Seed and repetitions of the noise that validation uses, the same every time.
_VALIDATION_SEED, _VALIDATION_REPEATS = 4242, 8


@dataclass(frozen=True)
class GenerativeConfig:
    """Settings of the training.

    Attributes:
        epochs: passes over all slices.
        batch_size: codes per step.
        learning_rate: maximum; it warms up and decays to zero along a cosine.
        weight_decay: decoupled weight decay.
        ema_decay: decay of the averaged weights that are kept.
        forget: share of codes whose condition is dropped, for classifier-free guidance.
        condition_noise: SD of the noise added to the condition's inputs, in their own unit.
        trust: factor on the estimate from contours, see `MotionLatent.fit_expectation`.
        seed: random seed of initialisation, order and noise.
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
    """Result of the training.

    Attributes:
        energy_held: share of the relative motion's energy in the modes.
        ridge: ridge penalty of the regression of the mean.
        explained: share of w's variance on validation slices that the regression explains (less than 0: none).
        spread_ridge: ridge penalty of the regression of each slice's spread.
        spread_explained: share of the variance of log energies on validation slices that it explains.
        train_loss, val_loss: mean squared error of the velocity, of the averaged weights at the best epoch.
        best_epoch: the epoch that was kept, counted from 1.
    """

    energy_held: float
    ridge: float
    explained: float
    spread_ridge: float
    spread_explained: float
    train_loss: float
    val_loss: float
    best_epoch: int


@dataclass(frozen=True, eq=False)
class LatentBanks:
    """Slices for the motion latent.

    Attributes:
        train: training slices.
        validation: slices of other subjects, which choose the epoch.
        wider: further training and validation slices, of hearts from a wider distribution. Modes, spread and denoiser
            learn from them; the regression of the mean and the shares do not.
    """

    train: ResidualBank
    validation: ResidualBank
    wider: tuple[ResidualBank, ResidualBank] | None = None


class MotionLatentStage(LoopStage):
    """Fits `motion_latent`'s modes and mean and `slice_spread`, and trains the denoiser of a model's `motion_latent`.

    Args:
        slices: expected number of training slices, including those from the wider distribution, of which some may be
            left out; it determines the number of steps.
        banks: returns the slices for the averaged model when the stage is opened.
        schedule: schedule of the diffusion.
        config: settings.
    """

    name = "motion-latent"
    validation_interval = 5
    epoch_checkpoints = False
    one_thread = True

    def __init__(
        self, slices: int, banks: Callable[[Any], LatentBanks], schedule: NoiseSchedule, config: GenerativeConfig
    ) -> None:
        self.optimisation = Optimisation(config.learning_rate, config.ema_decay, betas=(0.9, 0.99))
        self._banks, self._schedule, self._config = banks, schedule, config
        self._steps = max(1, slices // config.batch_size)
        self._generator = torch.Generator()
        self._order = torch.empty(0, dtype=torch.int64)
        self._rows: tuple[Tensor, ...] = ()
        self._held_out: tuple[Tensor, ...] = ()
        self._fitted: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def is_open(self) -> bool:
        """Whether modes, mean and spread were fitted in this process."""
        return bool(self._rows)

    def epoch_lengths(self) -> Sequence[int]:
        return [self._steps] * self._config.epochs

    def trained_parts(self, model: nn.Module) -> Mapping[str, TrainedPart]:
        return {"motion_latent": TrainedPart(_latent(model), self._config.weight_decay)}

    def open(self, model: nn.Module, *, resumed: bool) -> None:
        """Fit modes, mean and spread; the data of the denoiser follow from them."""
        banks = self._banks(model)
        target = copy.deepcopy(model) if resumed else model
        latent, spread = _latent(target), target.get_submodule("slice_spread")
        assert isinstance(spread, SliceSpread)
        self._fit(latent, spread, banks)
        self._generator.manual_seed(self._config.seed)
        torch.manual_seed(self._config.seed)  # of dropout

    def _fit(self, latent: MotionLatent, spread: SliceSpread, banks: LatentBanks) -> None:
        every, every_held_out = banks.train, banks.validation
        if banks.wider is not None:
            every = ResidualBank.joined([banks.train, banks.wider[0]])
            every_held_out = ResidualBank.joined([banks.validation, banks.wider[1]])
        held = latent.fit_modes(every.relative)
        ridge, explained, around = choose_ridge(latent, banks.train, banks.validation, self._config.trust)
        if banks.wider is not None:
            around = torch.cat([around, _around(latent, banks.wider[0])])
        held_around = _around(latent, every_held_out)
        found = spread.fit(every.descriptors, _energy(around), every_held_out.descriptors, _energy(held_around))
        self._fitted = (held, ridge, explained, *found)
        self._rows = _rows(around, spread, every)
        self._held_out = _rows(held_around, spread, every_held_out)

    def batches(self, epoch: int, first: int) -> Iterator[tuple[Tensor, ...]]:
        if first == 0:
            self._order = torch.randperm(len(self._rows[0]), generator=self._generator)
        size = self._config.batch_size
        most = min(size, len(self._order))
        for step in range(first, self._steps):
            chosen = self._order[torch.arange(step * size, step * size + most) % len(self._order)]
            yield tuple(part[chosen] for part in self._rows)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        config = self._config
        loss = velocity_loss(
            _latent(model), self._schedule, batch, self._generator, config.forget, config.condition_noise
        )
        return loss, {}

    def validate(self, model: nn.Module) -> dict[str, float]:
        return {"loss": validation_loss(_latent(model), self._schedule, self._held_out)}

    def random_state(self) -> dict[str, Tensor]:
        return {"generator": self._generator.get_state(), "order": self._order, "torch": torch.get_rng_state()}

    def restore_random_state(self, state: Mapping[str, Tensor]) -> None:
        self._generator.set_state(state["generator"])
        self._order = state["order"]
        torch.set_rng_state(state["torch"])

    def report(self, best: BestEpoch) -> GenerativeReport:
        """Describe the weights that were kept; the stage must have been opened in this process."""
        return GenerativeReport(*self._fitted, best.train["loss"], best.validation["loss"], best.epoch)


def choose_ridge(
    latent: MotionLatent, train: ResidualBank, validation: ResidualBank, trust: float = 1.0
) -> tuple[float, float, Tensor]:
    """Fit the mean of w with the ridge that explains the validation slices best.

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
    """Eq. (9) for the velocity v = √ᾱ ε − √(1−ᾱ) w, at a random step for every code; `batch` is (w, ring, motion)."""
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
def validation_loss(latent: MotionLatent, schedule: NoiseSchedule, rows: tuple[Tensor, ...]) -> float:
    """`velocity_loss` with the same noise every time, at several steps per code."""
    generator = torch.Generator().manual_seed(_VALIDATION_SEED)
    losses = [float(velocity_loss(latent, schedule, rows, generator)) for _ in range(_VALIDATION_REPEATS)]
    return float(np.mean(losses))


def _around(latent: MotionLatent, bank: ResidualBank) -> Tensor:
    """Offsets of w from its mean in units of the scatter, [N, modes], for slices that the mean was not fitted to."""
    return (latent.encode(bank.relative) - latent.expected(bank.views())) / latent.scatter


def _energy(around: Tensor) -> Array:
    return np.asarray(around.double().square().cpu().numpy())


def _rows(around: Tensor, spread: SliceSpread, bank: ResidualBank) -> tuple[Tensor, Tensor, Tensor]:
    """Data of the denoiser: w's offset from its mean in units of the slice's own scatter, and the condition."""
    factors = torch.from_numpy(spread.factors(bank.descriptors)).to(around)
    views = bank.views()
    return around / factors, views.ring, views.motion


def _latent(model: nn.Module) -> MotionLatent:
    latent = model.get_submodule("motion_latent")
    assert isinstance(latent, MotionLatent)
    return latent
