"""The whole way in one readable function: masks -> z -> ẑ -> displacement -> strain."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from LaMoDCore import __version__
from LaMoDCore.baselines import BaselineModel
from LaMoDCore.heart.case import Case, Motion, SliceStrain, StrainResult
from LaMoDCore.models.folder import DEFAULT_MODEL, LoadedModel, load_model
from LaMoDCore.networks.diffusion import SAMPLERS, SamplerName
from LaMoDCore.networks.lamod import SPACES, InferenceDefaults, LaMoDModel, SpaceName
from LaMoDCore.prediction.slice_motion import SlicePrediction, predict_slice
from LaMoDCore.runtime.devices import resolve_device
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.strain import end_systole, slice_strain, summarise
from LaMoDCore.uncertainty.intervals import calibrated, calibration_of, with_uncertainty


def predict_strain(
    case: Case,
    model: str | Path | LoadedModel = DEFAULT_MODEL,
    *,
    device: str = "auto",
    diffusion: bool | None = None,
    space: SpaceName | None = None,
    sampler: SamplerName | None = None,
    start: int | None = None,
    steps: int | None = None,
    samples: int | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> StrainResult:
    """Predict motion and strain of every slice of a case.

    Args:
        case: what `load_case` returned.
        model: name, folder, or a model already loaded.
        device: auto, cpu, cuda, cuda:N or mps; ignored where the model is already loaded.
        diffusion: False decodes z⁽⁰⁾ as E_R gives it; None is the model's default, as for all that follow, or False
            where Algorithm 1 is the default and the denoiser was not trained with the encoder (`denoiser_fits`).
        space: "motion" samples around the decoder's answer, "registration" is Algorithm 1 on z⁽⁰⁾.
        sampler: "ddim" or "ddpm".
        start: diffusion step at which z⁽⁰⁾ is noised ("registration" only).
        steps: of DDIM.
        samples: latents drawn; their standard deviation is the answer's uncertainty. One gives the answer alone.
        seed: of all randomness; the same for every slice, so that a slice's numbers do not depend on the others.
        progress: told which device computes and why, then after each stage of each slice.

    Returns:
        displacement, strain, curves and summary.

    Raises:
        LaMoDInputError: an option, the model or the case cannot be used.
    """
    chosen, reason = (None, "given model") if isinstance(model, LoadedModel) else resolve_device(device)
    progress.update("device", 0.0, reason)
    loaded = model if isinstance(model, LoadedModel) else load_model(model, chosen or "cpu")
    settings = inference_choice(
        loaded, diffusion=diffusion, space=space, sampler=sampler, start=start, steps=steps, samples=samples
    )
    calibration = calibration_of(loaded)
    predictions: list[SlicePrediction] = []
    strains: list[SliceStrain] = []
    seconds = dict.fromkeys(("motion", "strain"), 0.0)
    for index, slice_ in enumerate(case.slices):
        done = index / len(case.slices)
        progress.update("motion", done, f"{slice_.name}: predicting motion")
        began = time.perf_counter()
        insertion = case.insertion_of(slice_)
        predictions.append(predict_slice(slice_, case.reference_frame, loaded, settings, seed, insertion))
        seconds["motion"] += time.perf_counter() - began
        progress.update("strain", done + 0.7 / len(case.slices), f"{slice_.name}: strain")
        began = time.perf_counter()
        motion = predictions[-1].motion
        strain = slice_strain(slice_, motion, case.reference_frame, case.rv_insertion_lps)
        strains.append(calibrated(strain, slice_, case.reference_frame, calibration, settings["samples"]))
        seconds["strain"] += time.perf_counter() - began
    es_frame = end_systole(case)
    network_device = next(loaded.network.parameters()).device
    provenance = {
        "lamod_version": __version__,
        "model": loaded.name,
        "model_sha256": loaded.weights_sha256,
        "device": str(network_device),
        "device_reason": reason,
        "threads": torch.get_num_threads(),
        "torch_version": torch.__version__,
        "seed": seed,
        **settings,
        "inputs": [{"name": record.name, "sha256": record.sha256} for record in case.inputs],
    }
    whole = Motion(tuple(prediction.motion for prediction in predictions), {"seconds": seconds, **provenance})
    summary = summarise(case, whole, strains, es_frame)
    flags = [prediction.unlike_training for prediction in predictions]
    summary = with_uncertainty(summary, case, flags, calibration, settings["samples"])
    progress.update("done", 1.0, "motion and strain predicted")
    return StrainResult(case, whole, tuple(strains), es_frame, {**summary, "provenance": provenance})


def inference_choice(
    model: LoadedModel,
    *,
    diffusion: bool | None = None,
    space: SpaceName | None = None,
    sampler: SamplerName | None = None,
    start: int | None = None,
    steps: int | None = None,
    samples: int | None = None,
) -> dict[str, Any]:
    """What is asked for, completed with the model's defaults and checked.

    Raises:
        LaMoDInputError: an option is out of range, or not one that this model has.
    """
    network = model.network
    if isinstance(network, BaselineModel):
        if diffusion or (samples or 1) > 1:
            raise LaMoDInputError(
                model.name, "it is a baseline, without diffusion or samples", "leave these options out"
            )
        return {"diffusion": False, "space": None, "sampler": None, "start": None, "steps": None, "samples": 1}
    asked: dict[str, Any] = {"diffusion": diffusion, "space": space, "sampler": sampler, "start": start}
    asked |= {"steps": steps, "samples": samples}
    chosen = replace(network.config.inference, **{key: value for key, value in asked.items() if value is not None})
    _check(chosen, model.name, network, start)
    if chosen.space == "registration" and not denoiser_fits(model):
        if diffusion or space is not None or (samples or 1) > 1:
            raise LaMoDInputError(
                model.name,
                "its denoiser was not trained with its encoder, so Algorithm 1 has nothing to say",
                "add --no-diffusion, or teach it samples with `lamod train-posterior`",
            )
        chosen = replace(chosen, diffusion=False)
    if not chosen.diffusion:
        return {"diffusion": False, "space": None, "sampler": None, "start": None, "steps": None, "samples": 1}
    first = network.config.schedule.steps if chosen.space == "motion" else chosen.start
    return {
        "diffusion": True,
        "space": chosen.space,
        "sampler": chosen.sampler,
        "start": first,
        "steps": first if chosen.sampler == "ddpm" else chosen.steps,
        "samples": chosen.samples,
    }


def denoiser_fits(model: LoadedModel) -> bool:
    """Whether ε_θ learned from the latents that E_R gives now, by the model's own record of its training.

    Only the joint stage trains it, with E_R at rest and after every stage that moves E_R. A model without any record
    is taken at its word.
    """
    record = model.description.get("training") or {}
    return not record or "joint" in record.get("validation", {})


def _check(chosen: InferenceDefaults, name: str, network: LaMoDModel, start: int | None) -> None:
    last = network.config.schedule.steps
    if chosen.samples < 1:
        raise LaMoDInputError("--samples", f"{chosen.samples} is not a number of samples", "give 1 or more")
    if chosen.steps < 1:
        raise LaMoDInputError("--steps", f"{chosen.steps} is not a number of steps", "give 1 or more")
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
