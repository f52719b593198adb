"""Algorithm 1 with a converged ε_θ: what diffusion of the latent of a fixed encoder adds to or costs the prediction.

    python -m experiments.training.converged_diffusion --data DATASET --out DIR [--test DATASET] [--model NAME|DIR]
        [--hours 1] [--trials velocity-zero,noise-linear,...] [--evaluate] [--subjects 24] [--seeds 3]

Encodes all slices of the dataset once; test slices may come from another one. For each trial a denoiser is trained on
the latents of exact masks of training slices, until the validation loss has not fallen for `_PATIENCE` validations, or
for `--hours` in this call; a further call resumes. A denoiser is the best linear one in closed form
(`gaussian_denoiser`) plus a video network that learns the remainder in the trial's own parametrisation, so that it
converges within thousands of steps; the trials `linear-*` are the closed form alone.

With `--evaluate`, latents of one slice of each test subject are noised to a start step, denoised, and decoded by the
model's own D_η, from exact masks, masks with reader errors, the same with every frame displaced by about 1.2 mm, and
the same drawn in 12 of 40 frames. EPE in mm over measured blocks and all frames. Controls: z as encoded, its mean over
training slices, zero (the geometric channels remain), zero without them, z without them, noise K(ε) alone. Rows that
are already in DIR/scores.json are not computed again; the table is printed from it, with 95 % bootstrap intervals of
the paired difference to z as encoded over subjects.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.training.diffusion_variants import decoded_error
from experiments.training.gaussian_denoiser import GaussianDenoiser
from LaMoDCore.heart.canonical import FRAMES, contour_distances_mm, occupancy_from_distances, periodic_weights
from LaMoDCore.heart.geometry import Array
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import lamod_network, load_model
from LaMoDCore.networks.blocks import ResidualBlock, merge_frames, sinusoidal_embedding, split_frames
from LaMoDCore.networks.diffusion import NoiseSchedule, SmoothNoise
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.atomic import replaced_file
from LaMoDCore.training.data.cache import TrainingCache, open_cache
from LaMoDCore.training.loop.engine import computes_in_bfloat16

_WIDTH, _BLOCKS, _BATCH, _RATE = 96, 3, 16, 1e-3
#: Steps from one validation to the next; a trial is converged after so many validations without a better one.
_INTERVAL, _PATIENCE = 100, 10
#: The learning rate is halved after so many steps.
_HALVING = 1500
SOURCES = {"exact": "exact masks", "drawn": "drawn masks", "shifted": "frames displaced", "few": "12 frames"}


@dataclass(frozen=True)
class Trial:
    """A parametrisation and schedule of the diffusion.

    Attributes:
        name: in the tables.
        velocity: predict v = √ᾱ ε − √(1−ᾱ) z instead of ε.
        schedule: "linear", as in the paper's preset; "zero", the same, rescaled so that nothing of z is left at M (Lin
            et al. 2024, algorithm 1); "spectrum", evenly spaced in the logarithm of the signal-to-noise ratio, down to
            the one at which 1 % of the latents' energy exceeds the noise, as K leaves out fine structure of z.
        noise: K.
        learned: train the remainder; otherwise the closed form alone.
    """

    name: str
    velocity: bool
    schedule: str = "linear"
    noise: SmoothNoise = field(default_factory=lambda: SmoothNoise(1.0, 1.0))
    learned: bool = True

    @property
    def last(self) -> int:
        return NoiseSchedule().steps

    def alpha_bar(self, linear: GaussianDenoiser) -> Tensor:
        """ᾱ_0 … ᾱ_M, float32."""
        found = NoiseSchedule().alpha_bar()
        if self.schedule == "zero":
            root = found.sqrt()
            found = ((root - root[-1]) / (root[0] - root[-1])).square()
        if self.schedule == "spectrum":
            end = linear.last_alpha_bar()
            first = float(found[1])
            ratio = torch.linspace(np.log(first / (1 - first)), np.log(end / (1 - end)), self.last)
            found = torch.cat([torch.ones(1), torch.sigmoid(ratio)])
        return found.float()


TRIALS = {
    trial.name: trial
    for trial in (
        Trial("linear-noise", velocity=False, learned=False),
        Trial("linear-spectrum", velocity=True, schedule="spectrum", learned=False),
        Trial("noise-linear", velocity=False),
        Trial("velocity-zero", velocity=True, schedule="zero"),
        Trial("velocity-linear", velocity=True),
        Trial("velocity-spectrum", velocity=True, schedule="spectrum"),
        Trial("velocity-white", velocity=True, schedule="zero", noise=SmoothNoise(0.0, 0.0)),
    )
}


class Remainder(nn.Module):
    """What the closed form leaves: (z⁽ᵐ⁾, its ẑ⁽⁰⁾, m) -> a tensor of z's shape, computed at half its resolution.

    Args:
        channels: C of z.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(_WIDTH, _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, _WIDTH), nn.SiLU())
        self.enter = nn.Conv2d(2 * channels, _WIDTH, 4, stride=2, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(_WIDTH, 2**i, _WIDTH) for i in range(_BLOCKS))
        self.leave = nn.ConvTranspose2d(_WIDTH, channels, 4, stride=2, padding=1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, noisy: Tensor, estimate: Tensor, step: Tensor) -> Tensor:
        n = noisy.shape[0]
        condition = self.embed(sinusoidal_embedding(step, _WIDTH))
        features = self.enter(merge_frames(torch.cat([noisy, estimate], dim=1)))
        for block in self.blocks:
            features = block(features, n, condition)
        return split_frames(self.leave(functional.silu(features)).float(), n)


