"""The whole way in one readable function: masks -> z -> ẑ -> displacement -> strain."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from LaMoDCore import __version__
from LaMoDCore.case import Case, CineSlice, Motion, SliceMotion, SliceStrain, StrainResult
from LaMoDCore.devices import resolve_device
from LaMoDCore.diffusion import SAMPLERS, SamplerName
from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.extension import extend_beyond_wall
from LaMoDCore.geometry import Array
from LaMoDCore.models import DEFAULT_MODEL, LoadedModel, load_model
from LaMoDCore.networks.baselines import BaselineModel
from LaMoDCore.preprocessing import displacement_to_source, to_canonical
from LaMoDCore.progress import SILENT, Progress
from LaMoDCore.strain import end_systole, slice_strain, summarise


def predict_strain(
    case: Case,
    model: str | Path | LoadedModel = DEFAULT_MODEL,
    *,
    device: str = "auto",
    diffusion: bool | None = None,
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
        diffusion: False decodes z⁽⁰⁾ as E_R gives it; None is the model's default, as for all that follow.
        sampler: "ddim" or "ddpm".
        start: diffusion step at which the latent is noised.
        steps: of DDIM.
        samples: latents drawn; the mean is the answer, the standard deviation its spread.
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
    settings = _settings(loaded, diffusion, sampler, start, steps, samples)
    motions: list[SliceMotion] = []
    strains: list[SliceStrain] = []
    seconds = dict.fromkeys(("motion", "strain"), 0.0)
    for index, slice_ in enumerate(case.slices):
        done = index / len(case.slices)
        progress.update("motion", done, f"{slice_.name}: predicting motion")
        began = time.perf_counter()
        motions.append(predict_slice_motion(slice_, case.reference_frame, loaded, settings, seed))
        seconds["motion"] += time.perf_counter() - began
        progress.update("strain", done + 0.7 / len(case.slices), f"{slice_.name}: strain")
        began = time.perf_counter()
        strains.append(slice_strain(slice_, motions[-1], case.reference_frame, case.rv_insertion_lps))
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
    motion = Motion(tuple(motions), {"seconds": seconds, **provenance})
    summary = {**summarise(case, motion, strains, es_frame), "provenance": provenance}
    progress.update("done", 1.0, "motion and strain predicted")
    return StrainResult(case, motion, tuple(strains), es_frame, summary)


def predict_slice_motion(
    slice_: CineSlice, reference_frame: int, model: LoadedModel, settings: Mapping[str, Any], seed: int
) -> SliceMotion:
    """Motion of one slice: canonical picture -> E_R -> Algorithm 1 -> D_η -> the slice's own pixels and times."""
    canonical = to_canonical(slice_, reference_frame)
    network = model.network
    device = next(network.parameters()).device
    with torch.inference_mode():
        masks = torch.from_numpy(canonical.occupancy)[None, None].to(device)
        if isinstance(network, BaselineModel):
            moved = network.displacement(masks)
        else:
            latent = network.normalise(network.encode(masks))
            if settings["diffusion"]:
                generator = torch.Generator().manual_seed(seed)
                many = latent.expand(settings["samples"], -1, -1, -1, -1).contiguous()
                latent = network.denoise(
                    many, generator, sampler=settings["sampler"], start=settings["start"], steps=settings["steps"]
                )
            moved = torch.cat([network.decode(one) for one in latent.split(1)])
        decoded = moved.float().cpu().numpy()
    if not np.isfinite(decoded).all():
        raise LaMoDInputError(
            slice_.name, "the model's motion is not finite", "choose another model or check the masks"
        )
    wall = canonical.occupancy[0] > 0.5
    own = [displacement_to_source(extend_beyond_wall(_frames_first(one), wall), canonical) for one in decoded]
    if len(own) == 1:
        return SliceMotion(own[0])
    stacked = np.stack(own)
    return SliceMotion(stacked.mean(axis=0, dtype=np.float64).astype(np.float32), stacked)


def _frames_first(channels_first: Array) -> Array:
    return np.moveaxis(channels_first, 0, 1)


def _settings(
    model: LoadedModel,
    diffusion: bool | None,
    sampler: SamplerName | None,
    start: int | None,
    steps: int | None,
    samples: int | None,
) -> dict[str, Any]:
    if isinstance(model.network, BaselineModel):
        if diffusion or (samples or 1) > 1:
            raise LaMoDInputError(
                model.name, "it is a baseline, without diffusion or samples", "leave these options out"
            )
        return {"diffusion": False, "sampler": None, "start": None, "steps": None, "samples": 1}
    defaults = model.network.config.inference
    asked: dict[str, Any] = {"diffusion": diffusion, "sampler": sampler, "start": start, "steps": steps}
    asked["samples"] = samples
    chosen = replace(defaults, **{key: value for key, value in asked.items() if value is not None})
    last = model.network.config.schedule.steps
    if chosen.samples < 1:
        raise LaMoDInputError("--samples", f"{chosen.samples} is not a number of samples", "give 1 or more")
    if chosen.steps < 1:
        raise LaMoDInputError("--steps", f"{chosen.steps} is not a number of steps", "give 1 or more")
    if not 0 <= chosen.start <= last:
        raise LaMoDInputError("--start", f"{chosen.start} lies outside the schedule", f"give a step from 0 to {last}")
    if chosen.sampler not in SAMPLERS:
        raise LaMoDInputError("--sampler", f"there is no sampler {chosen.sampler!r}", f"choose {' or '.join(SAMPLERS)}")
    return {
        "diffusion": chosen.diffusion,
        "sampler": chosen.sampler if chosen.diffusion else None,
        "start": chosen.start if chosen.diffusion else None,
        "steps": (chosen.start if chosen.sampler == "ddpm" else chosen.steps) if chosen.diffusion else None,
        "samples": chosen.samples if chosen.diffusion else 1,
    }
