"""Algorithm 1 with a converged ε_θ: what diffusion of the latent of a fixed encoder adds to or costs the prediction.

    python -m experiments.training.converged_diffusion --data DATASET --out DIR [--model NAME|DIR] [--hours 1]
        [--trials velocity-zero,noise-linear,...] [--evaluate] [--count 48] [--seeds 3]

Encodes all slices of the dataset once, then trains a denoiser for each trial on the latents of exact masks of training
slices until its validation loss stops falling, or for `--hours` in this call. A further call resumes. With
`--evaluate`, latents of test slices are noised to a start step, denoised, and decoded by the model's own D_η. EPE in mm
over measured blocks and all frames. Controls: z as encoded, its mean over training slices, zero, noise K(ε) alone.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from experiments.training.algorithm_1 import latents
from experiments.training.diffusion_variants import decoded_error
from LaMoDCore.heart.geometry import Array
from LaMoDCore.models.folder import lamod_network, load_model
from LaMoDCore.networks.denoiser import Denoiser
from LaMoDCore.networks.diffusion import NoiseSchedule, SmoothNoise
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.atomic import replaced_file
from LaMoDCore.training.data.cache import TrainingCache, open_cache

_WIDTH, _BLOCKS, _BATCH, _RATE = 48, 3, 8, 1e-3
#: Steps from one validation to the next, and validations without a better one after which a trial is converged.
_INTERVAL, _PATIENCE = 500, 8


@dataclass(frozen=True)
class Trial:
    """A parametrisation and schedule of the diffusion.

    Attributes:
        name: in the tables.
        velocity: predict v = √ᾱ ε − √(1−ᾱ) z instead of ε.
        zero_terminal: rescale the schedule so that nothing of z is left at M (Lin et al. 2024, algorithm 1).
        last: the last step M of the schedule of 500 that is used.
        noise: K.
    """

    name: str
    velocity: bool
    zero_terminal: bool = False
    last: int = 500
    noise: SmoothNoise = SmoothNoise(1.0, 1.0)  # noqa: RUF009 - frozen

    def alpha_bar(self) -> Tensor:
        """ᾱ_0 … ᾱ_M, float32."""
        found = NoiseSchedule().alpha_bar()[: self.last + 1]
        if self.zero_terminal:
            root = found.sqrt()
            found = ((root - root[-1]) / (root[0] - root[-1])).square()
        return found.float()


TRIALS = {
    trial.name: trial
    for trial in (
        Trial("velocity-zero", velocity=True, zero_terminal=True),
        Trial("noise-linear", velocity=False),
        Trial("velocity-linear", velocity=True),
        Trial("noise-short", velocity=False, last=250),
        Trial("velocity-white", velocity=True, zero_terminal=True, noise=SmoothNoise(0.0, 0.0)),
    )
}


def split_prediction(trial: Trial, output: Tensor, noisy: Tensor, signal: Tensor) -> tuple[Tensor, Tensor]:
    """ẑ⁽⁰⁾ and ε̂ from the network's output; `signal` is ᾱ_m."""
    root, rest = signal.sqrt(), (1 - signal).sqrt()
    if trial.velocity:
        return root * noisy - rest * output, root * output + rest * noisy
    return (noisy - rest * output) / root, output


