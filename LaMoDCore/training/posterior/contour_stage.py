"""Training of the estimate from contours, as a stage of the loop: slices varied at every step, early stopping.

The loss is the error of the motion in mm, as a root mean square over the cycle and the ring, averaged over slices. A
network with the convention as an input also learns the left-out layer, by its likelihood under a normal distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.networks.contour_motion import ContourMotion, real_rows
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.training.loop.fit import BestEpoch
from LaMoDCore.training.loop.loop_stage import LoopStage, Optimisation, TrainedPart
from LaMoDCore.training.posterior.contour_bank import ContourBank
from LaMoDCore.training.posterior.contour_variation import varied
from LaMoDCore.training.posterior.randomised_residuals import SLICES

#: Slices from which the principal components are computed, to limit memory.
_AXES_FROM = 40_000
#: Bounds the gradient of the root, in the square of radians.
_LEAST_SQUARE = 1e-4


@dataclass(frozen=True)
class ContourTraining:
    """Settings of the training.

    Attributes:
        least_steps, most_steps: limits on the steps of AdamW; within them one per `slices_per_step` training slices.
        slices_per_step: training slices per step.
        validations: number of epochs, each ended by a validation.
        batch_size: slices per step.
        learning_rate: maximum; it warms up and decays to zero along a cosine.
        weight_decay: decoupled weight decay.
        ema_decay: decay of the averaged weights that are validated and kept.
        seed: random seed of initialisation, order and augmentation.
    """

    least_steps: int = 800
    most_steps: int = 16_000
    slices_per_step: int = 16
    validations: int = 32
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    ema_decay: float = 0.99
    seed: int = 0

    def steps(self, slices: int) -> int:
        """Number of steps for a number of training slices."""
        return min(self.most_steps, max(self.least_steps, slices // self.slices_per_step))


@dataclass(frozen=True)
class ContourReport:
    """Result of the training.

    Attributes:
        slices: number of training slices.
        train_mm, validation_mm: root mean square error of the averaged weights at the best validation.
        still_mm: validation error of a ring that only follows its centre.
        best_step: the step after which the weights were kept, 0 for the start.
        layer_mm: mean absolute validation error of the left-out layer; None for a network that does not estimate it,
            and for a run that was resumed after this stage.
    """

    slices: int
    train_mm: float
    validation_mm: float
    still_mm: float
    best_step: int
    layer_mm: float | None = None


class ContourStage(LoopStage):
    """Trains the part `contour_motion` of a model.

    Args:
        train: training slices, as if the banks were one; they are not joined, which would double the memory.
        validation: slices of other subjects, which choose the epoch.
        config: settings.
        name: name of the stage.
        initial: state dict of the untrained part; by default it is trained as it is.
        after: called with the averaged model at the end of the stage.
    """

    scores_start = True
    epoch_checkpoints = False
    one_thread = True

    def __init__(
        self,
        train: Sequence[ContourBank],
        validation: ContourBank,
        config: ContourTraining,
        *,
        name: str = "contours",
        initial: Mapping[str, Tensor] | None = None,
        after: Callable[[Any], object] | None = None,
    ) -> None:
        self.name = name
        self.optimisation = Optimisation(
            config.learning_rate, config.ema_decay, largest_gradient=5.0, warm_up=200, warm_up_share=4
        )
        self._config, self._initial, self._after = config, initial, after
        self._data, self._validation = JoinedContours(train), _tensors(_with_some_hidden(validation))
        self._generator = torch.Generator()
        self._layer_error_mm: float | None = None

    def epoch_lengths(self) -> Sequence[int]:
        """Epochs of equal length, and a shorter one for the remaining steps."""
        steps = self._config.steps(len(self._data))
        every = max(steps // self._config.validations, 1)
        whole, rest = divmod(steps, every)
        return [every] * whole + [rest] * (rest > 0)

    def trained_parts(self, model: nn.Module) -> Mapping[str, TrainedPart]:
        return {"contour_motion": TrainedPart(_network(model), self._config.weight_decay)}

    def open(self, model: nn.Module, *, resumed: bool) -> None:
        """Fit the axes of the principal components."""
        if not resumed:
            network = _network(model)
            if self._initial is not None:
                network.load_state_dict(dict(self._initial))
            numbers, motion, *_ = self._data.select(torch.from_numpy(spread_evenly(len(self._data), _AXES_FROM)))
            network.fit_axes(numbers, motion)
        self._generator.manual_seed(self._config.seed)
        torch.manual_seed(self._config.seed)  # of dropout

    def batches(self, epoch: int, first: int) -> Iterator[tuple[Tensor, ...]]:
        size, count = self._config.batch_size, len(self._data)
        for _ in range(first, self.epoch_lengths()[epoch]):
            chosen = torch.randint(0, count, (size,), generator=self._generator)
            yield varied(self._data.select(chosen), self._generator)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        network = _network(model)
        if not network.config.conventions:
            return _loss(network, batch), {}
        layer = _layer_loss(network, batch)
        return _loss(network, batch) + layer, {"layer": layer.detach()}

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        return {"loss": float(_loss(_network(model), self._validation))}

    def close(self, model: nn.Module) -> None:
        """Round the weights to half precision, which takes half the memory and loses less than contours vary.

        Before, the standard deviations of the left-out layer are scaled to what the validation slices show.
        """
        if _network(model).config.conventions:
            self._layer_error_mm = _scale_layer_deviation(_network(model), self._validation)
        for weights in _network(model).parameters():
            weights.data.copy_(weights.data.half())
        if self._after is not None:
            self._after(model)

    def random_state(self) -> dict[str, Tensor]:
        return {"generator": self._generator.get_state(), "torch": torch.get_rng_state()}

    def restore_random_state(self, state: Mapping[str, Tensor]) -> None:
        self._generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])

    def report(self, best: BestEpoch) -> ContourReport:
        """Describe the weights that were kept."""
        _, motion, radius, *_ = self._validation
        still = (motion.abs().square().sum(dim=(1, 2)) / FRAMES).sqrt() * radius
        return ContourReport(
            len(self._data),
            best.train.get("loss", math.nan) - best.train.get("layer", 0.0),
            best.validation["loss"],
            float(still.mean()),
            sum(self.epoch_lengths()[: best.epoch]),
            self._layer_error_mm,
        )


class JoinedContours:
    """The slices of several banks, numbered consecutively."""

    def __init__(self, banks: Sequence[ContourBank]) -> None:
        self._banks = [_tensors(bank) for bank in banks]
        self._ends = torch.tensor([len(bank.radius) for bank in banks]).cumsum(0)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def select(self, chosen: Tensor) -> tuple[Tensor, ...]:
        """The fields of slices [N] (`ContourBank`)."""
        found = [torch.empty((len(chosen), *part.shape[1:]), dtype=part.dtype) for part in self._banks[0]]
        number = torch.bucketize(chosen, self._ends, right=True)
        for n, bank in enumerate(self._banks):
            here = torch.nonzero(number == n)[:, 0]
            within = chosen[here] - (self._ends[n - 1] if n else 0)
            for part, values in zip(found, bank, strict=True):
                part[here] = values[within]
        return tuple(found)


def _network(model: nn.Module) -> ContourMotion:
    network = model.get_submodule("contour_motion")
    assert isinstance(network, ContourMotion)
    return network


def _with_some_hidden(bank: ContourBank) -> ContourBank:
    """The same slices with the convention of half of them hidden, of each level."""
    number = np.arange(len(bank.radius))
    return replace(bank, conventions=np.where((number + number // SLICES) % 2, bank.conventions, 0))


def _tensors(bank: ContourBank) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(getattr(bank, field.name)) for field in fields(bank))


def _loss(network: ContourMotion, batch: tuple[Tensor, ...]) -> Tensor:
    """The basis is orthonormal over a ring: a sum over coefficients is a mean over the ring's points, in radians."""
    numbers, motion, radius, levels, conventions, _ = batch
    missed = (network.rows(network(numbers, levels, conventions)) - real_rows(motion)).square().sum(dim=1) / FRAMES
    return ((missed + _LEAST_SQUARE).sqrt() * radius).mean()


