"""A stage on the slices of a training cache: batches, augmentation and validation, shared by several processes.

Order, augmentation, noise and dropout of a step depend only on (seed, stage, epoch, step) and on the number of each
slice, so a resumed run and a run of several processes compute what one uninterrupted process would.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.data.augmentation import Batch, augment
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.data.draws import Draws, seed_of
from LaMoDCore.training.data.loading import epoch_batches, load_batch, prepared_ahead
from LaMoDCore.training.loop.loop_stage import LoopStage, Optimisation, TrainedPart
from LaMoDCore.training.loop.stages import Stage
from LaMoDCore.training.run.settings import TrainingConfig

_VALIDATION = "validation"
#: Slices validated at once, whatever the number of processes, so that it changes no result.
_VALIDATION_BATCH = 16
#: Slices that a stage's `prepare` sees, and how many at once.
_PREPARED, _PREPARED_AT_ONCE = 64, 8


class SliceStage(LoopStage):
    """Runs a `Stage` on slices of a cache.

    Args:
        stage: loss, trained parts and score.
        number: position of the stage among those that are run.
        epochs: passes over the training slices.
        cache: training and validation slices.
        config: learning rate, batch size, augmentation and seed.
        fabric: device and processes.

    Raises:
        LaMoDInputError: there is no training slice, or the processes cannot share a batch evenly.
    """

    def __init__(
        self, stage: Stage, number: int, epochs: int, cache: TrainingCache, config: TrainingConfig, fabric: Fabric
    ) -> None:
        self.name = stage.name
        optimisation = Optimisation(
            config.learning_rate, config.ema_decay, constant_rate=config.learning_rate_schedule == "constant"
        )
        if config.optimiser == "adam":
            optimisation = replace(optimisation, decoupled_decay=False, largest_gradient=math.inf)
        self.optimisation = optimisation
        self._stage, self._number, self._epochs = stage, number, epochs
        self._cache, self._config, self._fabric = cache, config, fabric
        self._steps = len(self._order(0))

    def epoch_lengths(self) -> Sequence[int]:
        return [self._steps] * self._epochs

    def trained_parts(self, model: nn.Module) -> Mapping[str, TrainedPart]:
        """λ of eq. (9) is the decay of ε_θ's weights, and with the architecture "paper" λ of eq. (10) that of D_η's."""
        config = self._config
        decays = {"denoiser": config.lambda_noise}
        if config.model.architecture == "paper":
            decays |= {"decoder": config.lambda_motion}
        parts = learning_parts(self._stage, model, config)
        return {name: TrainedPart(part, decays.get(name, config.weight_decay)) for name, part in parts.items()}

    def open(self, model: nn.Module, *, resumed: bool) -> None:
        if resumed:
            return
        parts = _parts(self._indices("train")[:_PREPARED], _PREPARED_AT_ONCE)
        self._stage.prepare(model, (load_batch(self._cache, part, self._fabric.device) for part in parts))

    def batches(self, epoch: int, first: int) -> Iterator[tuple[Batch, Draws]]:
        """This process's share of the steps, prepared ahead by a thread."""
        key, order = (self._config.seed, self.name, self._number, epoch), self._order(epoch)

        def make(step: int) -> tuple[Batch, Draws]:
            share = order[step][self._fabric.global_rank :: self._fabric.world_size]
            draws = Draws.of(key, share, step)
            batch = load_batch(self._cache, share, self._fabric.device)
            unchanged = self._config.augmentation.changes_nothing
            return batch if unchanged else augment(batch, self._config.augmentation, draws), draws

        return prepared_ahead(make, range(first, len(order)))

    def seed_step(self, step: int) -> None:
        torch.manual_seed(seed_of(self._config.seed, self.name, step, self._fabric.global_rank))

    def loss(self, model: nn.Module, batch: tuple[Batch, Draws]) -> tuple[Tensor, dict[str, Tensor]]:
        return self._stage.loss(model, *batch)

    def score(self, measured: Mapping[str, float]) -> float:
        return self._stage.score(measured)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Mean over the validation slices; each process takes its share of the batches."""
        parts = _parts(self._indices("val"), min(_VALIDATION_BATCH, self._config.batch_size))
        if not parts:
            return {}
        rank, world = self._fabric.global_rank, self._fabric.world_size

        def make(number: int) -> tuple[Batch, Draws]:
            draws = Draws.of((_VALIDATION, self.name), parts[number], number)
            return load_batch(self._cache, parts[number], self._fabric.device), draws

        sums: dict[str, float] = {}
        count = 0
        for batch, draws in prepared_ahead(make, range(rank, len(parts), world)):
            with torch.no_grad(), self._fabric.autocast():
                loss, measured = self._stage.loss(model, batch, draws)
            for name, value in {"loss": loss, **measured}.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(draws)
            count += len(draws)
        if world == 1:
            return {name: value / count for name, value in sums.items()}
        gathered = [json.loads(text) for text in self._all_gathered(json.dumps([count, sums]))]
        slices = sum(number for number, _ in gathered)
        names = next(each for number, each in gathered if number)
        return {name: sum(each.get(name, 0.0) for _, each in gathered) / slices for name in names}

    def _indices(self, split: str) -> Array:
        """In the paper, cine takes part in registration only."""
        motion, paper = self._stage.needs_motion, self._config.model.architecture == "paper"
        return self._cache.indices(split, with_motion=motion, dense_only=motion and paper)

    def _order(self, epoch: int) -> list[Array]:
        """The slices of every step of an epoch, over all processes."""
        indices = self._indices("train")
        if len(indices) == 0:
            raise LaMoDInputError(
                f"stage {self.name}", "there is no training slice for it", "add cases to the split train"
            )
        size, world = min(self._config.batch_size, len(indices)), self._fabric.world_size
        if size % world:
            raise LaMoDInputError(
                f"batch_size {size}",
                f"{world} processes cannot share it evenly",
                f"set it to {max(world, size // world * world)} or another multiple of {world}",
            )
        return epoch_batches(indices, size, (self._config.seed, self.name, self._number, epoch))

    def _all_gathered(self, text: str) -> list[str]:
        texts: list[Any] = [None] * self._fabric.world_size
        torch.distributed.all_gather_object(texts, text)
        return texts


def slice_stages(
    model: nn.Module,
    stages: Sequence[tuple[Stage, int]],
    cache: TrainingCache,
    config: TrainingConfig,
    fabric: Fabric,
) -> list[SliceStage]:
    """The stages to run on a cache: those with at least one epoch and a part that is not frozen.

    Args:
        model: the model whose parts are trained.
        stages: each with its epochs, in order.
        cache, config, fabric: see `SliceStage`.
    """
    run = [(stage, epochs) for stage, epochs in stages if epochs > 0 and learning_parts(stage, model, config)]
    return [SliceStage(stage, number, epochs, cache, config, fabric) for number, (stage, epochs) in enumerate(run)]


def learning_parts(stage: Stage, model: nn.Module, config: TrainingConfig) -> dict[str, nn.Module]:
    """The parts that a stage trains, without those that are frozen."""
    return {name: part for name, part in stage.trained_parts(model).items() if name not in config.freeze}


def _parts(indices: Array, size: int) -> list[Array]:
    return [indices[at : at + size] for at in range(0, len(indices), size)]
