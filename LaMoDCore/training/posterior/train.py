"""Add uncertainty to a deterministic model: motion latent, unlike-training flag, calibrated intervals.

All of it is fitted to predictions of the frozen E_R and D_η. Their prediction changes only by the expected relative
motion that the motion latent adds, for which a second estimate, from contours alone, is trained first.

A run has four stages: two estimates from contours, each trained on the contours of half of the dataset's slices and
used for the residuals of the other half (cross-fitting), the final one trained on all, and the motion latent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex
from LaMoDCore.models.card import model_card
from LaMoDCore.models.folder import LoadedModel, lamod_network, load_model, packed_weights, save_model
from LaMoDCore.networks.contour_motion import ContourMotionConfig
from LaMoDCore.networks.lamod import InferenceDefaults, LaMoDModel
from LaMoDCore.networks.motion_latent import MotionLatentConfig
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.runtime.progress import SILENT, Parts, Progress
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.loop.engine import make_fabric
from LaMoDCore.training.loop.fit import BestEpoch, fit
from LaMoDCore.training.posterior.bank_store import Bank, BankStore
from LaMoDCore.training.posterior.contour_bank import ContourBank, of_cache, of_phantoms
from LaMoDCore.training.posterior.contour_stage import ContourStage, ContourTraining
from LaMoDCore.training.posterior.held_out import calibration_entries, fit_calibration
from LaMoDCore.training.posterior.insertion_angles import insertion_angles
from LaMoDCore.training.posterior.motion_latent_stage import GenerativeConfig, LatentBanks, MotionLatentStage
from LaMoDCore.training.posterior.randomised_residuals import SLICES, randomised_residuals
from LaMoDCore.training.posterior.residuals import ResidualBank, fully_measured, residual_bank
from LaMoDCore.training.run.folder import (
    FORMAT,
    PreparationProgress,
    RunFolder,
    reported_disk_faults,
    software_versions,
    unrecorded,
)
from LaMoDCore.training.run.stopping import StopRequest
from LaMoDCore.uncertainty.descriptors import descriptor_groups

#: Training cases whose orientation the unlike-training flag is fitted to.
_ORIENTATION_CASES = 300
#: Share of the synthetic subjects held out for validation, since a dataset's own validation slices are few.
_HELD_OUT_SHARE = 0.05
#: Synthetic subjects whose contours are computed and stored together.
_PART = 5000
#: Name of the part of the progress that reports the steps of the training.
_TRAINING, _CALIBRATION = "training", "calibration"
#: Approximate seconds on one core, by which the progress weighs its parts.
_SECONDS = {"own contours": 0.02, "subject": 0.03, "residual": 0.2, "wider subject": 1.5, "step": 0.02, "case": 1.0}


@dataclass(frozen=True)
class PosteriorConfig:
    """Settings of the whole training.

    Attributes:
        latent: sizes of the motion latent.
        training: training of its denoiser.
        contours: shapes of the estimate from contours.
        contour_training: training of that estimate.
        phantoms: synthetic subjects whose contours are added to the dataset's; the last twentieth of them are
            validation data.
        randomised: subjects from a wider distribution (`phantom.randomised`) that are added; the last twentieth of
            them are validation data, except for `randomised_slices`.
        phantom_seed: random seed of the first cohort; the second cohort uses the next number.
        engine_share: share of their slices that are drawn with the errors of a contour engine.
        phantoms_without: diseases that these subjects must not have; a sector of a randomised heart
            may still not contract.
        slices: training slices that are predicted, spread evenly over the training split.
        randomised_slices: slices of randomised subjects for training and for validating the posterior; from the
            subjects held out, four slices each, and so fewer where there are few.
        calibration_cases: cases of the validation subjects reserved for it (`calibration_entries`), spread evenly, on
            which the intervals are calibrated.
        weak_segment_slices: further slices of randomised subjects, four each, to which the intervals of weak segments
            are fitted (`uncertainty.weak_segments`); 0: without these intervals.
        samples: default number of samples of a prediction, and that of the calibration.
        steps: default number of DDIM steps.
        false_alarms: share of validation slices that the unlike-training flag may raise.
    """

    latent: MotionLatentConfig = field(default_factory=lambda: MotionLatentConfig(modes=48))
    training: GenerativeConfig = field(default_factory=GenerativeConfig)
    contours: ContourMotionConfig = field(default_factory=lambda: ContourMotionConfig(components=240))
    contour_training: ContourTraining = field(default_factory=ContourTraining)
    phantoms: int = 0
    randomised: int = 0
    phantom_seed: int = 3003
    engine_share: float = 0.0
    phantoms_without: tuple[str, ...] = ()
    slices: int = 1500
    randomised_slices: tuple[int, int] = (400, 100)
    calibration_cases: int = 100
    weak_segment_slices: int = 0
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
    run: Path | None = None,
    resume: bool = False,
    stop: StopRequest | None = None,
    name: str = "",
    workers: int = 1,
    progress: Progress = SILENT,
) -> LoadedModel:
    """Write a model folder with `base`'s networks and everything that describes their uncertainty.

    Args:
        base: a LaMoD model.
        index: the dataset that `cache` was computed from, for the calibration.
        cache: its slices.
        folder: the model folder to write.
        config: settings.
        run: folder of the run (status, log, checkpoint, prepared data); without it the run cannot be resumed.
        resume: continue from the run's checkpoint, if there is one.
        stop: checked after every step, and for every slice, subject and case that is prepared.
        name: name of the new model; that of `base` if empty.
        workers: number of processes that generate the synthetic subjects.
        progress: updated for every slice, subject, step and case.

    Raises:
        TrainingStopped: `stop` was requested; a checkpoint is written once the first stage has begun.
        LaMoDInputError: another process trains in the run folder, the checkpoint belongs to another run, ...
    """
    if config.weak_segment_slices and not weak_segment_subjects(config):
        raise LaMoDInputError(
            "intervals of weak segments",
            f"none of the {config.randomised} randomised subjects is left for them",
            "give more randomised subjects, or no slices for these intervals",
        )
    fabric = make_fabric(torch.device("cpu"), bf16=False)
    if fabric.world_size > 1:
        raise LaMoDInputError(
            "lamod train-posterior", "it trains in one process", "start it without torchrun or srun, see --workers"
        )
    start = packed_weights(lamod_network(base))[1]
    # the calibration follows the training and may be another one when a run is resumed
    settings = {name: value for name, value in asdict(config).items() if name != "weak_segment_slices"}
    identity = {"config": settings, "data": cache.fingerprint, "start": start}
    stop = StopRequest() if stop is None else stop
    followed = unrecorded() if run is None else RunFolder(run)
    with followed.opened(), reported_disk_faults(followed.folder.name):
        followed.write("run.json", {"format": FORMAT, "versions": software_versions(), "data": str(index.folder)})
        store = BankStore(followed, identity, resume=resume)
        reserved = calibration_entries(index, cache.left_out)
        data = _PosteriorData(lamod_network(base), cache, config, store, workers, reserved)
        parts = Parts(progress, data.seconds(len(_calibration_cases(config, index, cache.left_out, reserved))))
        data.prepare_with(parts, lambda name: PreparationProgress(parts.part(name), followed, stop))
        stages = data.stages()
        network, best = fit(
            data.network,
            stages,
            followed,
            fabric,
            identity=identity,
            resume=resume,
            stop=stop,
            progress=parts.part(_TRAINING),
        )
        training = {**base.description.get("training", {}), **data.description(network, stages, best)}
        calibrating = PreparationProgress(parts.part(_CALIBRATION), followed, stop)
        model = _finished(network, index, data, folder, name or base.name, training, calibrating)
        followed.status("finished", "the model is complete", model=str(folder), fraction=1.0, seconds_left=0)
        store.clear()
    return model


@dataclass(frozen=True)
class _Cohort:
    """A part of a synthetic cohort: numbers of its subjects, the cohort's seed, and whether it is for validation."""

    subjects: range
    seed: int
    randomise: bool
    held_out: bool

    @property
    def key(self) -> str:
        return f"contours-{self.seed}-{self.subjects.start}-{self.subjects.stop}"


