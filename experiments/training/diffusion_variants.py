"""Effect of a model's latent diffusion on the prediction: start step, sampler, steps, averaging, contour errors.

    python -m experiments.training.diffusion_variants --cache RUN/cache --model NAME|DIR [--count 48]

The model must have a trained ε_θ, which the shipped one has not. Validation slices of a training cache, from drawn and
from exact masks. EPE in mm over measured blocks and all frames; the spread is the RMS over samples of
the displacement's SD.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import load_model
from LaMoDCore.networks.spline import b_spline_upsample
from LaMoDCore.training.data.cache import TrainingCache, open_finished_cache

_VARIANTS: list[tuple[str, dict[str, object]]] = [
    ("no diffusion", {"start": 0}),
    *[(f"ddim, start {m}, 8 steps", {"start": m, "steps": 8}) for m in (10, 25, 50, 100, 200, 500)],
    ("ddim, start 100, 2 steps", {"start": 100, "steps": 2}),
    ("ddim, start 100, 8 steps, mean of 4", {"start": 100, "steps": 8, "samples": 4}),
    ("ddpm, start 50", {"start": 50, "sampler": "ddpm"}),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--count", type=int, default=48)
    args = parser.parse_args()
    network = load_model(args.model).network
    cache = open_finished_cache(args.cache, in_memory=False)
    chosen = cache.indices("val", with_motion=True)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(args.count, len(chosen))).astype(int)]
    print("| variant | EPE, drawn masks | EPE, exact masks | spread |\n| --- | --- | --- | --- |")
    for name, options in _VARIANTS:
        scores = [
            [_score(network, cache, i, source, dict(options)) for i in chosen] for source in ("occupancy", "clean")
        ]
        drawn, exact = np.array(scores[0]), np.array(scores[1])
        error = drawn[:, 0].std(ddof=1) / np.sqrt(len(drawn))
        epe, spread = drawn.mean(axis=0)
        print(f"| {name} | {epe:.3f} ± {error:.3f} | {exact[:, 0].mean():.3f} | {spread:.3f} |", flush=True)


@torch.inference_mode()
def _score(network, cache: TrainingCache, index: int, source: str, options: dict) -> tuple[float, float]:
    samples, arrays = int(options.pop("samples", 1)), cache.arrays
    masks = torch.from_numpy(np.array(arrays[source][index]))[None, None].float() / 255
    latent = network.normalise(network.encode(masks)).expand(samples, -1, -1, -1, -1).contiguous()
    latent = network.denoise(latent, torch.Generator().manual_seed(0), **options)
    return decoded_error(network, cache, index, latent)


def decoded_error(network, cache: TrainingCache, index: int, latent) -> tuple[float, float]:
    """Decode normalised latents [N, …] of a cached slice and compare their mean motion with the truth.

    Returns:
        EPE in mm over measured blocks and all frames, and the RMS over them of the displacement's SD (0 for N = 1).
    """
    motion = torch.stack([b_spline_upsample(network.motion_decoder.control_points(z[None]), 2)[0] for z in latent])
    truth = torch.from_numpy(np.array(cache.arrays["displacement"][index])).float().transpose(0, 1)
    weight = torch.from_numpy(np.array(cache.arrays["weight"][index])).float() / 4
    error = ((motion.mean(dim=0) - truth).norm(dim=0) * weight).sum() / weight.sum()
    spread = motion.var(dim=0).sum(dim=0) if len(latent) > 1 else torch.zeros_like(weight)
    return float(error), float(((spread * weight).sum() / weight.sum()).sqrt())


if __name__ == "__main__":
    main()
