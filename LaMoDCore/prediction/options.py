"""Options of a prediction, completed with the model's defaults and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from LaMoDCore.baselines import BaselineModel
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.networks.diffusion import SAMPLERS, SamplerName
from LaMoDCore.networks.lamod import SPACES, InferenceDefaults, LaMoDModel, SpaceName
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.uncertainty.intervals import calibration_of

#: All samples of a slice are in memory at the same time.
MOST_SAMPLES = 1000
#: Algorithm 1 as the paper prints it, as arguments of `predict_strain`: every ancestral step from the last one.
ALGORITHM_1: Mapping[str, Any] = {"space": "registration", "sampler": "ddpm", "start": "last"}


@dataclass(frozen=True)
class InferenceOptions:
    """Options with which a model predicts; the defaults decode the encoder's latent without diffusion.

    Attributes:
        diffusion: whether latents are sampled.
        space: space of the diffusion: "motion" or "registration"; None without diffusion, as for the following ones.
        sampler: "ddim" or "ddpm".
        start: diffusion step at which sampling starts.
        steps: number of sampling steps.
        samples: number of samples that are drawn.
        independent: whether samples of the motion latent are independent draws; by default they are balanced and
            centred (`networks.balanced_draws`), so that few of them have the right spread.
    """

    diffusion: bool = False
    space: SpaceName | None = None
    sampler: SamplerName | None = None
    start: int | None = None
    steps: int | None = None
    samples: int = 1
    independent: bool = False


def resolve_options(
    model: LoadedModel,
    *,
    diffusion: bool | None = None,
    space: SpaceName | None = None,
    sampler: SamplerName | None = None,
    start: int | Literal["last"] | None = None,
    steps: int | None = None,
    samples: int | None = None,
    independent: bool = False,
) -> InferenceOptions:
    """Complete the given options with the model's defaults; None means the default. Arguments as of `predict_strain`.

    Raises:
        LaMoDInputError: an option is out of range, or the model does not support it.
    """
    network = model.network
    if isinstance(network, BaselineModel):
        if diffusion or (samples or 1) > 1:
            raise LaMoDInputError(
                model.name, "it is a baseline, without diffusion or samples", "leave these options out"
            )
        return InferenceOptions()
    if start == "last":
        diffusion = True if diffusion is None else diffusion
        start = network.config.schedule.steps
    given: dict[str, Any] = {"diffusion": diffusion, "space": space, "sampler": sampler, "start": start}
    given |= {"steps": steps, "samples": samples}
    chosen = replace(network.config.inference, **{key: value for key, value in given.items() if value is not None})
    _check(chosen, model.name, network, start)
    if chosen.space == "registration" and not denoiser_fits(model):
        if diffusion or space is not None or (samples or 1) > 1:
            raise LaMoDInputError(
                model.name,
                "its denoiser was not trained with its encoder, so Algorithm 1 cannot be used",
                "predict without diffusion, or train its samples with `lamod train-posterior`",
            )
        return InferenceOptions()
    if not chosen.diffusion:
        return InferenceOptions()
    first = network.config.schedule.steps if chosen.space == "motion" else chosen.start
    return InferenceOptions(
        diffusion=True,
        space=chosen.space,
        sampler=chosen.sampler,
        start=first,
        steps=first if chosen.sampler == "ddpm" else chosen.steps,
        samples=_drawn(chosen, model),
        independent=independent and chosen.space == "motion",
    )


def _drawn(chosen: InferenceDefaults, model: LoadedModel) -> int:
    """Number of samples to draw: with a calibration, not fewer than it was fitted with, so that intervals keep their
    width. The mean is not sampled; one sample means the prediction alone."""
    calibration = calibration_of(model.description, model.name)
    if calibration is None or chosen.space != "motion" or chosen.samples == 1:
        return chosen.samples
    return max(chosen.samples, calibration.samples)


def denoiser_fits(model: LoadedModel) -> bool:
    """Whether ε_θ was trained on latents of the model's current E_R, according to the record of its training.

    Only the joint stage, or with the architecture "paper" the stage "diffusion", trains ε_θ, with E_R fixed, and it
    follows every stage that changes E_R. A model without a record is assumed to fit.
    """
    record = model.description.get("training") or {}
    return not record or not {"joint", "diffusion"}.isdisjoint(record.get("validation", {}))


def _check(chosen: InferenceDefaults, name: str, network: LaMoDModel, start: int | None) -> None:
    last = network.config.schedule.steps
    if not 1 <= chosen.samples <= MOST_SAMPLES:
        raise LaMoDInputError("--samples", f"{chosen.samples} is not a number of samples", f"give 1 to {MOST_SAMPLES}")
    if not 1 <= chosen.steps <= max(last, 1):
        raise LaMoDInputError("--steps", f"{chosen.steps} is not a number of steps", f"give 1 to {last}")
    if not 0 <= chosen.start <= last:
        raise LaMoDInputError("--start", f"{chosen.start} lies outside the schedule", f"give a step from 0 to {last}")
    if chosen.sampler not in SAMPLERS:
        raise LaMoDInputError("--sampler", f"there is no sampler {chosen.sampler!r}", f"choose {' or '.join(SAMPLERS)}")
    if chosen.space not in SPACES:
        raise LaMoDInputError("--space", f"there is no space {chosen.space!r}", f"choose {' or '.join(SPACES)}")
    if chosen.diffusion and chosen.space == "motion" and network.motion_latent is None:
        raise LaMoDInputError("--space motion", f"{name} has no motion latent", "leave it out, or choose another model")
    if chosen.diffusion and chosen.space == "motion" and start is not None:
        raise LaMoDInputError(
            "--start", "the motion latent starts from pure noise", "leave it out, or add --space registration"
        )
