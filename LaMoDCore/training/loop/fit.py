"""The training loop: stages, epochs, steps; validation, early stopping, checkpoints, logs.

A checkpoint holds the weights, the optimiser, the position in the run and the state of the stage's random numbers, so
a resumed run has the same losses and weights as an uninterrupted one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.runtime.threads import one_thread_per_operation
from LaMoDCore.training.loop.averaging import Follower, frozen_copy
from LaMoDCore.training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from LaMoDCore.training.loop.distributed import shared_batch
from LaMoDCore.training.loop.engine import average_gradients, averaged
from LaMoDCore.training.loop.learning_rate import learning_rate_share
from LaMoDCore.training.loop.loop_stage import LoopStage
from LaMoDCore.training.loop.pace import Pace
from LaMoDCore.training.loop.selection import BestWeights
from LaMoDCore.training.run.folder import RunFolder
from LaMoDCore.training.run.stopping import StopRequest, TrainingStopped

#: Approximate number of step lines per epoch in the log.
_LINES_PER_EPOCH = 20

_Network = TypeVar("_Network", bound=nn.Module)


@dataclass(frozen=True)
class BestEpoch:
    """The epoch of a stage whose weights were kept.

    Attributes:
        epoch: counted from 1; 0 for the weights at the start.
        train: means over the epoch's training steps, empty for epoch 0.
        validation: means on validation data, empty without any.
    """

    epoch: int
    train: Mapping[str, float]
    validation: Mapping[str, float]

    @property
    def measured(self) -> Mapping[str, float]:
        """Validation, or training where there are no validation data."""
        return self.validation or self.train


def fit(
    model: _Network,
    stages: Sequence[LoopStage],
    run: RunFolder,
    fabric: Fabric,
    *,
    identity: Mapping[str, Any],
    patience: int = 0,
    checkpoint_minutes: float = 5.0,
    resume: bool = False,
    stop: StopRequest | None = None,
    keep: Callable[[_Network], None] | None = None,
    progress: Progress = SILENT,
) -> tuple[_Network, dict[str, BestEpoch]]:
    """Train `model` through its stages.

    Args:
        model: on the Fabric's device, equal in every process.
        stages: stages in order.
        run: the opened run folder.
        fabric: device, precision and processes.
        identity: settings ("config"), fingerprint of the data ("data") and origin of the weights ("start"), as JSON;
            a checkpoint must agree with it.
        patience: epochs without a better validation after which a stage ends; 0 never ends one early.
        checkpoint_minutes: time after which a checkpoint is written within an epoch.
        resume: continue from the folder's checkpoint, if there is one.
        stop: checked after every step.
        keep: called with the averaged model after every checkpoint, by the process that writes.
        progress: updated after every step.

    Returns:
        the averaged model with the weights of the best epochs, and the best epoch of every stage.

    Raises:
        TrainingStopped: `stop` was requested; the checkpoint is written.
        LaMoDInputError: the checkpoint belongs to another run, the loss is not finite, the disk is full, ...
    """
    stop = StopRequest() if stop is None else stop
    loop = _Fit(model, stages, run, fabric, identity, patience, checkpoint_minutes, stop, keep, progress)
    return loop.complete(resume)


@dataclass
class _Position:
    """The next step of a run, and the sums of the current epoch."""

    stage: int = 0
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    totals: dict[str, float] = field(default_factory=dict)
    #: By stage, of its best epoch: the values it was chosen by, its number and its training means.
    results: dict[str, dict[str, float]] = field(default_factory=dict)
    selected: dict[str, dict[str, Any]] = field(default_factory=dict)


class _Fit(Generic[_Network]):
    def __init__(
        self,
        model: _Network,
        stages: Sequence[LoopStage],
        run: RunFolder,
        fabric: Fabric,
        identity: Mapping[str, Any],
        patience: int,
        checkpoint_minutes: float,
        stop: StopRequest,
        keep: Callable[[_Network], None] | None,
        progress: Progress,
    ) -> None:
        self.model, self.stages, self.run, self.fabric, self.identity = model, stages, run, fabric, identity
        self.patience, self.checkpoint_minutes = patience, checkpoint_minutes
        self.stop, self.keep, self.progress = stop, keep, progress
        self.average = frozen_copy(model)
        self.lengths = [list(stage.epoch_lengths()) for stage in stages]
        self.pace = Pace([sum(lengths) for lengths in self.lengths])
        self.position = _Position()
        self.best = BestWeights(patience)
        self.optimiser: torch.optim.Optimizer | None = None
        self.follower: Follower | None = None
        self._saved = time.monotonic()

    # --- the run -----------------------------------------------------------------------------------------------

    def complete(self, resume: bool) -> tuple[_Network, dict[str, BestEpoch]]:
        state = load_checkpoint(self.run.folder, self.identity) if resume else None
        if state is None:
            self.run.cut_log(0)
        else:
            self._restore(state)
        for number, stage in enumerate(self.stages):
            if number >= self.position.stage:
                self._stage(number, stage, state if state is not None and state.optimiser is not None else None)
                state = None
        return self.average, {stage.name: self._best_epoch(stage) for stage in self.stages}

    def _stage(self, number: int, stage: LoopStage, state: Checkpoint | None) -> None:
        """Run a stage, from a checkpoint within it if `state` is given."""
        stage.open(self.average, resumed=state is not None)
        if state is None:
            self.model.load_state_dict(self.average.state_dict())
        self.optimiser = self._optimiser(stage)
        self.follower = Follower(self.average, self.model)
        if state is not None:
            self.optimiser.load_state_dict(dict(state.optimiser or {}))
            stage.restore_random_state(state.random)
        elif stage.scores_start:
            self._offer(stage, {}, stage.validate(self.average))
        with one_thread_per_operation() if stage.one_thread else nullcontext():
            while self.position.epoch < len(self.lengths[number]) and not self.best.exhausted:
                self._epoch(number, stage)
        if self.best.weights is not None:
            self.average.load_state_dict(self.best.weights)
        stage.close(self.average)
        self.position.stage, self.position.epoch = number + 1, 0
        self.best, self.optimiser = BestWeights(self.patience), None
        self._save(stage)

    def _epoch(self, number: int, stage: LoopStage) -> None:
        at, lengths = self.position, self.lengths[number]
        before, total, steps = sum(lengths[: at.epoch]), sum(lengths), lengths[at.epoch]
        began, earlier = time.monotonic(), at.seconds
        self.model.train()
        for batch in stage.batches(at.epoch, at.step):
            self._step(stage, batch, before + at.step, total)
            at.step += 1
            at.seconds = earlier + time.monotonic() - began
            self._report(number, stage, before)
            self._stop_or_save(stage)
        totals = {name: value / steps for name, value in at.totals.items()}
        last = at.epoch + 1 == len(lengths)
        validated = last or (at.epoch + 1) % stage.validation_interval == 0
        validation = stage.validate(self.average.eval()) if validated else {}
        at.seconds = earlier + time.monotonic() - began
        at.epoch, at.step, at.totals = at.epoch + 1, 0, {}
        improved = validated and self._offer(stage, totals, validation)
        self.run.log(
            {
                "kind": "epoch",
                "stage": stage.name,
                "epoch": at.epoch,
                "of": len(lengths),
                "global_step": self.pace.steps_before(number) + before + steps,
                "seconds": round(time.monotonic() - began, 1),
                "train": _rounded(totals),
                "val": _rounded(validation),
                "best": improved,
            }
        )
        if last or (validated and stage.epoch_checkpoints):
            self._save(stage)
        if not last and not self.best.exhausted:
            self._stop_or_save(stage)

    def _offer(self, stage: LoopStage, totals: Mapping[str, float], validation: Mapping[str, float]) -> bool:
        """Keep the averaged weights if they are the best of the stage."""
        at, measured = self.position, dict(validation or totals)
        improved = self.best.offer(stage.score(measured), at.epoch, self.average)
        if improved:
            at.results[stage.name] = measured
            at.selected[stage.name] = {"epoch": at.epoch, "train": dict(totals), "validation": dict(validation)}
        return improved

    def _best_epoch(self, stage: LoopStage) -> BestEpoch:
        found = self.position.selected.get(stage.name)
        if found is None:  # the checkpoint of version 1 has only the values
            return BestEpoch(0, {}, self.position.results.get(stage.name, {}))
        return BestEpoch(**found)

    def _step(self, stage: LoopStage, batch: Any, done: int, total: int) -> None:
        """One step; its loss and further values are added to the epoch's sums."""
        optimiser, settings = self.optimiser, stage.optimisation
        assert optimiser is not None
        share = 1.0
        if not settings.constant_rate:
            share = learning_rate_share(done, total, warm_up=settings.warm_up, warm_up_share=settings.warm_up_share)
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * share
        stage.seed_step(done)
        with shared_batch(self._mean if self.fabric.world_size > 1 else None), self.fabric.autocast():
            loss, measured = stage.loss(self.model, batch)
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        average_gradients(self.fabric, parameters)
        torch.nn.utils.clip_grad_norm_(parameters, settings.largest_gradient)
        optimiser.step()
        assert self.follower is not None
        self.follower.follow(done, settings.ema_decay)
        values = {"loss": loss, **measured}
        shared = self._mean(torch.stack([value.detach().float() for value in values.values()])).tolist()
        if not math.isfinite(shared[0]):
            raise LaMoDInputError(
                self.run.folder.name,
                f"the loss of stage {stage.name} is {shared[0]} at step {done + 1}",
                "lower the learning rate, or check the data with `lamod validate-dataset`",
            )
        for name, value in zip(values, shared, strict=True):
            self.position.totals[name] = self.position.totals.get(name, 0.0) + value

    # --- state -------------------------------------------------------------------------------------------------

    def _optimiser(self, stage: LoopStage) -> torch.optim.Optimizer:
        """AdamW or Adam over the parts that learn in a stage."""
        self.model.requires_grad_(False)
        groups = []
        for part in stage.trained_parts(self.model).values():
            part.module.requires_grad_(True)
            groups.append({"params": list(part.module.parameters()), "weight_decay": part.weight_decay})
        settings = stage.optimisation
        kind = torch.optim.AdamW if settings.decoupled_decay else torch.optim.Adam
        return kind(groups, lr=settings.learning_rate, betas=settings.betas)

    def _restore(self, state: Checkpoint) -> None:
        position = dict(state.position)
        self.run.cut_log(int(position.pop("log_length")))
        best = position.pop("best")
        self.position = _Position(**position)
        self.best.restore(best, dict(state.best))
        self.model.load_state_dict(dict(state.model))
        self.average.load_state_dict(dict(state.average))

    def _save(self, stage: LoopStage) -> None:
        self._saved = time.monotonic()
        if not self.run.writes:
            return
        position = {**vars(self.position), "best": self.best.position(), "log_length": self.run.log_length()}
        within = self.optimiser is not None
        state = Checkpoint(
            position,
            self.model.state_dict(),
            self.average.state_dict(),
            self.best.weights or {},
            self.optimiser.state_dict() if self.optimiser is not None else None,
            stage.random_state() if within else {},
        )
        save_checkpoint(self.run.folder, self.identity, state)
        if self.keep is not None:
            self.keep(self.average)

    def _stop_or_save(self, stage: LoopStage) -> None:
        asked = float(bool(self.stop) or self.run.stop_requested())
        if self.fabric.world_size > 1:
            asked = float(self._mean(torch.tensor(asked)))
        if asked:
            self._save(stage)
            message = f"stopped in stage {stage.name}, epoch {self.position.epoch + 1}"
            self.run.status("stopped", message)
            raise TrainingStopped(message)
        if self.position.step and time.monotonic() - self._saved > 60 * self.checkpoint_minutes:
            self._save(stage)

    # --- reports -----------------------------------------------------------------------------------------------

    def _report(self, number: int, stage: LoopStage, before: int) -> None:
        at, epochs = self.position, len(self.lengths[number])
        steps, done = self.lengths[number][at.epoch], before + at.step
        fraction, left = self.pace.at(number, done, at.seconds)
        loss = at.totals["loss"] / at.step
        every = max(1, steps // _LINES_PER_EPOCH)
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


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.6g}") for key, value in values.items()}


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