def _layer_loss(network: ContourMotion, batch: tuple[Tensor, ...]) -> Tensor:
    """Mean negative logarithm of the likelihood of the left-out layers, of the slices with a known one."""
    numbers, _, _, levels, _, layer = batch
    thickness, log_deviation = network.left_out_layer(numbers, levels)
    known = ~layer.isnan()
    missed = torch.where(known, layer, 0.0) - thickness
    likelihood = 0.5 * (missed * torch.exp(-log_deviation)).square() + log_deviation
    return torch.where(known, likelihood, 0.0).sum() / known.sum().clamp(min=1)


@torch.no_grad()
def _scale_layer_deviation(network: ContourMotion, slices: tuple[Tensor, ...]) -> float | None:
    """Scale the standard deviations of the left-out layer to the errors on slices; returns the mean absolute error."""
    numbers, _, _, levels, _, layer = slices
    known = ~layer.isnan()
    if network.layer is None or not known.any():
        return None
    thickness, log_deviation = network.left_out_layer(numbers[known], levels[known])
    missed = layer[known] - thickness
    last = network.layer[-1]
    assert isinstance(last, nn.Linear)
    last.bias[1] += 0.5 * (missed * torch.exp(-log_deviation)).square().mean().log()
    return float(missed.abs().mean())