class Training:
    """Training of one trial, which continues where the last call stopped.

    Args:
        trial: what is trained.
        file: the checkpoint.
        train, val: normalised latents [S, C, T, H, W].
    """

    def __init__(self, trial: Trial, file: Path, train: Tensor, val: Tensor) -> None:
        torch.manual_seed(0)
        self.trial, self.file, self.train, self.val = trial, file, train, val
        self.network = Denoiser(train.shape[1], _WIDTH, _BLOCKS, 0.0).to(memory_format=torch.channels_last)
        self.average = Denoiser(train.shape[1], _WIDTH, _BLOCKS, 0.0).eval().requires_grad_(False)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=_RATE)
        self.alpha_bar = trial.alpha_bar()
        self.step, self.best, self.waited, self.losses = 0, float("inf"), 0, []
        self.best_weights = self.network.state_dict()
        if file.exists():
            self._restore()

    def _restore(self) -> None:
        state = torch.load(self.file, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best_weights = state["best_weights"]
        for name in ("step", "best", "waited", "losses"):
            setattr(self, name, state[name])

    def save(self) -> None:
        state = {name: getattr(self, name) for name in ("step", "best", "waited", "losses", "best_weights")}
        state |= {name: getattr(self, name).state_dict() for name in ("network", "average", "optimiser")}
        with replaced_file(self.file) as beside:
            torch.save(state, beside)

    @property
    def converged(self) -> bool:
        return self.waited >= _PATIENCE

    def run(self, until: float) -> None:
        """Train until convergence or a time of the monotonic clock."""
        while not self.converged and time.monotonic() < until:
            generator = torch.Generator().manual_seed(self.step)
            chosen = torch.randint(0, len(self.train), (_BATCH,), generator=generator)
            loss = self._loss(self.network, self.train[chosen].float(), generator)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            for group in self.optimiser.param_groups:
                group["lr"] = _RATE * min(1.0, (self.step + 1) / 200) / (1 + self.step / 5000)
            self.optimiser.step()
            with torch.no_grad():
                for kept, learning in zip(self.average.parameters(), self.network.parameters(), strict=True):
                    kept.lerp_(learning, 1 - min(0.998, (1 + self.step) / (10 + self.step)))
            self.step += 1
            if self.step % _INTERVAL == 0:
                self._validate(float(loss.detach()))
        self.save()

    def _loss(self, network: Denoiser, clean: Tensor, generator: torch.Generator) -> Tensor:
        step = torch.randint(1, len(self.alpha_bar), (len(clean),), generator=generator)
        noise = self.trial.noise.sample(tuple(clean.shape), generator)
        signal = self.alpha_bar[step].view(-1, 1, 1, 1, 1)
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        target = signal.sqrt() * noise - (1 - signal).sqrt() * clean if self.trial.velocity else noise
        with torch.autocast("cpu", torch.bfloat16):
            found = network(noisy, step)
        return functional.mse_loss(found.float(), target)

    @torch.no_grad()
    def _validate(self, last: float) -> None:
        generator = torch.Generator().manual_seed(1)
        parts = torch.split(self.val.float(), _BATCH)
        loss = float(np.mean([float(self._loss(self.average, part, generator)) for part in parts]))
        self.losses.append((self.step, loss))
        self.waited += 1
        if loss < self.best * 0.999:
            self.best, self.waited = loss, 0
            self.best_weights = {name: value.clone() for name, value in self.average.state_dict().items()}
        print(f"{self.trial.name}: step {self.step}, training {last:.4f}, validation {loss:.4f}", flush=True)
        self.save()

    def denoiser(self) -> Denoiser:
        """The averaged weights with the lowest validation loss."""
        self.average.load_state_dict(self.best_weights)
        return self.average


@torch.inference_mode()
def algorithm_1(
    trial: Trial, denoiser: Denoiser, clean: Tensor, start: int, generator: torch.Generator, *, steps: int = 0
) -> Tensor:
    """Noise latents to `start` and denoise them, with every ancestral step of (8), or `steps` steps of DDIM."""
    alpha_bar = trial.alpha_bar()
    shape = tuple(clean.shape)
    noisy = alpha_bar[start].sqrt() * clean + (1 - alpha_bar[start]).sqrt() * trial.noise.sample(shape, generator)
    path = list(range(start, -1, -1))
    if steps:
        path = sorted({round(v) for v in np.linspace(0, start, min(steps, start) + 1)}, reverse=True)
    for now, after in pairwise(path):
        with torch.autocast("cpu", torch.bfloat16):
            output = denoiser(noisy, torch.full((len(noisy),), now))
        estimate, noise = split_prediction(trial, output.float(), noisy, alpha_bar[now])
        before, current = alpha_bar[after], alpha_bar[now]
        if steps:
            noisy = before.sqrt() * estimate + (1 - before).sqrt() * noise
            continue
        alpha = current / before
        mean = before.sqrt() * (1 - alpha) / (1 - current) * estimate
        mean = mean + alpha.sqrt() * (1 - before) / (1 - current) * noisy
        sigma = ((1 - before) / (1 - current) * (1 - alpha)).sqrt()
        noisy = mean + sigma * trial.noise.sample(shape, generator) if after else mean
    return noisy


def encoded(args: argparse.Namespace, network: LaMoDModel, cache: TrainingCache) -> dict[str, Tensor]:
    """Latents of every slice, computed once: "train" and "val" from exact masks, "drawn" and "clean" of test slices."""
    file = args.out / "latents.pt"
    if not file.exists():
        own = {split: cache.indices(split, with_motion=True) for split in ("train", "val", "test")}
        found = {split: latents(network, cache, own[split], "clean").half() for split in ("train", "val")}
        found |= {name: latents(network, cache, own["test"], name).half() for name in ("occupancy", "clean")}
        with replaced_file(file) as beside:
            torch.save(found, beside)
    loaded: dict[str, Tensor] = torch.load(file, weights_only=True)
    return loaded


def evaluate(
    args: argparse.Namespace, network: LaMoDModel, cache: TrainingCache, z: dict[str, Tensor], trials: list[Training]
) -> None:
    """Print and store the table."""
    own = cache.indices("test", with_motion=True)
    chosen = np.linspace(0, len(own) - 1, min(args.count, len(own))).astype(int)
    channels = network.config.latent_channels
    rows: dict[str, dict[str, list[float]]] = {}

    def score(name: str, learned: Tensor, source: str) -> None:
        whole = torch.cat([learned, z[source][chosen, channels:].float()], dim=1)
        with torch.inference_mode():
            errors = [decoded_error(network, cache, own[k], whole[i : i + 1])[0] for i, k in enumerate(chosen)]
        rows.setdefault(name, {}).setdefault(source, []).extend(errors)
        print(f"{name}, {source}: {_mean(np.array(errors))}", flush=True)

    for source in ("occupancy", "clean"):
        own_z = z[source][chosen, :channels].float()
        score("z as encoded", own_z, source)
        score("mean of z over training slices", z["train"][:, :channels].float().mean(0).expand_as(own_z), source)
        score("zero", torch.zeros_like(own_z), source)
        for seed in range(args.seeds):
            generator = torch.Generator().manual_seed(100 + seed)
            score("noise K(ε) alone", SmoothNoise().sample(tuple(own_z.shape), generator), source)
        for training in trials:
            last = training.trial.last
            for start in sorted({start for start in (10, 50, 100, 200, last) if start <= last}):
                for seed in range(args.seeds):
                    generator = torch.Generator().manual_seed(seed)
                    moved = algorithm_1(
                        training.trial, training.denoiser(), own_z, start, generator, steps=0 if start == last else 25
                    )
                    how = "every ancestral step" if start == last else "25 DDIM steps"
                    score(f"{training.trial.name}, start {start}, {how}", moved, source)
    (args.out / "scores.json").write_text(json.dumps(rows), encoding="utf-8")
    print("| latent | EPE, drawn masks | EPE, exact masks |\n| --- | --- | --- |")
    for name, by_source in rows.items():
        print(f"| {name} | {' | '.join(_mean(np.array(by_source[s])) for s in ('occupancy', 'clean'))} |")


def _mean(errors: Array) -> str:
    return f"{errors.mean():.3f} ± {errors.std(ddof=1) / np.sqrt(len(errors)):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="lamod-phantom-v1")
    parser.add_argument("--trials", default=",".join(TRIALS))
    parser.add_argument("--hours", type=float, default=1.0, help="training time of this call, shared by the trials")
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--count", type=int, default=48, help="test slices")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    network = lamod_network(load_model(args.model))
    cache = open_cache(args.data, args.out / "cache")
    z = encoded(args, network, cache)
    channels = network.config.latent_channels
    names = args.trials.split(",")
    until = time.monotonic()
    made = []
    for name in names:
        training = Training(TRIALS[name], args.out / f"{name}.pt", z["train"][:, :channels], z["val"][:, :channels])
        until += 3600 * args.hours / len(names)
        training.run(until)
        state = "converged" if training.converged else "not converged"
        print(f"{name}: {training.step} steps, validation {training.best:.4f}, {state}", flush=True)
        made.append(training)
    if args.evaluate:
        evaluate(args, network, cache, z, made)


if __name__ == "__main__":
    main()