class Model:
    """A trial's denoiser: the closed form, and what is learned.

    Args:
        trial: its parametrisation.
        linear: the closed form of its K.
        remainder: the learned part; None for none.
    """

    def __init__(self, trial: Trial, linear: GaussianDenoiser, remainder: Remainder | None) -> None:
        self.trial, self.linear, self.remainder = trial, linear, remainder
        self.alpha_bar = trial.alpha_bar(linear)
        self._bf16 = computes_in_bfloat16(torch.device("cpu"))

    def output(self, noisy: Tensor, step: Tensor) -> Tensor:
        """ε̂ or v̂ of z⁽ᵐ⁾ [N, ...] at steps m [N]."""
        signal = self.alpha_bar[step]
        with torch.no_grad():
            estimate = self.linear(noisy, signal)
            root, rest = (each.view(-1, 1, 1, 1, 1) for each in (signal.sqrt(), (1 - signal).sqrt()))
            noise = (noisy - root * estimate) / rest
            output = root * noise - rest * estimate if self.trial.velocity else noise
        if self.remainder is None:
            return output
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
            return output + self.remainder(noisy, estimate, step)

    def loss(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Eq. (9) in the trial's parametrisation, without λ."""
        step = torch.randint(1, len(self.alpha_bar), (len(clean),), generator=generator)
        noise = self.trial.noise.sample(tuple(clean.shape), generator)
        signal = self.alpha_bar[step].view(-1, 1, 1, 1, 1)
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        target = signal.sqrt() * noise - (1 - signal).sqrt() * clean if self.trial.velocity else noise
        return functional.mse_loss(self.output(noisy, step), target)

    def split(self, output: Tensor, noisy: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """ẑ⁽⁰⁾ and ε̂ from the output at a step."""
        root, rest = self.alpha_bar[step].sqrt(), (1 - self.alpha_bar[step]).sqrt()
        if self.trial.velocity:
            return root * noisy - rest * output, root * output + rest * noisy
        return (noisy - rest * output) / root, output


class Training:
    """Training of one trial, which continues from the last call.

    Args:
        model: what is trained.
        file: the checkpoint.
        train, val: normalised latents [S, C, T, H, W].
    """

    def __init__(self, model: Model, file: Path, train: Tensor, val: Tensor) -> None:
        assert model.remainder is not None
        self.model, self.file, self.train, self.val = model, file, train, val
        self.network = model.remainder
        self.average = Model(model.trial, model.linear, Remainder(train.shape[1]).eval().requires_grad_(False))
        assert self.average.remainder is not None
        self.kept = self.average.remainder
        self.kept.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=_RATE, weight_decay=1e-4)
        self.step, self.best, self.waited, self.losses = 0, float("inf"), 0, []
        self.best_weights = {name: value.clone() for name, value in self.kept.state_dict().items()}
        if file.exists():
            self._restore()

    def _restore(self) -> None:
        state = torch.load(self.file, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.kept.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        for name in ("step", "best", "waited", "losses", "best_weights"):
            setattr(self, name, state[name])

    def save(self) -> None:
        state: dict[str, Any] = {n: getattr(self, n) for n in ("step", "best", "waited", "losses", "best_weights")}
        state["network"], state["average"] = self.network.state_dict(), self.kept.state_dict()
        state["optimiser"] = self.optimiser.state_dict()
        with replaced_file(self.file) as beside:
            torch.save(state, beside)

    @property
    def converged(self) -> bool:
        return self.waited >= _PATIENCE

    def run(self, until: float, stop: Stop) -> None:
        """Train until convergence, a time of the monotonic clock, or a signal."""
        if not self.losses:
            self._validate(float("nan"))
        while not self.converged and time.monotonic() < until and not stop.asked:
            generator = torch.Generator().manual_seed(self.step)
            chosen = torch.randint(0, len(self.train), (_BATCH,), generator=generator)
            loss = self.model.loss(self.train[chosen].float(), generator)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            for group in self.optimiser.param_groups:
                group["lr"] = _RATE * min(1.0, (self.step + 1) / 100) * 0.5 ** (self.step // _HALVING)
            self.optimiser.step()
            with torch.no_grad():
                for kept, learning in zip(self.kept.parameters(), self.network.parameters(), strict=True):
                    kept.lerp_(learning, 1 - min(0.99, (1 + self.step) / (10 + self.step)))
            self.step += 1
            if self.step % _INTERVAL == 0:
                self._validate(float(loss.detach()))
        self.save()

    @torch.no_grad()
    def _validate(self, last: float) -> None:
        """Loss of the averaged weights on the same noise each time; before the first step, of the closed form."""
        generator = torch.Generator().manual_seed(1)
        parts = torch.split(self.val.float(), _BATCH)
        loss = float(np.mean([float(self.average.loss(part, generator)) for _ in range(2) for part in parts]))
        self.losses.append((self.step, loss))
        self.waited += 1
        if loss < self.best * 0.9995:
            self.best, self.waited = loss, 0
            self.best_weights = {name: value.clone() for name, value in self.kept.state_dict().items()}
        print(f"{self.model.trial.name}: step {self.step}, training {last:.4f}, validation {loss:.4f}", flush=True)
        self.save()

    def denoiser(self) -> Model:
        """The averaged weights with the lowest validation loss."""
        self.kept.load_state_dict(self.best_weights)
        return self.average


class Stop:
    """Set by SIGINT and SIGTERM, so that a checkpoint is written before the end."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


@torch.inference_mode()
def algorithm_1(model: Model, clean: Tensor, start: int, generator: torch.Generator, *, steps: int = 0) -> Tensor:
    """Noise latents to `start` and denoise them, with every ancestral step of (8), or `steps` steps of DDIM."""
    alpha_bar, noise, shape = model.alpha_bar, model.trial.noise, tuple(clean.shape)
    noisy = alpha_bar[start].sqrt() * clean + (1 - alpha_bar[start]).sqrt() * noise.sample(shape, generator)
    path = list(range(start, -1, -1))
    if steps:
        path = sorted({round(v) for v in np.linspace(0, start, min(steps, start) + 1)}, reverse=True)
    for now, after in pairwise(path):
        output = model.output(noisy, torch.full((len(noisy),), now))
        estimate, predicted = model.split(output, noisy, now)
        before, current = alpha_bar[after], alpha_bar[now]
        if steps:
            noisy = before.sqrt() * estimate + (1 - before).sqrt() * predicted
            continue
        alpha = current / before
        mean = before.sqrt() * (1 - alpha) / (1 - current) * estimate
        mean = mean + alpha.sqrt() * (1 - before) / (1 - current) * noisy
        sigma = ((1 - before) / (1 - current) * (1 - alpha)).sqrt()
        noisy = mean + sigma * noise.sample(shape, generator) if after else mean
    return noisy


# --- latents --------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def latents(network: LaMoDModel, cache: TrainingCache, chosen: Array, source: str) -> Tensor:
    """Normalised z of slices [N] from masks of a kind in `SOURCES`, including the geometric channels, float16."""
    found = []
    for index in chosen:
        masks = masks_of(cache, int(index), source)
        encoded = network.encode(torch.from_numpy(masks)[None, None], torch.tensor([int(cache.levels[index])]))
        found.append(network.normalise(encoded).half())
    return torch.cat(found)


def masks_of(cache: TrainingCache, index: int, source: str) -> Array:
    """Occupancy [40, 128, 128], float32."""
    stored = np.array(cache.arrays["clean" if source == "exact" else "occupancy"][index])
    masks = np.asarray(stored / np.float32(255), dtype=np.float32)
    if source == "shifted":
        from scipy import ndimage

        rng = np.random.default_rng(index)
        for frame in range(1, FRAMES):
            masks[frame] = ndimage.shift(masks[frame], rng.normal(0, 0.85, 2), order=1)
    if source == "few":
        drawn = np.linspace(0, FRAMES, 12, endpoint=False).astype(int)
        distances = np.stack([contour_distances_mm(masks[frame] > 0.5, (1.0, 1.0)) for frame in drawn])
        weights = periodic_weights(drawn / FRAMES, np.arange(FRAMES) / FRAMES)
        masks = occupancy_from_distances(np.einsum("ts,schw->tchw", weights, distances).astype(np.float32))
    return masks


def encoded(
    args: argparse.Namespace, network: LaMoDModel, cache: TrainingCache, tested: TrainingCache
) -> dict[str, Tensor]:
    """Latents, computed once: "train" and "val" from exact masks, and those of test slices from every source."""
    file = args.out / "latents.pt"
    if not file.exists():
        own = {split: cache.indices(split, with_motion=True) for split in ("train", "val")}
        found = {split: latents(network, cache, chosen, "exact") for split, chosen in own.items()}
        chosen = tested.indices("test", with_motion=True)
        found |= {source: latents(network, tested, chosen, source) for source in SOURCES}
        with replaced_file(file) as beside:
            torch.save(found, beside)
    loaded: dict[str, Tensor] = torch.load(file, weights_only=True)
    return loaded


# --- the table ------------------------------------------------------------------------------------------------------


class Table:
    """Scores by row, source and seed in scores.json.

    Args:
        args: command line arguments.
        network: the model.
        cache: the cache of the test slices.
        z: latents of `encoded`.
        chosen: positions of the compared slices among the test slices.
    """

    def __init__(
        self, args: argparse.Namespace, network: LaMoDModel, cache: TrainingCache, z: dict[str, Tensor], chosen: Array
    ) -> None:
        self.network, self.cache, self.z, self.chosen = network, cache, z, chosen
        self.file = args.out / "scores.json"
        known = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}
        self.rows: dict[str, dict[str, dict[str, list[float]]]] = known
        self.numbers = cache.indices("test", with_motion=True)[chosen]

    def has(self, name: str, source: str, seed: int) -> bool:
        found = self.rows.get(name, {}).get(source, {}).get(str(seed))
        return found is not None and len(found) == len(self.chosen)

    def add(self, name: str, source: str, seed: int, whole: Tensor) -> None:
        """Decode normalised latents [N, C, T, H, W] of the compared slices and store their errors."""
        with torch.inference_mode():
            errors = [
                decoded_error(self.network, self.cache, index, whole[i : i + 1])[0]
                for i, index in enumerate(self.numbers)
            ]
        self.rows.setdefault(name, {}).setdefault(source, {})[str(seed)] = [round(error, 5) for error in errors]
        self.file.write_text(json.dumps(self.rows), encoding="utf-8")
        print(f"{name}, {source}, seed {seed}: {np.mean(errors):.3f}", flush=True)

    def print(self) -> None:
        print(f"| latent | {' | '.join(SOURCES.values())} |\n| --- |{' --- |' * len(SOURCES)}")
        for name in self.rows:
            print(f"| {name} | {' | '.join(self._cell(name, source) for source in SOURCES)} |")

    def _cell(self, name: str, source: str) -> str:
        by_seed = self.rows[name].get(source)
        if not by_seed:
            return "–"
        errors = np.mean(list(by_seed.values()), axis=0)
        if name == "z as encoded":
            return f"{errors.mean():.3f}"
        gap = errors - np.mean(list(self.rows["z as encoded"][source].values()), axis=0)
        rng = np.random.default_rng(0)
        means = gap[rng.integers(0, len(gap), (4000, len(gap)))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        return f"{errors.mean():.3f} [{low:+.3f}, {high:+.3f}]"


def rows_of(models: list[Model], table: Table, args: argparse.Namespace) -> Iterator[tuple[str, str, int, Tensor]]:
    """Name, source, seed and latents of every row that is not in the table yet."""
    channels = table.network.config.latent_channels
    own = {source: table.z[source][table.chosen].float() for source in SOURCES}
    mean = table.z["train"][:, :channels].float().mean(dim=0)
    for source, whole in own.items():
        learned, geometry = whole[:, :channels], whole[:, channels:]
        controls = {
            "z as encoded": whole,
            "mean of z over training slices": torch.cat([mean.expand_as(learned), geometry], dim=1),
            "zero: the geometric channels alone": torch.cat([torch.zeros_like(learned), geometry], dim=1),
            "z without the geometric channels": torch.cat([learned, torch.zeros_like(geometry)], dim=1),
            "zero without the geometric channels": torch.zeros_like(whole),
        }
        for name, latent in controls.items():
            if not table.has(name, source, 0):
                yield name, source, 0, latent
        for seed in range(args.seeds):
            if not table.has("noise K(ε) alone", source, seed):
                drawn = SmoothNoise().sample(tuple(learned.shape), torch.Generator().manual_seed(100 + seed))
                yield "noise K(ε) alone", source, seed, torch.cat([drawn, geometry], dim=1)
    for model in models:
        for name, source, start, steps in _runs(model.trial):
            for seed in range(args.seeds):
                if table.has(name, source, seed):
                    continue
                generator = torch.Generator().manual_seed(seed)
                moved = algorithm_1(model, own[source][:, :channels], start, generator, steps=steps)
                yield name, source, seed, torch.cat([moved, own[source][:, channels:]], dim=1)


def _runs(trial: Trial) -> Iterator[tuple[str, str, int, int]]:
    """Name, source, start step and number of DDIM steps (0: every ancestral step) of each run of a trial."""
    for start in (10, 50, 100, 200):
        for source in SOURCES if start in (10, 50) else ("exact", "drawn"):
            yield f"{trial.name}, start {start}, 25 DDIM steps", source, start, 25
    for source in SOURCES:
        yield f"{trial.name}, from M, 50 DDIM steps", source, trial.last, 50
    for source in ("exact", "drawn"):
        yield f"{trial.name}, from M, every ancestral step", source, trial.last, 0


def one_per_subject(count: int, subjects: int, slices: int = 4) -> Array:
    """Positions of one slice of each of some subjects, planes in turn, of consecutive slices of `slices` each."""
    first = np.arange(0, count - slices + 1, slices)
    chosen = first[np.linspace(0, len(first) - 1, min(subjects, len(first))).astype(int)]
    return np.asarray(chosen + np.arange(len(chosen)) % slices)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--test", type=Path, help="dataset of the test slices, if not --data")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--trials", default=",".join(TRIALS))
    parser.add_argument("--hours", type=float, default=1.0, help="training time of this call, shared by the trials")
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--subjects", type=int, default=24, help="test subjects, one slice each")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    stop = Stop()
    args.out.mkdir(parents=True, exist_ok=True)
    network = lamod_network(load_model(args.model))
    cache = open_cache(args.data, args.out / "cache")
    tested = open_cache(args.test, args.out / "test-cache") if args.test else cache
    z = encoded(args, network, cache, tested)
    channels = network.config.latent_channels
    train, val = (z[name][:, :channels] for name in ("train", "val"))
    chosen_trials = [TRIALS[name] for name in args.trials.split(",")]
    forms = {noise: GaussianDenoiser(train.float(), noise) for noise in {trial.noise for trial in chosen_trials}}
    until, models = time.monotonic(), []
    for trial in chosen_trials:
        torch.manual_seed(0)
        model = Model(trial, forms[trial.noise], Remainder(channels) if trial.learned else None)
        left = model.linear.signal_beyond(float(model.alpha_bar[-1]))
        print(f"{trial.name}: √ᾱ_M {float(model.alpha_bar[-1].sqrt()):.2g}, {left:.1%} of the energy above the noise")
        if trial.learned:
            training = Training(model, args.out / f"{trial.name}.pt", train, val)
            until += 3600 * args.hours / sum(each.learned for each in chosen_trials)
            training.run(until, stop)
            state = "converged" if training.converged else "not converged"
            losses = f"validation {training.best:.4f} (closed form {training.losses[0][1]:.4f})"
            print(f"{trial.name}: {training.step} steps, {losses}, {state}", flush=True)
            model = training.denoiser()
        models.append(model)
    if args.evaluate and not stop.asked:
        count = len(tested.indices("test", with_motion=True))
        table = Table(args, network, tested, z, one_per_subject(count, args.subjects))
        for name, source, seed, latent in rows_of(models, table, args):
            table.add(name, source, seed, latent)
            if stop.asked:
                return
        table.print()


if __name__ == "__main__":
    main()
