"""The complete prediction of a case: masks -> z -> ẑ -> displacement -> strain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any, Literal

import torch

from LaMoDCore import __version__
from LaMoDCore.baselines import BaselineModel
from LaMoDCore.function.summary import function_summary
from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceStrain, StrainResult
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.networks.diffusion import SamplerName
from LaMoDCore.networks.lamod import SpaceName
from LaMoDCore.prediction.conventions import convention_notes, with_conventions
from LaMoDCore.prediction.device_check import choose_device
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.prediction.slice_motion import SlicePrediction, predict_slices
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.runtime.threads import MOST_THREADS, in_order, one_thread_per_operation, thread_count
from LaMoDCore.strain import end_systole, quality_notes, slice_strain, summarise
from LaMoDCore.uncertainty.global_intervals import with_global_intervals
from LaMoDCore.uncertainty.intervals import calibrated, calibration_of, unlike_training_notes, with_uncertainty

#: Slices in one batch on an accelerator.
MOST_AT_ONCE = 8


def predict_strain(
    case: Case,
    model: str | Path | LoadedModel = DEFAULT_MODEL,
    *,
    device: str = "auto",
    diffusion: bool | None = None,
    space: SpaceName | None = None,
    sampler: SamplerName | None = None,
    start: int | Literal["last"] | None = None,
    steps: int | None = None,
    samples: int | None = None,
    independent_samples: bool = False,
    seed: int = 0,
    contour_convention: str | Sequence[str] | None = None,
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
        start: diffusion step to which z⁽⁰⁾ is noised ("registration" only); "last" for that of the model's schedule,
            as Algorithm 1 is printed.
        steps: number of DDIM steps.
        samples: number of latents drawn; their standard deviation is the uncertainty. 1 gives the prediction alone. A
            calibrated model draws at least as many as it was calibrated with.
        independent_samples: draw independent samples, as scores such as the CRPS assume, instead of balanced ones,
            whose spread varies less.
        seed: random seed, the same for every slice, so that a slice's numbers do not depend on the others.
        contour_convention: auto, blood-pool or tissue, for all slices or one for each; None takes that of each slice
            (`CineSlice.contour_convention`). auto lets the model infer it.
        progress: receives the device and the reason for it, then each stage of each slice.

    Returns:
        Displacement, strain, curves and summary.

    Raises:
        LaMoDInputError: an option, the model or the case cannot be used.
    """
    case = with_conventions(case, contour_convention)
    if isinstance(model, LoadedModel):
        loaded, reason = model, "given model"
    else:
        chosen, reason = choose_device(device)
        loaded = load_model(model, chosen)
    progress.update("device", 0.0, reason)
    options = resolve_options(
        loaded, diffusion=diffusion, space=space, sampler=sampler, start=start, steps=steps, samples=samples,
        independent=independent_samples,
    )  # fmt: skip
    calibration = calibration_of(loaded.description, loaded.name)

    def of_slices(slices: Sequence[CineSlice]) -> tuple[list[SlicePrediction], list[SliceStrain], float, float]:
        """Motion and strain of slices that pass through the networks together, and the seconds that each took."""
        began = time.perf_counter()
        insertions = [case.insertion_of(slice_) for slice_ in slices]
        predicted = predict_slices(slices, case.reference_frame, loaded, options, seed, insertions)
        between = time.perf_counter()
        found = [
            slice_strain(slice_, each.motion, case.reference_frame, case.rv_insertion_lps, walls_known=case.walls_known)
            for slice_, each in zip(slices, predicted, strict=True)
        ]
        found = [calibrated(s, c, case.reference_frame, calibration) for s, c in zip(found, slices, strict=True)]
        return predicted, found, between - began, time.perf_counter() - between

    network_device = next(loaded.network.parameters()).device
    predictions: list[SlicePrediction] = []
    strains: list[SliceStrain] = []
    seconds = dict.fromkeys(("motion", "strain"), 0.0)
    # The networks of the baselines are large enough to use all threads themselves.
    alone = isinstance(loaded.network, BaselineModel)
    groups, threads = batches_of(case.slices, network_device)
    threads = 1 if alone else threads
    progress.update("motion", 0.0, f"{case.slices[0].name}: predicting motion and strain")
    with nullcontext() if alone else one_thread_per_operation():
        threads_each = torch.get_num_threads()
        for several, several_strains, motion_seconds, strain_seconds in in_order(of_slices, groups, threads):
            predictions += several
            strains += several_strains
            seconds["motion"] += motion_seconds
            seconds["strain"] += strain_seconds
            done = len(strains)
            named = case.slices[min(done, len(case.slices) - 1)].name
            progress.update("motion", done / len(case.slices), f"{named}: predicting motion and strain")
    es_frame = end_systole(case)
    provenance = {
        "lamod_version": __version__,
        "model": loaded.name,
        "model_sha256": loaded.weights_sha256,
        "device": str(network_device),
        "device_reason": reason,
        "threads": threads_each,  # of one operation, whatever the number of slices that are predicted at a time
        "torch_version": str(torch.__version__),  # a plain string, as readers of a pickle may lack torch
        "seed": seed,
        **asdict(options),
        "contours": contour_provenance(case),
        "inputs": [{"name": record.name, "sha256": record.sha256} for record in case.inputs],
    }
    whole = Motion(tuple(prediction.motion for prediction in predictions), {"seconds": seconds, **provenance})
    flags = [prediction.unlike_training for prediction in predictions]
    summary = with_uncertainty(summarise(case, strains, es_frame), flags, calibration, options.samples)
    summary = with_global_intervals(summary, case, strains, es_frame, calibration)
    function, thickness, function_notes = function_summary(case, es_frame)
    summary["function"] = function
    conventions = tuple(prediction.convention for prediction in predictions)
    for part, rows, convention in zip(summary["slices"], thickness, conventions, strict=True):
        part["thickness"] = rows
        part["contour_convention"] = convention.to_dict()
    findings = (
        *convention_notes(case, conventions, loaded),
        *unlike_training_notes(case, flags),
        *quality_notes(case, whole, strains, es_frame),
        *function_notes,
    )
    progress.update("done", 1.0, "motion and strain predicted")
    summary = {**summary, "provenance": provenance}
    return StrainResult(case, whole, tuple(strains), es_frame, summary, findings, conventions)


def batches_of(slices: Sequence[CineSlice], device: torch.device) -> tuple[list[Sequence[CineSlice]], int]:
    """Divide slices into batches that pass through the networks together.

    Single slices on the CPU, where larger batches are not faster. On an accelerator up to `MOST_AT_ONCE` slices, which
    with CUDA are divided among `MOST_THREADS` threads; MPS must be used by one thread. The batches, and with them the
    results, do not depend on the number of cores, and at most `MOST_THREADS` batches are in memory at a time.

    Returns:
        The batches in the order of the slices, and the number of threads.
    """
    at_a_time = 1 if device.type == "mps" else MOST_THREADS
    size = 1 if device.type == "cpu" else min(MOST_AT_ONCE, ceil(len(slices) / at_a_time))
    threads = min(at_a_time, thread_count(ceil(len(slices) / size)))
    return [slices[first : first + size] for first in range(0, len(slices), size)], threads


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
