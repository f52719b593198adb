"""Training of a baseline: one stage by eq. (10), with the data, augmentation, budget and selection of LaMoD.

A baseline has no registration and no diffusion, so its stage gets the epochs of all stages of a recipe.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.baselines import BaselineConfig, BaselineModel, available
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.data.augmentation import Batch
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.loop.engine import make_fabric
from LaMoDCore.training.loop.losses import motion_loss
from LaMoDCore.training.loop.stages import Stage
from LaMoDCore.training.networks.resource_estimate import Estimate
from LaMoDCore.training.networks.train import estimate_network, train_network
from LaMoDCore.training.run.settings import TrainingConfig
from LaMoDCore.training.run.stopping import StopRequest


@dataclass(frozen=True)
class BaselineStage:
    """Eq. (10) on the displacement: endpoint error, gradient error and the same regularity as for D_η."""

    config: TrainingConfig
    name: str = "motion"
    needs_motion: bool = True

    def trained_parts(self, model: nn.Module) -> Mapping[str, nn.Module]:
        return {"network": model}

    def prepare(self, model: nn.Module, batches: Iterable[Batch]) -> None:
        """Nothing to prepare: a baseline uses the masks as they are."""

    def loss(self, model: nn.Module, batch: Batch, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        predicted = cast(BaselineModel, model).blocks(batch.masks)
        loss, endpoint = motion_loss(
            functional.avg_pool3d(predicted, (1, 2, 2)),  # every 4 mm, like D_η's control points
            predicted,
            batch.displacement,
            batch.weight,
            gradient_weight_mm=self.config.gradient_weight_mm,
            regularity=self.config.lambda_motion,
        )
        return loss, {"endpoint_mm": endpoint}

    def score(self, measured: Mapping[str, float]) -> float:
        return measured["loss"]


def train_baseline(
    cache: TrainingCache,
    run: Path,
    config: TrainingConfig,
    baseline: BaselineConfig,
    *,
    fabric: Fabric | None = None,
    resume: bool = False,
    stop: StopRequest | None = None,
    about: Mapping[str, Any] | None = None,
    progress: Progress = SILENT,
) -> BaselineModel:
    """Train a baseline as `train` trains LaMoD.

    Args:
        cache: training and validation slices.
        run: the run's folder.
        config: settings; those of LaMoD's own networks are ignored.
        baseline: network and size.
        fabric: device, precision and processes; one process on the CPU by default.
        resume: continue from the run's checkpoint, if there is one.
        stop: checked after every step.
        about: further facts for run.json.
        progress: updated after every step.

    Returns:
        the averaged model of the best epoch, in evaluation mode; also saved under ``run/model``.

    Raises:
        TrainingStopped: `stop` was requested; the checkpoint is written.
        LaMoDInputError: see `train`; or a package that the network needs is not installed.
    """
    config = replace(config, freeze=())  # it names parts of LaMoD
    return train_network(
        lambda: BaselineModel(baseline),
        _stages(config),
        cache,
        run,
        config,
        fabric=fabric or make_fabric(torch.device("cpu"), bf16=config.bf16),
        start=json.dumps(baseline.to_dict(), sort_keys=True),
        resume=resume,
        stop=stop,
        about={"baseline": baseline.to_dict(), **(about or {})},
        card=lambda results: _card(run.name, baseline, results),
        progress=progress,
    )


def estimate_baseline(
    cache: TrainingCache, config: TrainingConfig, baseline: BaselineConfig, fabric: Fabric
) -> Estimate:
    """Memory and time of a run on this machine; takes a few seconds and writes nothing."""
    config = replace(config, freeze=())
    return estimate_network(lambda: BaselineModel(baseline), _stages(config), cache, config, fabric)


def _stages(config: TrainingConfig) -> list[tuple[Stage, int]]:
    return [(BaselineStage(config), config.registration_epochs + config.motion_epochs + config.joint_epochs)]


def _card(name: str, baseline: BaselineConfig, results: Mapping[str, Mapping[str, float]]) -> str:
    method = next(each for each in available() if each.name == baseline.network)
    size = ", ".join(f"{key} {value}" for key, value in baseline.to_dict()["settings"].items())
    found = ", ".join(f"{key} {value:.3f}" for key, value in results.get("motion", {}).items())
    return (
        f"# {name}\n\n{method.title}: {method.what} {method.source}.\n\n"
        f"A baseline for comparison with LaMoD, on pixels of {baseline.pixel_mm} mm; {size}.\n\n"
        f"Validation: {found or 'none'}.\n"
    )
