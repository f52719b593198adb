"""From a deterministic model to one that says what it does not know: motion latent, flag, calibration.

Everything here learns from predictions of E_R and D_η at rest; none of their weights changes, so the answer stays
what it was up to the expected relative motion that the motion latent adds, for which a second estimate, from contours
alone, is learned first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from LaMoDCore.io.dataset.folder import DatasetIndex
from LaMoDCore.models.card import write_card
from LaMoDCore.models.folder import LoadedModel, lamod_network, load_model, save_model
from LaMoDCore.networks.contour_motion import ContourMotionConfig
from LaMoDCore.networks.lamod import InferenceDefaults, LaMoDModel
from LaMoDCore.networks.motion_latent import MotionLatentConfig
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.posterior.contour_bank import ContourBank, of_cache, of_phantoms
from LaMoDCore.training.posterior.contour_stage import ContourTraining, train_contour_motion
from LaMoDCore.training.posterior.generative_stage import GenerativeConfig, train_motion_latent
from LaMoDCore.training.posterior.held_out import fit_calibration
from LaMoDCore.training.posterior.insertion_angles import insertion_angles
from LaMoDCore.training.posterior.randomised_residuals import SLICES, randomised_residuals
from LaMoDCore.training.posterior.residuals import ResidualBank, residual_bank

#: Training cases from which the flag learns how hearts lie.
_LOOKED_AT = 300
#: Of the phantoms, what says when to stop: a dataset's own validation slices are few.
_HELD_OUT_SHARE = 0.05


@dataclass(frozen=True)
class PosteriorConfig:
    """The whole of it.

    Attributes:
        latent: shapes of the motion latent.
        training: of its denoiser.
        contours: shapes of the estimate from contours.
        contour_training: of it.
        phantoms: synthetic subjects whose contours it learns from besides the dataset's; the last twentieth of them
            only says when to stop.
        randomised: subjects of a wider law than people's that it learns from too (`phantom.randomised`); likewise, but
            for `randomised_slices`.
        phantom_seed: of the first cohort; the other's is the next number.
        phantoms_without: diseases that they are not to have; a sector of a randomised one may fail all the same.
        slices: training slices that are looked at, spread evenly over the training split.
        randomised_slices: how many slices of randomised hearts the posterior learns from besides, and is validated on;
            of those hearts that only said when to stop, four slices each, and so fewer where there are few.
        calibration_cases: validation cases that the intervals are calibrated on, spread evenly likewise.
        samples: with which prediction draws by default, and the calibration was made.
        steps: of DDIM by default.
        false_alarms: share of validation slices that the unlike-training flag may raise.
    """

    latent: MotionLatentConfig = field(default_factory=lambda: MotionLatentConfig(modes=48))
    training: GenerativeConfig = field(default_factory=GenerativeConfig)
    contours: ContourMotionConfig = field(default_factory=lambda: ContourMotionConfig(components=240))
    contour_training: ContourTraining = field(default_factory=ContourTraining)
    phantoms: int = 0
    randomised: int = 0
    phantom_seed: int = 3003
    phantoms_without: tuple[str, ...] = ()
    slices: int = 1500
    randomised_slices: tuple[int, int] = (400, 100)
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
    workers: int = 1,
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
        workers: processes that make the synthetic subjects.
        progress: told of every slice, epoch and case.
    """
    own = {split: cache.indices(split, with_motion=True) for split in ("train", "val")}
    contours = {split: of_cache(cache, chosen, progress) for split, chosen in own.items()}
    more, held_out = _synthetic(config, workers, progress)
    validation_contours = ContourBank.joined([contours["val"], *held_out])
    chosen = own["train"][spread_evenly(len(own["train"]), config.slices)]
    train = []
    # Cross-fitting: half of the slices are seen by a network that learned from the other half, so that what is told
    # of a training slice is as wrong as it is of an unseen one. Halves in the data's order keep subjects together.
    for half in np.array_split(np.arange(len(own["train"])), 2):
        others = contours["train"].of(np.setdiff1d(np.arange(len(own["train"])), half))
        halved = with_contour_motion(base, [others, *more], validation_contours, config, progress)
        seen = np.intersect1d(chosen, own["train"][half])
        train.append(residual_bank(lamod_network(halved), cache, seen, seed=config.training.seed, progress=progress))
    base = with_contour_motion(base, [contours["train"], *more], validation_contours, config, progress)
    network = lamod_network(base)
    validation = residual_bank(network, cache, own["val"], progress=progress)
    return posterior_from_banks(
        base,
        index,
        ResidualBank.joined(train),
        validation,
        folder,
        config,
        wider=_wider(network, config, progress),
        name=name,
        progress=progress,
    )


