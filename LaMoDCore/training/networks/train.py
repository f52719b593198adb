"""Train a model on a cache in a run folder, which can be followed, stopped and resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from torch import nn

from LaMoDCore.baselines import BaselineModel
from LaMoDCore.models.card import model_card
from LaMoDCore.models.folder import CONTENTS, packed_weights, save_model
from LaMoDCore.models.run_folder import CURRENT, FINISHED
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.new_folder import check_new_folder, remove_output
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.loop.checkpoint import refuse_other_checkpoint
from LaMoDCore.training.loop.engine import make_fabric
from LaMoDCore.training.loop.fit import BestEpoch, fit
from LaMoDCore.training.loop.slice_stage import slice_stages
from LaMoDCore.training.loop.stages import Stage
from LaMoDCore.training.networks.resource_estimate import (
    Estimate,
    estimate_run,
    is_out_of_memory,
    refuse_too_large,
    too_large,
)
from LaMoDCore.training.networks.stage_plan import check_frozen, stages_of
from LaMoDCore.training.run.folder import FORMAT, RunFolder, reported_disk_faults, software_versions
from LaMoDCore.training.run.settings import TrainingConfig
from LaMoDCore.training.run.starting_weights import without_posterior
from LaMoDCore.training.run.stopping import StopRequest

_Network = TypeVar("_Network", LaMoDModel, BaselineModel)
_AnyNetwork = TypeVar("_AnyNetwork", bound=nn.Module)


def train(
    cache: TrainingCache,
    run: Path,
    config: TrainingConfig,
    *,
    fabric: Fabric | None = None,
    resume: bool = False,
    initial: LaMoDModel | None = None,
    stop: StopRequest | None = None,
    about: Mapping[str, Any] | None = None,
    progress: Progress = SILENT,
) -> LaMoDModel:
    """Train LaMoD on a cache, stage by stage.

    Args:
        cache: training and validation slices.
        run: the run folder.
        config: settings; with `initial`, its shapes replace ``config.model``.
        fabric: device, precision and processes; one process on the CPU by default.
        resume: continue from the run's checkpoint, if there is one.
        initial: weights to start from, without their uncertainty (`without_posterior`).
        stop: checked after every step.
        about: further facts for run.json.
        progress: updated after every step.

    Returns:
        the averaged model in evaluation mode; also saved in ``run/model``.

    Raises:
        TrainingStopped: `stop` was requested; the checkpoint is written.
        LaMoDInputError: another process trains in the folder, the checkpoint belongs to another run, the batch does
            not fit into memory, the disk is full, ...
    """
    fabric = fabric or make_fabric(torch.device("cpu"), bf16=config.bf16)
    if initial is not None:
        initial = without_posterior(initial)
        config = replace(config, model=initial.config)

    def network() -> LaMoDModel:
        model = LaMoDModel(config.model)
        if initial is not None:
            model.load_state_dict(initial.state_dict())
        return model

    return train_network(
        network,
        stages_of(config),
        cache,
        run,
        config,
        fabric=fabric,
        start=packed_weights(initial)[1] if initial is not None else "",
        resume=resume,
        stop=stop,
        about=about,
        progress=progress,
    )


def train_network(
    network: Callable[[], _Network],
    stages: Sequence[tuple[Stage, int]],
    cache: TrainingCache,
    run: Path,
    config: TrainingConfig,
    *,
    fabric: Fabric,
    start: str = "",
    resume: bool = False,
    stop: StopRequest | None = None,
    about: Mapping[str, Any] | None = None,
    card: Callable[[Mapping[str, Mapping[str, float]]], str] | None = None,
    progress: Progress = SILENT,
) -> _Network:
    """Train any network that a model folder can contain, in the same way as `train`.

    Args:
        network: constructs the network with its initial weights; called once, after seeding.
        stages: stages with their epochs, in order.
        cache, run, config, fabric, resume, stop, about, progress: as for `train`.
        start: identifies the network and its initial weights; a checkpoint must agree with it.
        card: formats MODEL_CARD.md from the best validation of every stage; by default the card of a LaMoD model.

    Returns, Raises:
        as `train`.
    """
    folder = RunFolder(run, writes=fabric.is_global_zero)
    with folder.opened():
        identity = {"config": config.to_dict(), "data": cache.fingerprint, "start": start}
        if resume:
            refuse_other_checkpoint(run, identity)
        if folder.writes:
            check_new_folder(run / FINISHED, CONTENTS)
        model = _first_weights(network, stages, config, fabric)
        found = _estimate(model, stages, cache, config, fabric, timed=False)
        refuse_too_large(found, config)
        try:
            with reported_disk_faults(run.name):
                folder.write("config.json", config.to_dict())
                folder.write("run.json", {**_facts(cache, fabric, start, found), **(about or {})})
                training = _training_facts(cache, config, about or {})
                average, best = fit(
                    model,
                    slice_stages(model, stages, cache, config, fabric),
                    folder,
                    fabric,
                    identity=identity,
                    patience=config.patience,
                    checkpoint_minutes=config.checkpoint_minutes,
                    resume=resume,
                    stop=stop,
                    keep=lambda current: _keep_current(folder, current, training),
                    progress=progress,
                )
                if fabric.is_global_zero:
                    _finish(folder, average, best, training, card)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise too_large(config, replace(found, largest_batch=None)) from error
    fabric.barrier()
    return average


def estimate(cache: TrainingCache, config: TrainingConfig, fabric: Fabric) -> Estimate:
    """Memory and time of `train` on this machine; takes a few seconds and writes nothing."""
    return estimate_network(lambda: LaMoDModel(config.model), stages_of(config), cache, config, fabric)


def estimate_network(
    network: Callable[[], nn.Module],
    stages: Sequence[tuple[Stage, int]],
    cache: TrainingCache,
    config: TrainingConfig,
    fabric: Fabric,
) -> Estimate:
    """Memory and time of `train_network` on this machine; takes a few seconds and writes nothing."""
    model = _first_weights(network, stages, config, fabric)
    return _estimate(model, stages, cache, config, fabric, timed=True)


def _first_weights(
    network: Callable[[], _AnyNetwork], stages: Sequence[tuple[Stage, int]], config: TrainingConfig, fabric: Fabric
) -> _AnyNetwork:
    fabric.seed_everything(config.seed, verbose=False)
    model = network()
    check_frozen(config, stages, model)
    fabric.to_device(model)
    return model


def _estimate(
    model: nn.Module,
    stages: Sequence[tuple[Stage, int]],
    cache: TrainingCache,
    config: TrainingConfig,
    fabric: Fabric,
    *,
    timed: bool,
) -> Estimate:
    slices = len(cache.indices("train"))
    if slices == 0:
        raise LaMoDInputError("the dataset", "it has no training slices", "add cases to the split train")
    found = estimate_run(model, stages, config, slices, fabric, timed=timed)
    return fabric.broadcast(found)  # either all processes refuse or none does


def _facts(cache: TrainingCache, fabric: Fabric, start: str, estimate: Estimate) -> dict[str, Any]:
    device = fabric.device
    return {
        "format": FORMAT,
        "versions": software_versions(),
        "data_fingerprint": cache.fingerprint,
        "slices": {split: len(cache.indices(split)) for split in ("train", "val")},
        "slices_with_motion": {split: len(cache.indices(split, with_motion=True)) for split in ("train", "val")},
        "initial_weights": start,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": fabric.strategy.precision.precision,
        "processes": fabric.world_size,
        "threads": torch.get_num_threads(),
        "estimate": asdict(estimate),
    }


def _training_facts(cache: TrainingCache, config: TrainingConfig, about: Mapping[str, Any]) -> dict[str, Any]:
    """Data and settings, for model.json."""
    facts = {"data_fingerprint": cache.fingerprint, "config": config.to_dict()}
    return facts | {key: about[key] for key in ("dataset", "init") if about.get(key)}


def _keep_current(folder: RunFolder, average: LaMoDModel | BaselineModel, training: Mapping[str, Any]) -> None:
    """Write the averaged weights of a checkpoint as a model folder, so that an unfinished run can be tried out."""
    name = folder.folder.name
    card = f"# {name}\n\nThe current weights of an unfinished training run.\n"
    facts = {**training, "unfinished": True}
    with suppress(LaMoDInputError):  # somebody changed or keeps files in it; the checkpoint has the weights, too
        save_model(average, folder.folder / CURRENT, name, training=facts, card=card, command="train")


def _finish(
    folder: RunFolder,
    average: LaMoDModel | BaselineModel,
    best: Mapping[str, BestEpoch],
    training: Mapping[str, Any],
    card: Callable[[Mapping[str, Mapping[str, float]]], str] | None,
) -> None:
    results = {stage: dict(epoch.measured) for stage, epoch in best.items()}
    folder.write("metrics.json", {"validation": results})
    model = folder.folder / FINISHED
    text = card(results) if card is not None else model_card
    facts = {**training, "validation": results}
    save_model(average, model, folder.folder.name, training=facts, card=text, command="train")
    remove_output(folder.folder / CURRENT, CONTENTS)
    folder.status("finished", "the model is complete", model=str(model), fraction=1.0, seconds_left=0)