class _PosteriorData:
    """The stages of the training and the slices they use, computed when they are first needed.

    Attributes:
        network: `base` with an untrained estimate from contours, motion latent, spread and flag.
        left_out: cases of the dataset that cannot be used, with the reasons.
        reserved: numbers of the validation cases that only the calibration uses.
    """

    def __init__(
        self,
        base: LaMoDModel,
        cache: TrainingCache,
        config: PosteriorConfig,
        store: BankStore,
        workers: int,
        reserved: Collection[int],
    ) -> None:
        self.config, self.network = config, untrained_posterior(base, config)
        self._cache, self._store, self._workers = cache, store, workers
        self._parts = Parts(SILENT, {})
        self._progress: Callable[[str], Progress] = self._parts.part
        self.left_out, self.reserved = cache.left_out, reserved
        self._own = {split: fully_measured(cache, cache.indices(split, with_motion=True)) for split in ("train", "val")}
        self._own["val"] = np.setdiff1d(self._own["val"], list(reserved))
        count = len(self._own["train"])
        #: Halves in the data's order, which keeps the slices of a subject together.
        self._halves = np.array_split(np.arange(count), 2)
        self._predicted = self._own["train"][spread_evenly(count, config.slices)]

    def prepare_with(self, parts: Parts, progress: Callable[[str], Progress]) -> None:
        """Report the preparation of each bank to the progress of its name, a part of `parts`."""
        self._parts, self._progress = parts, progress

    def _bank(self, key: str, kind: type[Bank], make: Callable[[], Bank]) -> Bank:
        """The bank of this name, which may be that of the interrupted run."""
        bank = self._store.get(key, kind, make)
        self._parts.complete(key)
        return bank

    def seconds(self, cases: int) -> dict[str, float]:
        """Expected time of each part of the training, by the names of the progress, for `cases` of the calibration."""
        config, count = self.config, len(self._own["train"])
        halves = [len(np.intersect1d(self._predicted, self._own["train"][half])) for half in self._halves]
        units = {f"contours-{split}": ("own contours", len(chosen)) for split, chosen in self._own.items()}
        synthetic = 0
        for cohort in self._cohorts():
            units[cohort.key] = ("subject", len(cohort.subjects))
            synthetic += 0 if cohort.held_out else SLICES * len(cohort.subjects)
        units |= {f"residuals-{half + 1}": ("residual", length) for half, length in enumerate(halves)}
        units["residuals-val"] = ("residual", len(self._own["val"]))
        for number, chosen in enumerate(self._wider_subjects() or ()):
            units[f"residuals-randomised-{number}"] = ("wider subject", len(chosen))
        learning = (count - count // 2, count // 2, count)
        steps = sum(config.contour_training.steps(slices + synthetic) for slices in learning)
        cases += SLICES * len(weak_segment_subjects(config))
        units |= {_TRAINING: ("step", steps), _CALIBRATION: ("case", cases)}
        return {name: _SECONDS[unit] * number for name, (unit, number) in units.items()}

    def stages(self) -> tuple[ContourStage, ContourStage, ContourStage, MotionLatentStage]:
        """All stages in order; makes the contours."""
        config = self.config
        own = {
            split: self._bank(
                key := f"contours-{split}", ContourBank, partial(of_cache, self._cache, chosen, self._progress(key))
            )
            for split, chosen in self._own.items()
        }
        more, held_out = self._synthetic()
        validation = ContourBank.joined([own["val"], *held_out])
        initial = _initial_weights(self.network, "contour_motion", config.contour_training.seed)
        count = len(self._own["train"])

        def stage(name: str, train: ContourBank, half: int | None = None) -> ContourStage:
            after = None if half is None else partial(self._residuals_of_half, half)
            return ContourStage(
                [train, *more], validation, config.contour_training, name=name, initial=initial, after=after
            )

        # Cross-fitting: the contours of half of the slices are seen by a network trained on the other half, so that
        # its error on a training slice is as large as on an unseen one.
        first, second = (own["train"].select(np.setdiff1d(np.arange(count), half)) for half in self._halves)
        wider = self._wider_subjects()
        slices = len(self._predicted) + (0 if wider is None else SLICES * len(wider[0]))
        return (
            stage("contours-1", first, 0),
            stage("contours-2", second, 1),
            stage("contours", own["train"]),
            MotionLatentStage(slices, self.latent_banks, self.network.config.schedule, config.training),
        )

    def latent_banks(self, network: LaMoDModel) -> LatentBanks:
        """Residuals for the motion latent; `network` has the final estimate from contours."""
        train = ResidualBank.joined([self._residuals_of_half(half, network) for half in (0, 1)])
        validation = self._bank(
            "residuals-val",
            ResidualBank,
            lambda: residual_bank(network, self._cache, self._own["val"], progress=self._progress("residuals-val")),
        )
        subjects = self._wider_subjects()
        if subjects is None:
            return LatentBanks(train, validation)
        seed = self.config.phantom_seed + 1
        learn, validate = (
            self._bank(
                key := f"residuals-randomised-{number}",
                ResidualBank,
                partial(randomised_residuals, network, chosen, seed, self._progress(key)),
            )
            for number, chosen in enumerate(subjects)
        )
        return LatentBanks(train, validation, (learn, validate))

    def description(
        self,
        network: LaMoDModel,
        stages: tuple[ContourStage, ContourStage, ContourStage, MotionLatentStage],
        best: Mapping[str, BestEpoch],
    ) -> dict[str, Any]:
        """Settings and results, for model.json."""
        *_, contours, latent = stages
        if not latent.is_open:  # the run was resumed after its last stage
            latent.open(network, resumed=True)
        banks = self.latent_banks(network)
        return {
            "contours": asdict(contours.report(best[contours.name])),
            "posterior": {
                "config": asdict(self.config),
                "report": asdict(latent.report(best[latent.name])),
                "slices": len(banks.train.index),
                "validation_slices": len(banks.validation.index),
                "randomised_slices": [] if banks.wider is None else [len(bank.index) for bank in banks.wider],
            },
        }

    def _residuals_of_half(self, half: int, network: LaMoDModel) -> ResidualBank:
        """Residuals of the slices of one half, by a network whose estimate from contours has not seen them."""
        seen = np.intersect1d(self._predicted, self._own["train"][self._halves[half]])
        seed, key = self.config.training.seed, f"residuals-{half + 1}"
        return self._bank(
            key,
            ResidualBank,
            lambda: residual_bank(network, self._cache, seen, seed=seed, progress=self._progress(key)),
        )

    def _synthetic(self) -> tuple[list[ContourBank], list[ContourBank]]:
        """Contours of synthetic subjects, to train on and to validate on."""
        train: list[ContourBank] = []
        held_out: list[ContourBank] = []
        for cohort in self._cohorts():
            make = partial(
                of_phantoms,
                cohort.subjects,
                cohort.seed,
                self._progress(cohort.key),
                workers=self._workers,
                left_out=self.config.phantoms_without,
                randomise=cohort.randomise,
                engine_share=self.config.engine_share,
                conventions=self.config.contours.conventions,
            )
            (held_out if cohort.held_out else train).append(self._bank(cohort.key, ContourBank, make))
        return train, held_out

    def _cohorts(self) -> list[_Cohort]:
        """Parts of the synthetic cohorts; those of the training subjects are as small as is lost by an interruption."""
        config, found = self.config, []
        cohorts = ((config.phantoms, config.phantom_seed, False), (config.randomised, config.phantom_seed + 1, True))
        for count, seed, randomise in cohorts:
            last = training_subjects(count)
            parts = [(range(first, min(first + _PART, last)), False) for first in range(0, last, _PART)]
            parts.append((range(last, count), True))
            found += [_Cohort(subjects, seed, randomise, held_out) for subjects, held_out in parts if subjects]
        return found

    def _wider_subjects(self) -> tuple[list[int], list[int]] | None:
        return wider_subjects(self.config)


def training_subjects(count: int) -> int:
    """Number of `count` synthetic subjects used for training; the others are validation data."""
    return count - int(_HELD_OUT_SHARE * count)


def wider_subjects(config: PosteriorConfig) -> tuple[list[int], list[int]] | None:
    """Randomised subjects for training and for validating the posterior; None if too few are held out."""
    subjects = _held_out_subjects(config)
    if not subjects:
        return None
    learn, validate = (ceil(slices / SLICES) for slices in config.randomised_slices)
    validate = min(validate, len(subjects) // 4)
    learn = min(learn, len(subjects) - validate)
    if min(learn, validate) < 1:
        return None
    return subjects[:learn], subjects[-validate:]


def weak_segment_subjects(config: PosteriorConfig) -> list[int]:
    """Randomised subjects for the intervals of weak segments, not used by the posterior; fewer if there are few."""
    wider = wider_subjects(config)
    used = set() if wider is None else {number for group in wider for number in group}
    free = [number for number in _held_out_subjects(config) if number not in used]
    return free[: ceil(config.weak_segment_slices / SLICES)]


def _held_out_subjects(config: PosteriorConfig) -> list[int]:
    """Randomised subjects that the estimate from contours was not trained on."""
    held_out = range(training_subjects(config.randomised), config.randomised)
    if not held_out:
        return []
    recipe = _wider_recipe(config)
    return [number for number in held_out if recipe.disease(number) not in config.phantoms_without]


def _wider_recipe(config: PosteriorConfig) -> CohortRecipe:
    return CohortRecipe(count=config.randomised, seed=config.phantom_seed + 1)


def untrained_posterior(base: LaMoDModel, config: PosteriorConfig) -> LaMoDModel:
    """A copy of a model with an untrained posterior, which samples motion by default."""
    inference = InferenceDefaults(
        diffusion=True, space="motion", sampler="ddim", start=0, steps=config.steps, samples=config.samples
    )
    groups = descriptor_groups(base.config.latent_channels)
    shapes = replace(
        base.config,
        contour_motion=config.contours,
        motion_latent=config.latent,
        descriptors=1 + max(int(group.places.max()) for group in groups.values()),
        inference=inference,
    )
    torch.manual_seed(config.training.seed)
    grown = LaMoDModel(shapes)
    new = ("contour_motion.", "motion_latent.", "familiarity.", "slice_spread.")
    kept = {key: value for key, value in base.state_dict().items() if not key.startswith(new)}
    grown.load_state_dict(kept, strict=False)
    return grown


def _initial_weights(network: LaMoDModel, part: str, seed: int) -> dict[str, Tensor]:
    """State dict of a part of a network like this one, initialised from a seed."""
    torch.manual_seed(seed)
    return LaMoDModel(network.config).get_submodule(part).state_dict()


def _calibration_cases(
    config: PosteriorConfig, index: DatasetIndex, left_out: Collection[str], reserved: Collection[int]
) -> list[DatasetEntry]:
    """The reserved cases, or all validation cases where none are reserved."""
    every = list(index)
    held_out = [every[number] for number in reserved]
    held_out = held_out or [entry for entry in every if entry.split == "val" and entry.id not in left_out]
    return [held_out[i] for i in spread_evenly(len(held_out), config.calibration_cases)]


def _finished(
    network: LaMoDModel,
    index: DatasetIndex,
    data: _PosteriorData,
    folder: Path,
    name: str,
    training: Mapping[str, Any],
    progress: Progress,
) -> LoadedModel:
    """Fit the flag, calibrate the intervals and write the model folder."""
    config, banks = data.config, data.latent_banks(network)
    assert network.familiarity is not None
    usable = [entry for entry in index if entry.id not in data.left_out]
    known = [entry for entry in usable if entry.split == "train"]
    network.familiarity.fit(
        banks.train.descriptors,
        banks.validation.descriptors,
        config.false_alarms,
        insertion_angles=insertion_angles(index, [known[i] for i in spread_evenly(len(known), _ORIENTATION_CASES)]),
    )
    network.requires_grad_(False).eval()
    cases = _calibration_cases(config, index, data.left_out, data.reserved)
    return calibrated_folder(LoadedModel(name, network, "", {}), index, cases, config, folder, training, progress)


def calibrated_folder(
    model: LoadedModel,
    index: DatasetIndex,
    cases: Sequence[DatasetEntry],
    config: PosteriorConfig,
    folder: Path,
    training: Mapping[str, Any],
    progress: Progress = SILENT,
) -> LoadedModel:
    """Calibrate the intervals of a model with a posterior and write its folder.

    Args:
        model: the model, without a calibration.
        index: the dataset.
        cases: its cases for the calibration.
        config: settings; those of the calibration and of the randomised subjects are used.
        folder: the model folder to write.
        training: data, settings and metrics, for model.json, to which the number of cases is added.
        progress: updated after every case.
    """
    unusual = weak_segment_subjects(config)
    calibration = fit_calibration(
        model,
        index,
        cases,
        config.samples,
        progress,
        randomised=(_wider_recipe(config), unusual) if unusual else None,
    )
    posterior = {**training["posterior"], "calibration_slices": len(cases)}
    save_model(
        model.network,
        folder,
        model.name,
        training={**training, "posterior": posterior},
        uncertainty=calibration.to_dict(),
        card=model_card,
        command="train-posterior",
    )
    return load_model(folder)
