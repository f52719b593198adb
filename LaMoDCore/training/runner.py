"""A training run: its folder, its stages, its checkpoints, and the model at its end.

A run folder holds config.json, log.jsonl (a line an epoch), checkpoint.safetensors + checkpoint.json (the last
good state, replaced atomically) and, at the end, model/. A run that was stopped goes on from its checkpoint with
the same losses as if it had not been: the state of every generator and optimiser is part of it.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.geometry import Array
from LaMoDCore.model import LaMoDModel
from LaMoDCore.models import save_model
from LaMoDCore.progress import SILENT, Progress
from LaMoDCore.training.augmentation import Batch, augment
from LaMoDCore.training.cache import TrainingCache
from LaMoDCore.training.checkpoint import load_checkpoint, save_checkpoint
from LaMoDCore.training.settings import TrainingConfig
from LaMoDCore.training.stages import JointStage, MotionStage, RegistrationStage, Stage, follow_statistics

_WARM_UP_STEPS = 100
_VALIDATION_SEED = 4242


def train(
    cache: TrainingCache,
    run: Path,
    config: TrainingConfig,
    *,
    device: torch.device | None = None,
    resume: bool = False,
    initial: LaMoDModel | None = None,
    progress: Progress = SILENT,
) -> LaMoDModel:
    """Train a model on a cache, stage by stage.

    Args:
        cache: training and validation slices.
        run: the run's folder.
        config: what to do.
        device: the CPU by default.
        resume: go on from the run's checkpoint, if there is one.
        initial: weights to start from.
        progress: told after every step of the part of the whole that is done.

    Returns:
        the averaged model, in evaluation mode; also saved under ``run/model``.
    """
    return _Run(cache, run, config, device or torch.device("cpu"), initial, progress).complete(resume)


class _Run:
    def __init__(
        self,
        cache: TrainingCache,
        folder: Path,
        config: TrainingConfig,
        device: torch.device,
        initial: LaMoDModel | None,
        progress: Progress,
    ) -> None:
        self.cache, self.folder, self.config, self.device, self.progress = cache, folder, config, device, progress
        torch.manual_seed(config.seed)
        self.model = LaMoDModel(config.model).to(device)
        if initial is not None:
            self.model.load_state_dict(initial.state_dict())
        self.average = LaMoDModel(config.model).to(device).requires_grad_(False).eval()
        self.average.load_state_dict(self.model.state_dict())
        self.stages: list[tuple[Stage, int]] = [
            (RegistrationStage(config), config.registration_epochs),
            (MotionStage(config), config.motion_epochs),
            (JointStage(config), config.joint_epochs),
        ]
        self.seconds = 0.0

    def complete(self, resume: bool) -> LaMoDModel:
        self.folder.mkdir(parents=True, exist_ok=True)
        position = {"stage": 0, "epoch": 0, "seconds": 0.0}
        state = load_checkpoint(self.folder, self.config, self.cache.fingerprint) if resume else None
        if state is not None:
            position = state.position
            self.model.load_state_dict(state.model)
            self.average.load_state_dict(state.average)
        (self.folder / "config.json").write_text(json.dumps(self.config.to_dict(), indent=2) + "\n", encoding="utf-8")
        self.seconds = float(position["seconds"])
        for number, (stage, epochs) in enumerate(self.stages):
            if number < position["stage"] or epochs == 0:
                continue
            first = int(position["epoch"]) if number == position["stage"] else 0
            self._stage(number, stage, epochs, first, state if number == position["stage"] else None)
            state = None
        summary = {"minutes": round(self.seconds / 60, 1), "data_fingerprint": self.cache.fingerprint}
        save_model(
            self.average, self.folder / "model", self.folder.name, training={**summary, "config": self.config.to_dict()}
        )
        return self.average

    def _stage(self, number: int, stage: Stage, epochs: int, first_epoch: int, state: Any) -> None:
        config = self.config
        if first_epoch == 0:
            self._settle_statistics()
            self.model.load_state_dict(self.average.state_dict())
        self.model.requires_grad_(False)
        for part in stage.trained_parts(self.model):
            part.requires_grad_(True)
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        indices = self.cache.indices("train", with_motion=stage.needs_motion)
        per_epoch = max(1, len(indices) // config.batch_size)
        total = epochs * per_epoch
        if state is not None and state.optimiser is not None:
            optimiser.load_state_dict(state.optimiser)
        best, since_best = math.inf, 0
        for epoch in range(first_epoch, epochs):
            began = time.monotonic()
            # Order, augmentation and noise follow from (seed, stage, epoch) alone, so that a resumed run repeats them.
            generator = torch.Generator().manual_seed(hash((config.seed, number, epoch)) % 2**62)
            torch.manual_seed(config.seed * 1_000_003 + number * 1009 + epoch)
            self.model.train()
            totals: dict[str, float] = {}
            order = indices[torch.randperm(len(indices), generator=generator).numpy()]
            for step, chosen in enumerate(_batches(order, config.batch_size, per_epoch)):
                done = epoch * per_epoch + step
                for group in optimiser.param_groups:
                    group["lr"] = config.learning_rate * _learning_rate_share(done, total)
                batch = augment(self._load(chosen), config.augmentation, generator)
                loss, measured = self._loss(stage, self.model, batch, generator)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()
                self._follow(done)
                for key, value in {"loss": loss.detach(), **measured}.items():
                    totals[key] = totals.get(key, 0.0) + float(value) / per_epoch
                self._report(number, stage, done / total, float(loss.detach()), time.monotonic() - began)
            validation = self._validate(stage)
            self.seconds += time.monotonic() - began
            self._log(stage, epoch, epochs, totals, validation, time.monotonic() - began)
            ended = epoch + 1 == epochs
            score = stage.score(validation) if validation else stage.score(totals)
            best, since_best = (score, 0) if score < best else (best, since_best + 1)
            ended = ended or (config.patience > 0 and since_best >= config.patience)
            position = {
                "stage": number + 1 if ended else number,
                "epoch": 0 if ended else epoch + 1,
                "seconds": self.seconds,
            }
            save_checkpoint(
                self.folder,
                config,
                self.cache.fingerprint,
                position,
                self.model,
                self.average,
                None if ended else optimiser,
            )
            if ended:
                break

    def _loss(
        self, stage: Stage, model: LaMoDModel, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16):
            return stage.loss(model, batch, generator)

    def _load(self, chosen: Array) -> Batch:
        arrays = self.cache.arrays

        def picked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([arrays[name][i] for i in chosen])).to(self.device).float()

        return Batch(
            picked("occupancy")[:, None] / 255,
            picked("clean")[:, None] / 255,
            picked("displacement").transpose(1, 2),
            picked("weight")[:, None] / 4,
        )

    def _follow(self, step: int) -> None:
        """Move the averaged weights towards the learning ones; faster at first, when there is little to average."""
        decay = min(self.config.ema_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, learning in zip(self.average.parameters(), self.model.parameters(), strict=True):
                kept.lerp_(learning, 1 - decay)
            for kept_buffer, buffer in zip(self.average.buffers(), self.model.buffers(), strict=True):
                kept_buffer.copy_(buffer)

    def _settle_statistics(self) -> None:
        """Measure the latent's mean and spread over training slices with the averaged encoder."""
        indices = self.cache.indices("train")[:64]
        with torch.no_grad():
            latents = [self.average.encode(self._load(chosen).masks) for chosen in _batches(indices, 8, 8)]
            follow_statistics(self.average, torch.cat(latents), 1.0)

    def _validate(self, stage: Stage) -> dict[str, float]:
        indices = self.cache.indices("val", with_motion=stage.needs_motion)
        if len(indices) == 0:
            return {}
        totals: dict[str, float] = {}
        generator = torch.Generator().manual_seed(_VALIDATION_SEED)
        count = max(1, len(indices) // self.config.batch_size)
        with torch.no_grad():
            for chosen in _batches(indices, self.config.batch_size, count):
                loss, measured = self._loss(stage, self.average, self._load(chosen), generator)
                for key, value in {"loss": loss, **measured}.items():
                    totals[key] = totals.get(key, 0.0) + float(value) / count
        return totals

    def _report(self, number: int, stage: Stage, share: float, loss: float, seconds: float) -> None:
        weights = [epochs for _, epochs in self.stages]
        done = (sum(weights[:number]) + share * weights[number]) / max(1, sum(weights))
        spent = self.seconds + seconds
        left = spent * (1 - done) / done if done > 0 else math.nan
        self.progress.update(stage.name, done, f"loss {loss:.4f}, {left / 60:.0f} min left")

    def _log(
        self, stage: Stage, epoch: int, epochs: int, train: dict[str, float], val: dict[str, float], seconds: float
    ) -> None:
        line = {"stage": stage.name, "epoch": epoch + 1, "of": epochs, "seconds": round(seconds, 1)}
        line |= {"train": _rounded(train), "val": _rounded(val)}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
            log.flush()
            os.fsync(log.fileno())


def _batches(order: Array, size: int, count: int) -> Iterator[Array]:
    for number in range(count):
        chosen = order[number * size : (number + 1) * size]
        if len(chosen):
            yield np.sort(chosen)


def _learning_rate_share(step: int, total: int) -> float:
    warm = min(1.0, (step + 1) / min(_WARM_UP_STEPS, max(1, total // 10)))
    return warm * 0.5 * (1 + math.cos(math.pi * step / max(1, total)))


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.5g}") for key, value in values.items()}