def _wider(
    network: LaMoDModel, config: PosteriorConfig, progress: Progress
) -> tuple[ResidualBank, ResidualBank] | None:
    """Residuals on randomised hearts, to learn from and to validate on; none where too few were held out."""
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

    held_out = range(_learned(config.randomised), config.randomised)
    if not held_out:
        return None
    seed = config.phantom_seed + 1
    recipe = CohortRecipe(count=config.randomised, seed=seed)
    subjects = [number for number in held_out if recipe.disease(number) not in config.phantoms_without]
    learn, validate = (ceil(slices / SLICES) for slices in config.randomised_slices)
    validate = min(validate, len(subjects) // 4)
    learn = min(learn, len(subjects) - validate)
    if min(learn, validate) < 1:
        return None
    return (
        randomised_residuals(network, subjects[:learn], seed, progress),
        randomised_residuals(network, subjects[-validate:], seed, progress),
    )


def _learned(count: int) -> int:
    """How many synthetic subjects are learned from; those after them say when to stop."""
    return count - int(_HELD_OUT_SHARE * count)


def _synthetic(
    config: PosteriorConfig, workers: int, progress: Progress
) -> tuple[list[ContourBank], list[ContourBank]]:
    """What is learned from, and what says when to stop."""
    learned: list[ContourBank] = []
    held_out: list[ContourBank] = []
    cohorts = ((config.phantoms, config.phantom_seed, False), (config.randomised, config.phantom_seed + 1, True))
    for count, seed, randomise in cohorts:
        first = _learned(count)
        for subjects, banks in ((range(first), learned), (range(first, count), held_out)):
            if subjects:
                banks.append(
                    of_phantoms(
                        subjects,
                        seed,
                        progress,
                        workers=workers,
                        left_out=config.phantoms_without,
                        randomise=randomise,
                    )
                )
    return learned, held_out


def with_contour_motion(
    base: LoadedModel,
    train: Sequence[ContourBank],
    validation: ContourBank,
    config: PosteriorConfig,
    progress: Progress = SILENT,
) -> LoadedModel:
    """A model with `base`'s networks and an estimate from contours, learned from `train`."""
    torch.manual_seed(config.contour_training.seed)
    network = _grown(lamod_network(base), {"contour_motion": config.contours})
    assert network.contour_motion is not None
    report = train_contour_motion(network.contour_motion, train, validation, config.contour_training, progress)
    network.requires_grad_(False).eval()
    training = {**base.description.get("training", {}), "contours": asdict(report)}
    return LoadedModel(base.name, network, "", {**base.description, "training": training})


def posterior_from_banks(
    base: LoadedModel,
    index: DatasetIndex,
    train: ResidualBank,
    validation: ResidualBank,
    folder: Path,
    config: PosteriorConfig,
    *,
    wider: tuple[ResidualBank, ResidualBank] | None = None,
    name: str = "",
    progress: Progress = SILENT,
) -> LoadedModel:
    """The same from residuals that are known already.

    Args:
        base, index, folder, config, name, progress: see `train_posterior`.
        train, validation: residuals on the dataset's slices.
        wider: the same of randomised hearts. The posterior's modes and spread learn from both; its mean, the flag and
            the calibration, which say what is usual, only from the dataset's.
    """
    network = with_posterior(lamod_network(base), config, train.descriptors.shape[1])
    assert network.motion_latent is not None and network.familiarity is not None and network.slice_spread is not None
    report = train_motion_latent(
        network.motion_latent,
        network.slice_spread,
        network.config.schedule,
        train,
        validation,
        config.training,
        wider=wider,
        progress=progress,
    )
    known = [entry for entry in index if entry.split == "train"]
    network.familiarity.fit(
        train.descriptors,
        validation.descriptors,
        config.false_alarms,
        insertion_angles=insertion_angles(index, [known[i] for i in spread_evenly(len(known), _LOOKED_AT)]),
    )
    network.requires_grad_(False).eval()
    training: dict[str, Any] = {
        **base.description.get("training", {}),
        "posterior": {
            "config": asdict(config),
            "report": asdict(report),
            "slices": len(train.index),
            "validation_slices": len(validation.index),
            "randomised_slices": [] if wider is None else [len(bank.index) for bank in wider],
        },
    }
    named = name or base.name
    model = LoadedModel(named, network, "", {})
    held_out = [entry for entry in index if entry.split == "val"]
    cases = [held_out[i] for i in spread_evenly(len(held_out), config.calibration_cases)]
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
    return _grown(network, {"motion_latent": config.latent, "descriptors": descriptors, "inference": inference})


def _grown(network: LaMoDModel, further: dict[str, Any]) -> LaMoDModel:
    """A copy with other settings; what it has besides E_R, D_R, ε_θ, D_η and, once made, contours' motion is new."""
    grown = LaMoDModel(replace(network.config, **further))
    parts = ("motion_latent.", "familiarity.", "slice_spread.", *(("contour_motion.",) * ("contour_motion" in further)))
    own = {key: value for key, value in network.state_dict().items() if not key.startswith(parts)}
    grown.load_state_dict(own, strict=False)
    return grown
