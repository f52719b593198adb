"""Time and memory of a training step in each stage of `lamod train` and `lamod train-posterior` on this machine.

    python -m experiments.speed.training_steps [--preset laptop] [--steps 8] [--threads 2]

The stages of the preset run on eight synthetic slices, that of the estimate from contours on random contours; the first
step of each is not timed. Prints a Markdown table. The memory is the peak of the process until the end of the stage.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from LaMoDCore.benchmarks.timing import load_line, peak_memory_mib
from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.ring.motion_basis import TERMS
from LaMoDCore.models.folder import lamod_network, load_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.phantom.cohort.cases import canonical_case
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.data.cache import cache_of_cases
from LaMoDCore.training.loop.engine import make_fabric
from LaMoDCore.training.loop.fit import fit
from LaMoDCore.training.loop.loop_stage import LoopStage
from LaMoDCore.training.loop.slice_stage import slice_stages
from LaMoDCore.training.networks.stage_plan import stages_of
from LaMoDCore.training.posterior.contour_bank import ContourBank
from LaMoDCore.training.posterior.contour_stage import ContourStage, ContourTraining
from LaMoDCore.training.posterior.train import PosteriorConfig, untrained_posterior
from LaMoDCore.training.run.folder import unrecorded
from LaMoDCore.training.run.settings import PRESETS

_SUBJECTS, _SEED = 2, 11


class _Steps(Progress):
    """Wall and CPU time at every step."""

    def __init__(self) -> None:
        super().__init__("none")
        self.times: list[tuple[float, float]] = []

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        self.times.append((time.perf_counter(), time.process_time()))

    def mean(self) -> tuple[float, float]:
        """Seconds per step, without the first."""
        first, last = self.times[0], self.times[-1]
        count = max(len(self.times) - 1, 1)
        return (last[0] - first[0]) / count, (last[1] - first[1]) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=list(PRESETS), default="laptop")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{load_line()}, {args.threads} thread(s), PyTorch {torch.__version__}\n")
    print("| command | stage | slices per step | wall | CPU | peak memory |\n| --- | --- | ---: | ---: | ---: | ---: |")
    for command, stage, size, model in (*_of_preset(args.preset, args.steps), *_of_posterior(args.steps)):
        steps = _Steps()
        fit(model, [stage], unrecorded(), make_fabric(torch.device("cpu"), bf16=True), identity={}, progress=steps)
        wall, cpu = steps.mean()
        peak = peak_memory_mib()
        memory = "–" if peak is None else f"{peak:.0f} MiB"
        print(f"| {command} | {stage.name} | {size} | {wall:.3f} s | {cpu:.3f} s | {memory} |", flush=True)


def _of_preset(preset: str, steps: int) -> Iterator[tuple[str, LoopStage, int, nn.Module]]:
    recipe = CohortRecipe(count=_SUBJECTS, seed=_SEED)
    cases = [
        canonical_case(plane, f"{number}-{n}", (_SEED, number, n), annotated=True, trabeculae_mm=recipe.trabeculae_mm)
        for number in range(_SUBJECTS)
        for n, plane in enumerate(recipe.subject(number).slices())
    ]
    cache, config = cache_of_cases(cases), PRESETS[preset]
    size = min(config.batch_size, len(cases))
    epochs = -(-steps // (len(cases) // size))
    model = LaMoDModel(config.model)
    wanted = [(stage, epochs) for stage, chosen in stages_of(config) if chosen]
    for stage in slice_stages(model, wanted, cache, config, make_fabric(torch.device("cpu"), bf16=config.bf16)):
        yield f"lamod train --preset {preset}", stage, size, model


def _of_posterior(steps: int) -> Iterator[tuple[str, LoopStage, int, nn.Module]]:
    config = PosteriorConfig()
    training = ContourTraining(least_steps=steps, most_steps=steps, validations=1)
    stage = ContourStage([_contours(1000, 0)], _contours(100, 1), training)
    model = untrained_posterior(lamod_network(load_model()), config)
    yield "lamod train-posterior", stage, training.batch_size, model


def _contours(count: int, seed: int) -> ContourBank:
    rng = np.random.default_rng(seed)

    def drawn(shape: Sequence[int], scale: float) -> np.ndarray:
        values = rng.standard_normal((count, *shape, 2)) @ np.array([1, 1j])
        return np.asarray(scale * values, dtype=np.complex64)

    radius = np.full(count, 28, dtype=np.float32)
    return ContourBank(20 + drawn((FRAMES, 19), 1.0), drawn((FRAMES, TERMS), 0.1), radius, np.arange(count) % 4)


if __name__ == "__main__":
    main()
