"""Algorithm 1 on a fixed encoder: the effect of sampler, steps, noise and normalisation on the prediction.

    python -m experiments.training.algorithm_1 --cache CACHE [--model NAME|DIR] [--slices 500] [--count 12]
        [--minutes 3] [--kinds 0,1,2,3]

The denoiser ε_θ (eq. 9) is trained on z_reg of exact masks of training slices, for the same time for each width of the
smoothed noise K and each normalisation: by the training set's mean and spread, as in LaMoD, or by each slice's own
statistics, which are restored afterwards. Then z_reg of validation slices, from drawn and from exact masks, is noised
to a start step, denoised and decoded. EPE in mm over measured blocks and all frames, ± its standard error; the spread
is the RMS over samples of the displacement's SD.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from experiments.training.diffusion_variants import decoded_error
from LaMoDCore.heart.geometry import Array
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import lamod_network, load_model
from LaMoDCore.networks.denoiser import Denoiser
from LaMoDCore.networks.diffusion import SmoothNoise, denoise, q_sample
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.training.data.cache import TrainingCache, open_finished_cache

_BATCH = 8
_MANY: tuple[tuple[str, dict[str, object]], ...] = (
    *((f"DDIM, start {m}, 8 steps", {"start": m, "steps": 8}) for m in (10, 50, 100, 200, 500)),
    ("DDIM, start 100, 2 steps", {"start": 100, "steps": 2}),
    ("DDIM, start 100, 25 steps", {"start": 100, "steps": 25}),
    ("DDIM, start 100, 8 steps, mean of 4", {"start": 100, "steps": 8, "samples": 4}),
    ("DDPM, start 50", {"start": 50, "sampler": "ddpm"}),
)
_FEW = tuple(each for each in _MANY if each[0] in ("DDIM, start 10, 8 steps", "DDIM, start 100, 8 steps"))


@dataclass(frozen=True)
class Kind:
    """Training of a denoiser: K, and whether each slice is normalised by its own statistics."""

    name: str
    noise: SmoothNoise
    by_slice: bool = False

    def scale(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Shift and scale of latents [N, C, T, H, W]."""
        if not self.by_slice:
            return torch.zeros(1), torch.ones(1)
        return latent.mean(dim=(2, 3, 4), keepdim=True), latent.std(dim=(2, 3, 4), keepdim=True).clamp(min=1e-3)


KINDS = (
    Kind("K of 1 latent pixel and frame", SmoothNoise(1.0, 1.0)),
    Kind("K of 0 (white noise)", SmoothNoise(0.0, 0.0)),
    Kind("K of 2", SmoothNoise(2.0, 2.0)),
    Kind("K of 1, each slice normalised by its own statistics", SmoothNoise(1.0, 1.0), by_slice=True),
)


@torch.inference_mode()
def latents(network: LaMoDModel, cache: TrainingCache, chosen: Array, source: str) -> Tensor:
    """Normalised z of slices [N] from "occupancy" (drawn) or "clean" (exact) masks, including geometry channels."""
    found = []
    for index in chosen:
        masks = torch.from_numpy(np.array(cache.arrays[source][index]))[None, None].float() / 255
        found.append(network.normalise(network.encode(masks, torch.tensor([int(cache.levels[index])]))))
    return torch.cat(found)


def trained(network: LaMoDModel, clean: Tensor, kind: Kind, minutes: float) -> tuple[Denoiser, int, float]:
    """Train a denoiser; returns it, its number of steps and the mean of its last losses (1: no better than none)."""
    torch.manual_seed(0)
    config = network.config
    denoiser = Denoiser(config.latent_channels, config.denoiser_width, config.denoiser_blocks, 0.0)
    schedule, generator = config.schedule, torch.Generator().manual_seed(0)
    alpha_bar = schedule.alpha_bar().float()
    optimiser = torch.optim.AdamW(denoiser.parameters(), lr=1e-3)
    end, losses = time.monotonic() + 60 * minutes, []
    while time.monotonic() < end:
        chosen = clean[torch.randint(0, len(clean), (_BATCH,), generator=generator), : config.latent_channels]
        shift, scale = kind.scale(chosen)
        step = torch.randint(1, schedule.steps + 1, (_BATCH,), generator=generator)
        noise = kind.noise.sample(tuple(chosen.shape), generator)
        loss = functional.mse_loss(denoiser(q_sample((chosen - shift) / scale, step, noise, alpha_bar), step), noise)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
    return denoiser.eval(), len(losses), float(np.mean(losses[-50:]))


@torch.inference_mode()
def scores(
    network: LaMoDModel, cache: TrainingCache, chosen: Array, whole: Tensor, denoiser: Denoiser | None, kind: Kind,
    options: dict[str, object],
) -> Array:  # fmt: skip
    """EPE and sample spread [N, 2] of slices [N]; without a denoiser, of the decoder alone."""
    rows = []
    channels = network.config.latent_channels
    count = int(options.get("samples", 1))  # type: ignore[call-overload]
    settings = {name: value for name, value in options.items() if name != "samples"}
    for number, index in enumerate(chosen):
        latent = whole[number : number + 1].expand(count, -1, -1, -1, -1)
        if denoiser is not None:
            shift, scale = kind.scale(latent[:, :channels])
            cleaned = denoise(
                (latent[:, :channels] - shift) / scale, denoiser, network.config.schedule, kind.noise,
                torch.Generator().manual_seed(int(index)), **settings,  # type: ignore[arg-type]
            )  # fmt: skip
            latent = torch.cat([cleaned * scale + shift, latent[:, channels:]], dim=1)
        rows.append(decoded_error(network, cache, index, latent))
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="training cache of the model's cohort")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--slices", type=int, default=500, help="training slices")
    parser.add_argument("--count", type=int, default=12, help="validation slices")
    parser.add_argument("--minutes", type=float, default=3.0, help="training time per denoiser")
    parser.add_argument("--kinds", default="0,1,2,3", help="indices of denoisers; the first is run with all variants")
    args = parser.parse_args()
    torch.set_num_threads(1)
    network, cache = lamod_network(load_model(args.model)), open_finished_cache(args.cache, in_memory=False)
    own = {split: cache.indices(split, with_motion=True) for split in ("train", "val")}
    learned, chosen = (
        own[split][np.linspace(0, len(own[split]) - 1, min(count, len(own[split]))).astype(int)]
        for split, count in (("train", args.slices), ("val", args.count))
    )
    clean = latents(network, cache, learned, "clean")
    seen = {source: latents(network, cache, chosen, source) for source in ("occupancy", "clean")}
    print("| denoiser | variant | EPE, drawn masks | EPE, exact masks | spread |\n|" + 5 * " --- |")

    def row(name: str, variant: str, denoiser: Denoiser | None, kind: Kind, options: dict[str, object]) -> None:
        drawn, exact = (scores(network, cache, chosen, z, denoiser, kind, options) for z in seen.values())
        error = drawn[:, 0].std(ddof=1) / np.sqrt(len(drawn))
        means = f"{drawn[:, 0].mean():.3f} ± {error:.3f} | {exact[:, 0].mean():.3f} | {drawn[:, 1].mean():.3f}"
        print(f"| {name} | {variant} | {means} |", flush=True)

    row("none", "decoder alone", None, KINDS[0], {})
    for number in map(int, args.kinds.split(",")):
        kind = KINDS[number]
        denoiser, steps, loss = trained(network, clean, kind, args.minutes)
        for variant, options in _FEW if number else _MANY:
            row(f"{kind.name}; {steps} steps, loss {loss:.3f}", variant, denoiser, kind, options)


if __name__ == "__main__":
    main()
