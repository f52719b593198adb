"""From a deterministic model to one that says what it does not know: motion latent, flag, calibration.

Everything here learns from predictions of E_R and D_η at rest; none of their weights changes, so the answer stays
what it was up to the expected relative motion that the motion latent adds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from LaMoDCore.geometry import Array
from LaMoDCore.io.dataset import DatasetIndex
from LaMoDCore.model import InferenceDefaults, LaMoDModel
from LaMoDCore.model_card import write_card
from LaMoDCore.models import LoadedModel, lamod_network, load_model, save_model
from LaMoDCore.networks.motion_latent import MotionLatentConfig
from LaMoDCore.progress import SILENT, Progress
from LaMoDCore.training.cache import TrainingCache
from LaMoDCore.training.generative_stage import GenerativeConfig, train_motion_latent
from LaMoDCore.training.insertion_angles import insertion_angles
from LaMoDCore.training.residuals import ResidualBank, residual_bank
from LaMoDCore.uncertainty.descriptors import descriptor_blocks
from LaMoDCore.uncertainty.held_out import fit_calibration

#: Training cases from which the flag learns how hearts lie.
_LOOKED_AT = 300


@dataclass(frozen=True)
class PosteriorConfig:
    """The whole of it.

    Attributes:
        latent: shapes of the motion latent.
        training: of its denoiser.
        slices: training slices that are looked at, spread evenly over the training split.
        calibration_cases: validation cases that the intervals are calibrated on, spread evenly likewise.
        samples: with which prediction draws by default, and the calibration was made.
        steps: of DDIM by default.
        false_alarms: share of validation slices that the unlike-training flag may raise.
    """

    latent: MotionLatentConfig = field(default_factory=lambda: MotionLatentConfig(modes=32))
    training: GenerativeConfig = field(default_factory=GenerativeConfig)
    slices: int = 1500
    calibration_cases: int = 100
    samples: int = 8
    steps: int = 25
    false_alarms: float = 0.025


def train_posterior(
    base: LoadedModel,
    index: DatasetIndex,
    cache: TrainingCache,
    folder: Path,
    config: PosteriorConfig,
    *,
    name: str = "",
    progress: Progress = SILENT,
) -> LoadedModel:
    """Write a model folder with `base`'s networks and everything that knows their doubts.

    Args:
        base: a LaMoD.
        index: the dataset that `cache` was made from, for the calibration.
        cache: its slices.
        folder: to write.
        config: how.
        name: of the new model; `base`'s if empty.
        progress: told of every slice, epoch and case.
    """
    network = lamod_network(base)
    chosen = {
        split: spread_evenly(cache.indices(split, with_motion=True), count)
        for split, count in (("train", config.slices), ("val", 10**9))
    }
    train = residual_bank(network, cache, chosen["train"], seed=config.training.seed, progress=progress)
    validation = residual_bank(network, cache, chosen["val"], progress=progress)
    return posterior_from_banks(base, index, train, validation, folder, config, name=name, progress=progress)


def posterior_from_banks(
    base: LoadedModel,
    index: DatasetIndex,
    train: ResidualBank,
    validation: ResidualBank,
    folder: Path,
    config: PosteriorConfig,
    *,
    name: str = "",
    progress: Progress = SILENT,
) -> LoadedModel:
    """The same from residuals that are known already."""
    network = with_posterior(lamod_network(base), config, train.descriptors.shape[1])
    assert network.motion_latent is not None and network.familiarity is not None and network.slice_spread is not None
    report = train_motion_latent(
        network.motion_latent,
        network.slice_spread,
        network.config.schedule,
        train,
        validation,
        config.training,
        progress,
    )
    known = [entry for entry in index if entry.split == "train"]
    network.familiarity.fit(
        train.descriptors,
        validation.descriptors,
        config.false_alarms,
        blocks=descriptor_blocks(network.config.latent_channels),
        insertion_angles=insertion_angles(index, [known[i] for i in spread_evenly(np.arange(len(known)), _LOOKED_AT)]),
    )
    network.requires_grad_(False).eval()
    training: dict[str, Any] = {
        **base.description.get("training", {}),
        "posterior": {
            "config": asdict(config),
            "report": asdict(report),
            "slices": len(train.index),
            "validation_slices": len(validation.index),
        },
    }
    named = name or base.name
    model = LoadedModel(named, network, "", {})
    held_out = [entry for entry in index if entry.split == "val"]
    cases = [held_out[i] for i in spread_evenly(np.arange(len(held_out)), config.calibration_cases)]
    calibration = fit_calibration(model, index, cases, config.samples, progress)
    save_model(network, folder, named, training=training, uncertainty=calibration.to_dict())
    write_card(folder)
    return load_model(folder)


def with_posterior(network: LaMoDModel, config: PosteriorConfig, descriptors: int) -> LaMoDModel:
    """A copy of a model with an untrained motion latent and flag, whose default is to sample motion."""
    torch.manual_seed(config.training.seed)
    inference = InferenceDefaults(
        diffusion=True, space="motion", sampler="ddim", start=0, steps=config.steps, samples=config.samples
    )
    grown = LaMoDModel(
        replace(network.config, motion_latent=config.latent, descriptors=descriptors, inference=inference)
    )
    own = {
        key: value
        for key, value in network.state_dict().items()
        if not key.startswith(("motion_latent.", "familiarity.", "slice_spread."))
    }
    grown.load_state_dict(own, strict=False)
    return grown


def spread_evenly(indices: Array, count: int) -> Array:
    """At most `count` of them, evenly over their order."""
    if len(indices) <= count:
        return indices
    return np.asarray(indices[np.linspace(0, len(indices) - 1, count).round().astype(int)])
