"""Training of the estimate from contours: slices varied anew at every step (`contour_variation`), early stopping.

The loss is the motion's error in mm, root mean square over the cycle and about the ring, averaged over slices.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.networks.contour_motion import ContourMotion, real_rows
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.loop.averaging import follow, frozen_copy
from LaMoDCore.training.loop.learning_rate import learning_rate_share
from LaMoDCore.training.posterior.contour_bank import ContourBank
from LaMoDCore.training.posterior.contour_variation import varied

#: Slices that the principal components are taken of: more would only need memory.
_AXES_FROM = 40_000
#: Keeps the root's gradient bounded, in the square of radians.
_LEAST_SQUARE = 1e-4


@dataclass(frozen=True)
class ContourTraining:
    """How.

    Attributes:
        least_steps, most_steps: of AdamW; in between, one for every `slices_a_step` slices that are learned from.
        slices_a_step: see there.
        validations: evenly over the steps.
        batch_size: slices a step.
        learning_rate: at its height; it warms up and falls to zero along a cosine.
        weight_decay: decoupled.
        ema_decay: of the averaged weights that are validated and kept.
        seed: of initialisation, order and augmentation.
    """

    least_steps: int = 800
    most_steps: int = 16_000
    slices_a_step: int = 16
    validations: int = 32
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    ema_decay: float = 0.99
    seed: int = 0

    def steps(self, slices: int) -> int:
        """Steps for so many slices."""
        return min(self.most_steps, max(self.least_steps, slices // self.slices_a_step))


@dataclass(frozen=True)
class ContourReport:
    """How it went.

    Attributes:
        slices: that were learned from.
        train_mm, validation_mm: root mean square error, of the averaged weights at the best validation.
        still_mm: the same on validation slices of a ring that only follows its centre.
        best_step: after which the weights were kept.
    """

    slices: int
    train_mm: float
    validation_mm: float
    still_mm: float
    best_step: int


def train_contour_motion(
    network: ContourMotion,
    train: Sequence[ContourBank],
    validation: ContourBank,
    config: ContourTraining,
    progress: Progress = SILENT,
) -> ContourReport:
    """Fit the axes and train the network, in place; the averaged weights of the best validation stay.

    Args:
        network: untrained.
        train: banks to learn from, as if they were one; they are not put together, which would take their room twice.
        validation: slices of other subjects; choose when to stop.
        config: how.
        progress: told after every validation.
    """
    generator = torch.Generator().manual_seed(config.seed)
    data, held_out = _Readings(train), _tensors(validation)
    numbers, motion, _, _ = data.of(torch.from_numpy(spread_evenly(len(data), _AXES_FROM)))
    network.fit_axes(numbers, motion)
    averaged = frozen_copy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    best, best_step, losses, train_mm = _error(averaged, held_out), 0, [], np.nan
    best_state = copy.deepcopy(averaged.state_dict())
    steps = config.steps(len(data))
    every = max(steps // config.validations, 1)
    torch.manual_seed(config.seed)  # of dropout
    network.train()
    for step in range(steps):
        chosen = torch.randint(0, len(data), (config.batch_size,), generator=generator)
        batch = varied(data.of(chosen), generator)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * learning_rate_share(step, steps, warm_up=200, warm_up_share=4)
        loss = _loss(network, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        follow(averaged, network, step, config.ema_decay)
        if (step + 1) % every == 0 or step + 1 == steps:
            score = _error(averaged, held_out)
            if score < best:
                best, best_step, train_mm = score, step + 1, float(np.mean(losses[-every:]))
                best_state = copy.deepcopy(averaged.state_dict())
            progress.update("contours' motion", (step + 1) / steps, f"{losses[-1]:.3f}, {score:.3f} mm")
    network.load_state_dict(best_state)
    for weights in network.parameters():  # kept in half the room; far less is lost than contours are shaken by
        weights.data.copy_(weights.data.half())
    network.eval()
    still = (held_out[1].abs().square().sum(dim=(1, 2)) / FRAMES).sqrt() * held_out[2]
    return ContourReport(len(data), train_mm, best, float(still.mean()), best_step)


class _Readings:
    """Slices of several banks, numbered through."""

    def __init__(self, banks: Sequence[ContourBank]) -> None:
        self._banks = [_tensors(bank) for bank in banks]
        self._ends = torch.tensor([len(bank.radius) for bank in banks]).cumsum(0)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def of(self, chosen: Tensor) -> tuple[Tensor, ...]:
        """Numbers, motion, radius and levels of slices [N]."""
        found = [torch.empty((len(chosen), *part.shape[1:]), dtype=part.dtype) for part in self._banks[0]]
        number = torch.bucketize(chosen, self._ends, right=True)
        for n, bank in enumerate(self._banks):
            here = torch.nonzero(number == n)[:, 0]
            within = chosen[here] - (self._ends[n - 1] if n else 0)
            for part, values in zip(found, bank, strict=True):
                part[here] = values[within]
        return tuple(found)


def _tensors(bank: ContourBank) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(part) for part in (bank.numbers, bank.motion, bank.radius, bank.levels))


def _loss(network: ContourMotion, batch: tuple[Tensor, ...]) -> Tensor:
    """The basis is orthonormal over a ring: a sum over coefficients is a mean over the ring's points, in radians."""
    numbers, motion, radius, levels = batch
    missed = (network.rows(network(numbers, levels)) - real_rows(motion)).square().sum(dim=1) / FRAMES
    return ((missed + _LEAST_SQUARE).sqrt() * radius).mean()


@torch.no_grad()
def _error(network: ContourMotion, batch: tuple[Tensor, ...]) -> float:
    return float(_loss(network, batch))
