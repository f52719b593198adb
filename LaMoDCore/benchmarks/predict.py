"""Time of each part of a prediction of one slice, and of the whole prediction with one sample and with eight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch

from LaMoDCore.benchmarks.timing import Duration, best_of_each, peak_memory_mib
from LaMoDCore.heart.canonical import displacement_to_source, to_canonical
from LaMoDCore.heart.case import Case, CineSlice, SliceMotion
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.outside_wall import extend_beyond_wall
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.models.folder import LoadedModel, lamod_network, load_model
from LaMoDCore.networks.motion_latent import ring_view
from LaMoDCore.phantom import demo_case
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.prediction.samples import expected_motion_and_samples
from LaMoDCore.strain import slice_strain

SAMPLES = 8
#: Batch size for the throughput on a GPU.
BATCH = 16


def report(repeats: int) -> Iterator[str]:
    """Yield the lines of the tables, for the default model on the CPU and, if there is one, on a GPU."""
    heart = demo_case()
    slice_ = heart.slices[len(heart.slices) // 2]
    case = Case((slice_,), heart.reference_frame, heart.rv_insertion_lps)
    yield f"one slice, {slice_.frames} frames of {slice_.grid.shape[0]} × {slice_.grid.shape[1]} pixels"
    for device in _devices():
        model = load_model(device=device)
        yield ""
        yield f"| {model.name} on {device} | time |"
        yield "| --- | --- |"
        finish = torch.cuda.synchronize if device == "cuda" else (lambda: None)
        for part, duration in _parts(slice_, case.reference_frame, model, repeats, finish):
            yield f"| {part} | {duration} |"
        wholes = [1, SAMPLES] if lamod_network(model).motion_latent is not None else [1]
        works = [partial(predict_strain, case, model, samples=count) for count in wholes]
        for count, duration in zip(wholes, best_of_each(works, repeats, finish), strict=True):
            yield f"| predict_strain, {count} sample{'s' if count > 1 else ''} | {duration} |"
        if device == "cuda":
            yield f"| slices per second, batches of {BATCH} | {_throughput(model, slice_, repeats, finish):.0f} |"
    yield ""
    if (peak := peak_memory_mib()) is not None:
        yield f"peak memory of this process: {peak:.0f} MiB"


def _devices() -> list[str]:
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def _parts(
    slice_: CineSlice, reference: int, model: LoadedModel, repeats: int, finish: Callable[[], None]
) -> Iterator[tuple[str, Duration]]:
    """Time each part separately, on the output of the preceding parts."""
    network = lamod_network(model)
    device = next(network.parameters()).device
    latent_network = network.motion_latent
    with torch.inference_mode():
        canonical = to_canonical(slice_, reference)
        masks = torch.from_numpy(canonical.occupancy)[None, None].to(device)
        latent = network.normalise(network.encode(masks))
        moved = network.decode(latent)[0].transpose(0, 1).float().cpu().numpy()
        wall = canonical.occupancy[0] > 0.5
        extended = extend_beyond_wall(moved, wall)
        own = displacement_to_source(extended, canonical)
        coordinates = RingCoordinates.of(canonical.occupancy[0])

        def by_contours() -> Array | None:
            return network.motion_by_contours(network.ring_contours(canonical.occupancy), coordinates, moved, 0)

        view = ring_view(latent[0, : network.config.latent_channels], moved, coordinates, by_contours())
        works: dict[str, Callable[[], object]] = {
            "masks to the canonical grid": lambda: to_canonical(slice_, reference),
            "E_R": lambda: network.encode(masks),
            "D_η and its spline": lambda: network.decode(latent),
            "extension beyond the wall": lambda: extend_beyond_wall(moved, wall),
            "back to the slice's pixels": lambda: displacement_to_source(extended, canonical),
            "strain": lambda: slice_strain(slice_, SliceMotion(own), reference),
        }
        if latent_network is not None:

            def draw() -> torch.Tensor:
                return latent_network.sample(
                    view,
                    SAMPLES,
                    network.config.schedule,
                    torch.Generator().manual_seed(0),
                    steps=network.config.inference.steps,
                )

            relative = latent_network.centred_samples(draw())
            expected = latent_network.expected_relative(view)
            _, samples = expected_motion_and_samples(own, moved, expected, relative, coordinates, canonical)
            works |= {
                "motion from contours alone": by_contours,
                "ring coordinates and condition": lambda: ring_view(
                    latent[0, : network.config.latent_channels],
                    moved,
                    RingCoordinates.of(canonical.occupancy[0]),
                ),
                f"motion latent, {SAMPLES} samples": draw,
                f"{SAMPLES} samples on the slice's pixels": lambda: np.asarray(samples),
                f"strain with {SAMPLES} samples": lambda: slice_strain(slice_, SliceMotion(own, samples), reference),
            }
        yield from zip(works, best_of_each(list(works.values()), repeats, finish), strict=True)


def _throughput(model: LoadedModel, slice_: CineSlice, repeats: int, finish: Callable[[], None]) -> float:
    """Slices per second through the networks alone, in batches."""
    network = lamod_network(model)
    device = next(network.parameters()).device
    with torch.inference_mode():
        masks = torch.from_numpy(to_canonical(slice_).occupancy)[None, None].to(device)
        batch = masks.expand(BATCH, -1, -1, -1, -1).contiguous()
        taken = best_of_each([lambda: network.decode(network.normalise(network.encode(batch)))], repeats, finish)[0]
    return BATCH / taken.wall
