"""The training loop: stages, epochs, steps; validation, early stopping, checkpoints, logs.

Order, augmentation, noise and dropout of a step follow from (seed, stage, epoch, step) and from the number of each
slice alone. So a run goes on from a checkpoint with the same losses as if it had never stopped, and several
processes that share a batch compute what one would.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.data.augmentation import Batch, augment
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.data.draws import Draws, seed_of
from LaMoDCore.training.data.loading import epoch_batches, load_batch, made_ahead
from LaMoDCore.training.loop.averaging import follow, frozen_copy
from LaMoDCore.training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from LaMoDCore.training.loop.distributed import shared_batch
from LaMoDCore.training.loop.engine import average_gradients, averaged
from LaMoDCore.training.loop.learning_rate import learning_rate_share
from LaMoDCore.training.loop.pace import Pace
from LaMoDCore.training.loop.selection import BestWeights
from LaMoDCore.training.loop.stages import Stage
from LaMoDCore.training.loop.stopping import StopRequest, TrainingStopped
from LaMoDCore.training.run.folder import RunFolder
from LaMoDCore.training.run.settings import TrainingConfig

_VALIDATION = "validation"
#: Slices validated at once, however many processes there are, so that their number changes no figure.
_VALIDATION_BATCH = 16
#: Slices that a stage's `prepare` sees.
_PREPARED = 64
#: Step lines an epoch in the log, about.
_LINES_AN_EPOCH = 20
_LARGEST_GRADIENT = 1.0

_Network = TypeVar("_Network", bound=nn.Module)


def fit(
    model: _Network,
    stages: Sequence[tuple[Stage, int]],
    cache: TrainingCache,
    run: RunFolder,
    config: TrainingConfig,
    fabric: Fabric,
    *,
    start: str = "",
    resume: bool = False,
    stop: StopRequest | None = None,
    progress: Progress = SILENT,
) -> tuple[_Network, dict[str, dict[str, float]]]:
    """Train `model` through its stages.

    Args:
        model: on the Fabric's device, alike in every process.
        stages: with their epochs, in order; those of no epochs or whose parts are all frozen are left out.
        cache: training and validation slices.
        run: the opened run folder.
        config: learning rate, batch size and the like.
        fabric: device, precision and processes.
        start: what the network is and where its weights came from; a checkpoint must agree with it.
        resume: go on from the folder's checkpoint, if there is one.
        stop: looked at after every step.
        progress: told after every step.

    Returns:
        the averaged model with the best weights by validation, and the best validation of every stage.

    Raises:
        TrainingStopped: asked to stop; the checkpoint is written.
        LaMoDInputError: the checkpoint is another run's, the batch cannot be shared, the loss is no number, ...
    """
    stop = StopRequest() if stop is None else stop
    return _Fit(model, stages, cache, run, config, fabric, start, stop, progress).complete(resume)


@dataclass
class _Position:
    """Where a run is: the next step to do, and what has come together in this epoch."""

    stage: int = 0
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    totals: dict[str, float] = field(default_factory=dict)
    results: dict[str, dict[str, float]] = field(default_factory=dict)


class _Fit(Generic[_Network]):
    def __init__(
        self,
        model: _Network,
        stages: Sequence[tuple[Stage, int]],
        cache: TrainingCache,
        run: RunFolder,
        config: TrainingConfig,
        fabric: Fabric,
        start: str,
        stop: StopRequest,
        progress: Progress,
    ) -> None:
        self.model, self.cache, self.run, self.config, self.fabric = model, cache, run, config, fabric
        self.stop, self.progress = stop, progress
        self.identity = {"config": config.to_dict(), "data": cache.fingerprint, "start": start}
        self.average = frozen_copy(model)
        self.stages = [(stage, epochs) for stage, epochs in stages if epochs > 0 and self._learning(stage)]
        self.position = _Position()
        self.best = BestWeights(config.patience)
        self.optimiser: torch.optim.Optimizer | None = None
        self.pace = Pace([epochs * len(self._batches(stage, number, 0)) for number, (stage, epochs) in self._numbered])
        self._saved = time.monotonic()

    @property
    def _numbered(self) -> Iterator[tuple[int, tuple[Stage, int]]]:
        return enumerate(self.stages)

    # --- the run -----------------------------------------------------------------------------------------------

    def complete(self, resume: bool) -> tuple[_Network, dict[str, dict[str, float]]]:
        state = load_checkpoint(self.run.folder, self.identity) if resume else None
        if state is None:
            self.run.cut_log(0)
        else:
            self._restore(state)
        for number, (stage, epochs) in self._numbered:
            if number >= self.position.stage:
                self._stage(number, stage, epochs, state.optimiser if state is not None else None)
                state = None
        return self.average, self.position.results

    def _stage(self, number: int, stage: Stage, epochs: int, optimiser_state: Mapping[str, Any] | None) -> None:
        if optimiser_state is None:
            self._prepare(stage)
            self.model.load_state_dict(self.average.state_dict())
        self.optimiser = self._optimiser(stage)
        if optimiser_state is not None:
            self.optimiser.load_state_dict(dict(optimiser_state))
        while True:
            self._epoch(number, stage, epochs)
            if self.position.epoch == epochs or self.best.exhausted:
                break
        if self.best.weights is not None:
            self.average.load_state_dict(self.best.weights)
        self.position.stage, self.position.epoch = number + 1, 0
        self.best, self.optimiser = BestWeights(self.config.patience), None
        self._save()

    def _epoch(self, number: int, stage: Stage, epochs: int) -> None:
        at = self.position
        batches = self._batches(stage, number, at.epoch)
        began, before = time.monotonic(), at.seconds
        for step, batch, draws in self._augmented(stage, number, batches, at.step):
            self._step(stage, batch, draws, at.epoch * len(batches) + step, epochs * len(batches))
            at.step = step + 1
            at.seconds = before + time.monotonic() - began
            self._report(number, stage, epochs, len(batches))
            self._stop_or_save(stage)
        totals = {name: total / len(batches) for name, total in at.totals.items()}
        validation = self._validate(stage)
        at.seconds = before + time.monotonic() - began
        at.epoch, at.step, at.totals = at.epoch + 1, 0, {}
        improved = self.best.offer(stage.score(validation or totals), at.epoch, self.average)
        if improved:
            at.results[stage.name] = validation or totals
        self.run.log(
            {
                "kind": "epoch",
                "stage": stage.name,
                "epoch": at.epoch,
                "of": epochs,
                "global_step": self.pace.steps_before(number) + at.epoch * len(batches),
                "seconds": round(time.monotonic() - began, 1),
                "train": _rounded(totals),
                "val": _rounded(validation),
                "best": improved,
            }
        )
        if at.epoch < epochs and not self.best.exhausted:
            self._save()
            self._stop_or_save(stage)

    def _step(self, stage: Stage, batch: Batch, draws: Draws, done: int, total: int) -> None:
        """One step; its loss and measurements are added to the epoch's totals."""
        optimiser, config = self.optimiser, self.config
        assert optimiser is not None
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * learning_rate_share(done, total)
        self.model.train()
        torch.manual_seed(seed_of(config.seed, stage.name, done, self.fabric.global_rank))  # of dropout
        with shared_batch(self._mean if self.fabric.world_size > 1 else None), self.fabric.autocast():
            loss, measured = stage.loss(self.model, batch, draws)
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        average_gradients(self.fabric, parameters)
        torch.nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
        optimiser.step()
        follow(self.average, self.model, done, config.ema_decay)
        values = {"loss": loss, **measured}
        shared = self._mean(torch.stack([value.detach().float() for value in values.values()])).tolist()
        if not math.isfinite(shared[0]):
            raise LaMoDInputError(
                self.run.folder.name,
                f"the loss of stage {stage.name} is {shared[0]} at step {done + 1}",
                "lower the learning rate, or look at the data with `lamod dataset validate`",
            )
        for name, value in zip(values, shared, strict=True):
            self.position.totals[name] = self.position.totals.get(name, 0.0) + value

    # --- data --------------------------------------------------------------------------------------------------

    def _indices(self, stage: Stage, split: str) -> Array:
        return self.cache.indices(split, with_motion=stage.needs_motion)

    def _batches(self, stage: Stage, number: int, epoch: int) -> list[Array]:
        indices = self._indices(stage, "train")
        if len(indices) == 0:
            raise LaMoDInputError(
                f"stage {stage.name}", "there is no training slice for it", "add cases to the split train"
            )
        size, world = min(self.config.batch_size, len(indices)), self.fabric.world_size
        if size % world:
            raise LaMoDInputError(
                f"batch_size {size}",
                f"{world} processes cannot share it evenly",
                f"take {max(world, size // world * world)} or another multiple of {world}",
            )
        return epoch_batches(indices, size, (self.config.seed, stage.name, number, epoch))

    def _augmented(
        self, stage: Stage, number: int, batches: list[Array], first: int
    ) -> Iterator[tuple[int, Batch, Draws]]:
        """This process's share of every step from `first` on, made ahead."""
        key = (self.config.seed, stage.name, number, self.position.epoch)

        def make(step: int) -> tuple[int, Batch, Draws]:
            share = batches[step][self.fabric.global_rank :: self.fabric.world_size]
            draws = Draws.of(key, share, step)
            batch = load_batch(self.cache, share, self.fabric.device)
            return step, augment(batch, self.config.augmentation, draws), draws

        return made_ahead(make, range(first, len(batches)))

    def _prepare(self, stage: Stage) -> None:
        indices = self._indices(stage, "train")[:_PREPARED]
        device = self.fabric.device
        stage.prepare(self.average, (load_batch(self.cache, part, device) for part in _parts(indices, 8)))

    def _validate(self, stage: Stage) -> dict[str, float]:
        """Mean over the validation slices; each process takes every so-many-th part of them."""
        parts = _parts(self._indices(stage, "val"), min(_VALIDATION_BATCH, self.config.batch_size))
        if not parts:
            return {}
        rank, world = self.fabric.global_rank, self.fabric.world_size

        def make(number: int) -> tuple[Batch, Draws]:
            draws = Draws.of((_VALIDATION, stage.name), parts[number], number)
            return load_batch(self.cache, parts[number], self.fabric.device), draws

        sums: dict[str, float] = {}
        count = 0
        self.average.eval()
        for batch, draws in made_ahead(make, range(rank, len(parts), world)):
            with torch.no_grad(), self.fabric.autocast():
                loss, measured = stage.loss(self.average, batch, draws)
            for name, value in {"loss": loss, **measured}.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(draws)
            count += len(draws)
        if world == 1:
            return {name: value / count for name, value in sums.items()}
        gathered = [json.loads(text) for text in self._everyones(json.dumps([count, sums]))]
        slices = sum(number for number, _ in gathered)
        names = next(each for number, each in gathered if number)
        return {name: sum(each.get(name, 0.0) for _, each in gathered) / slices for name in names}

    # --- state -------------------------------------------------------------------------------------------------

    def _learning(self, stage: Stage) -> dict[str, nn.Module]:
        parts = stage.trained_parts(self.model)
        return {name: part for name, part in parts.items() if name not in self.config.freeze}

    def _optimiser(self, stage: Stage) -> torch.optim.Optimizer:
        """AdamW over what learns in a stage; λ of eq. (9) is the decay of ε_θ's weights."""
        config = self.config
        self.model.requires_grad_(False)
        groups = []
        for name, part in self._learning(stage).items():
            part.requires_grad_(True)
            decay = config.lambda_noise if name == "denoiser" else config.weight_decay
            groups.append({"params": list(part.parameters()), "weight_decay": decay})
        return torch.optim.AdamW(groups, lr=config.learning_rate)

    def _restore(self, state: Checkpoint) -> None:
        position = dict(state.position)
        self.run.cut_log(int(position.pop("log_length")))
        best = position.pop("best")
        self.position = _Position(**position)
        self.best.restore(best, dict(state.best))
        self.model.load_state_dict(dict(state.model))
        self.average.load_state_dict(dict(state.average))

    def _save(self) -> None:
        self._saved = time.monotonic()
        if not self.run.writes:
            return
        position = {**vars(self.position), "best": self.best.position(), "log_length": self.run.log_length()}
        optimiser = None if self.optimiser is None else self.optimiser.state_dict()
        state = Checkpoint(
            position, self.model.state_dict(), self.average.state_dict(), self.best.weights or {}, optimiser
        )
        save_checkpoint(self.run.folder, self.identity, state)

    def _stop_or_save(self, stage: Stage) -> None:
        asked = float(bool(self.stop) or (self.run.writes and self.run.stop_file.exists()))
        if self.fabric.world_size > 1:
            asked = float(self._mean(torch.tensor(asked)))
        if asked:
            self._save()
            at = self.position
            message = f"stopped in stage {stage.name}, epoch {at.epoch + 1}; go on with --resume"
            self.run.status("stopped", message)
            raise TrainingStopped(message)
        if self.position.step and time.monotonic() - self._saved > 60 * self.config.checkpoint_minutes:
            self._save()

    # --- what is said ------------------------------------------------------------------------------------------

    def _report(self, number: int, stage: Stage, epochs: int, steps: int) -> None:
        at = self.position
        done = at.epoch * steps + at.step
        fraction, left = self.pace.at(number, done, at.seconds)
        loss = at.totals["loss"] / at.step
        every = max(1, steps // _LINES_AN_EPOCH)
        if at.step % every == 0 or at.step == steps:
            self.run.log(
                {
                    "kind": "step",
                    "stage": stage.name,
                    "epoch": at.epoch + 1,
                    "step": at.step,
                    "of": steps,
                    "global_step": self.pace.steps_before(number) + done,
                    "train": _rounded({name: total / at.step for name, total in at.totals.items()}),
                }
            )
        where = {"stage": stage.name, "epoch": at.epoch + 1, "epochs": epochs, "step": at.step, "steps": steps}
        where |= {"fraction": round(fraction, 5), "seconds_left": None if left is None else round(left)}
        in_words = "" if left is None else f", {_in_words(left)} left"
        self.run.running(f"{stage.name}, epoch {at.epoch + 1} of {epochs}, loss {loss:.4g}", **where)
        self.progress.update(stage.name, fraction, f"epoch {at.epoch + 1} of {epochs}, loss {loss:.4f}{in_words}")

    def _mean(self, value: Tensor) -> Tensor:
        return value if self.fabric.world_size == 1 else averaged(self.fabric, value.to(self.fabric.device))

    def _everyones(self, text: str) -> list[str]:
        texts: list[Any] = [None] * self.fabric.world_size
        torch.distributed.all_gather_object(texts, text)
        return texts


def _parts(indices: Array, size: int) -> list[Array]:
    return [indices[at : at + size] for at in range(0, len(indices), size)]


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.6g}") for key, value in values.items()}


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
