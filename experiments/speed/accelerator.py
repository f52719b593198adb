"""Latency of one slice, slices per second and memory of predictions on an accelerator; takes less than five minutes.

    python -m experiments.speed.accelerator [--device cuda] [--slices 40] [--seconds 60]

Prints a Markdown table: `predict_strain` of one slice with one sample and with eight; of a heart of `--slices` slices;
the networks alone (E_R, D_η and the sampler with eight samples) in batches of 1, 2, 4 … slices, with the peak of the
device's memory. Before, the self-check compares the device with the CPU. With `--device cpu` the same runs without an
accelerator, which tests the script.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from LaMoDCore import load_case, load_model, predict_strain
from LaMoDCore.benchmarks.timing import load_line
from LaMoDCore.benchmarks.whole_heart import HeartSize, write_heart
from LaMoDCore.heart.canonical import to_canonical
from LaMoDCore.heart.case import Case
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.models.folder import LoadedModel, lamod_network
from LaMoDCore.networks.motion_latent import RingView
from LaMoDCore.prediction.device_check import fault_of
from LaMoDCore.prediction.predict import MOST_AT_ONCE
from LaMoDCore.prediction.slice_motion import decoded_slices

SAMPLES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--slices", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60, help="most time for each measurement")
    args = parser.parse_args()
    device = torch.device(args.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("this computer has no CUDA device: not run")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(f"{name}, PyTorch {torch.__version__}, {load_line()}")
    print(f"self-check: {fault_of(device) or 'passed'}\n")
    with tempfile.TemporaryDirectory() as folder:
        write_heart(Path(folder) / "masks.seq.nrrd", HeartSize(args.slices))
        heart = load_case(Path(folder) / "masks.seq.nrrd", labels="myo=2,lv=3")
    model = load_model(device=device)
    print("| what | seconds | slices per second | device memory |\n| --- | ---: | ---: | ---: |")
    one = Case(heart.slices[:1], heart.reference_frame)
    for case, samples in ((one, 1), (one, SAMPLES), (heart, SAMPLES)):
        slices = len(case.slices)
        text = f"predict_strain, slices: {slices}, samples: {samples}"
        _measure(text, slices, lambda c=case, n=samples: predict_strain(c, model, samples=n), args.seconds, device)
    for count in _batches(args.slices):
        _networks(heart.slices[:count], heart.reference_frame, model, args.seconds, device)


def _batches(most: int) -> list[int]:
    """1, 2, 4 … up to twice the batches of a prediction."""
    sizes = [1]
    while sizes[-1] < 2 * MOST_AT_ONCE and 2 * sizes[-1] <= most:
        sizes.append(2 * sizes[-1])
    return sizes


def _networks(slices: Sequence, reference: int, model: LoadedModel, seconds: float, device: torch.device) -> None:  # type: ignore[type-arg]
    """The networks and the sampler for one batch of slices."""
    network = lamod_network(model)
    latent_network = network.motion_latent
    assert latent_network is not None
    canonicals = [to_canonical(slice_, reference) for slice_ in slices]
    coordinates = [RingCoordinates.of(each.occupancy[0]) for each in canonicals]
    with torch.inference_mode():
        decoded = decoded_slices(network, slices, canonicals, coordinates)
        views = RingView.of_slices([each.view for each in decoded])
        masks = torch.stack([torch.from_numpy(each.occupancy)[None] for each in canonicals]).to(device)

        def run() -> None:
            network.decode(network.normalise(network.encode(masks)))
            generator = torch.Generator().manual_seed(0)
            latent_network.sample_slices(views, SAMPLES, network.config.schedule, generator)

        _measure(f"networks and sampler, batch of {len(slices)}", len(slices), run, seconds, device)


def _measure(text: str, slices: int, work: Callable[[], object], seconds: float, device: torch.device) -> None:
    """Print the median time of up to twenty runs after one that warms up."""

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    began = time.perf_counter()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    work()
    finish()
    times: list[float] = []
    while len(times) < 20 and (not times or time.perf_counter() - began < seconds):
        start = time.perf_counter()
        work()
        finish()
        times.append(time.perf_counter() - start)
    taken = statistics.median(times)
    memory = f"{torch.cuda.max_memory_allocated(device) / 2**20:.0f} MiB" if device.type == "cuda" else "–"
    print(f"| {text} | {taken:.3f} | {slices / taken:.1f} | {memory} |", flush=True)


if __name__ == "__main__":
    main()
