"""The complete prediction of a case: masks -> z -> ẑ -> displacement -> strain."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from LaMoDCore import __version__
from LaMoDCore.function.summary import function_summary
from LaMoDCore.heart.case import Case, Motion, SliceStrain, StrainResult
from LaMoDCore.models.folder import DEFAULT_MODEL, LoadedModel, load_model
from LaMoDCore.networks.diffusion import SamplerName
from LaMoDCore.networks.lamod import SpaceName
from LaMoDCore.prediction.device_check import choose_device
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.prediction.slice_motion import SlicePrediction, predict_slice
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.strain import end_systole, quality_notes, slice_strain, summarise
from LaMoDCore.uncertainty.intervals import calibrated, calibration_of, unlike_training_notes, with_uncertainty


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

    Options that are None take the model's default.

    Args:
        case: a case returned by `load_case`.
        model: name or folder of a model, or a loaded model.
        device: auto, cpu, cuda, cuda:N or mps; ignored for a loaded model.
        diffusion: False decodes z⁽⁰⁾ as E_R computes it. None is False also for a model whose default is Algorithm 1
            and whose denoiser was not trained with the encoder (`denoiser_fits`).
        space: "motion" samples around the decoder's prediction, "registration" is Algorithm 1 on z⁽⁰⁾.
        sampler: "ddim" or "ddpm".
        start: diffusion step to which z⁽⁰⁾ is noised ("registration" only).
        steps: number of DDIM steps.
        samples: number of latents drawn; their standard deviation is the uncertainty. 1 gives the prediction alone.
        seed: random seed, the same for every slice, so that a slice's numbers do not depend on the others.
        progress: receives the device and the reason for it, then each stage of each slice.

    Returns:
        Displacement, strain, curves and summary.

    Raises:
        LaMoDInputError: an option, the model or the case cannot be used.
    """
    if isinstance(model, LoadedModel):
        loaded, reason = model, "given model"
    else:
        chosen, reason = choose_device(device)
        loaded = load_model(model, chosen)
    progress.update("device", 0.0, reason)
    options = resolve_options(
        loaded, diffusion=diffusion, space=space, sampler=sampler, start=start, steps=steps, samples=samples
    )
    calibration = calibration_of(loaded.description, loaded.name)
    predictions: list[SlicePrediction] = []
    strains: list[SliceStrain] = []
    seconds = dict.fromkeys(("motion", "strain"), 0.0)
    for index, slice_ in enumerate(case.slices):
        done = index / len(case.slices)
        progress.update("motion", done, f"{slice_.name}: predicting motion")
        began = time.perf_counter()
        insertion = case.insertion_of(slice_)
        predictions.append(predict_slice(slice_, case.reference_frame, loaded, options, seed, insertion))
        seconds["motion"] += time.perf_counter() - began
        progress.update("strain", done + 0.7 / len(case.slices), f"{slice_.name}: computing strain")
        began = time.perf_counter()
        motion = predictions[-1].motion
        strain = slice_strain(slice_, motion, case.reference_frame, case.rv_insertion_lps, walls_known=case.walls_known)
        strains.append(calibrated(strain, slice_, case.reference_frame, calibration, options.samples))
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
        **asdict(options),
        "contours": contour_provenance(case),
        "inputs": [{"name": record.name, "sha256": record.sha256} for record in case.inputs],
    }
    whole = Motion(tuple(prediction.motion for prediction in predictions), {"seconds": seconds, **provenance})
    flags = [prediction.unlike_training for prediction in predictions]
    summary = with_uncertainty(summarise(case, strains, es_frame), flags, calibration, options.samples)
    function, thickness, function_notes = function_summary(case, es_frame)
    summary["function"] = function
    for part, rows in zip(summary["slices"], thickness, strict=True):
        part["thickness"] = rows
    findings = (
        *unlike_training_notes(case, flags),
        *quality_notes(case, whole, strains, es_frame),
        *function_notes,
    )
    progress.update("done", 1.0, "motion and strain predicted")
    return StrainResult(case, whole, tuple(strains), es_frame, {**summary, "provenance": provenance}, findings)


def contour_provenance(case: Case) -> dict[str, Any] | None:
    """Engine, hash, licence and review of automatic contours, for the provenance; None if a person drew them.

    They are reviewed if a person accepted them on every slice, including those used for volumes only.
    """
    origins = [s.contour_origin for s in case.slices if s.contour_origin is not None]
    if not origins:
        return None
    first = origins[0]
    of_volumes = [s.contour_origin for s in case.volume_slices if s.contour_origin is not None]
    return {
        "engine": first.engine,
        "engine_sha256": first.engine_sha256,
        "licence": first.licence,
        "convention": first.convention,
        "reviewed": all(origin.is_reviewed for origin in (*origins, *of_volumes)),
        "slices": len(origins),
    }
