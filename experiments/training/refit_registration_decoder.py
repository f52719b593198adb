"""Train D_R alone with eq. (1) on a model's latents, and write the model with the new D_R.

    python -m experiments.training.refit_registration_decoder --model NAME|DIR --cache RUN/cache --out DIR

E_R, D_η, ε_θ and all statistics are unchanged, so that the predicted motion stays the same bit for bit. Use it for a
model whose encoder was trained further than its registration decoder, or whose shots fold. Check the result with
`registration_jacobian`.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import find_model, lamod_network, load_model, save_model
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.training.loop.losses import registration_loss
from LaMoDCore.training.run.settings import TrainingConfig

BATCH, FRAMES = 4, 4
WARM_UP = 50
EMA_DECAY = 0.99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=360, help="training slices")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--regularity", type=float, default=TrainingConfig().regularity)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    loaded = load_model(args.model)
    old = lamod_network(loaded)
    fresh = ModelConfig()
    config = replace(
        old.config,
        metric_alpha=fresh.metric_alpha,
        metric_gamma=fresh.metric_gamma,
        metric_power=fresh.metric_power,
        shooting_steps=fresh.shooting_steps,
    )
    model = LaMoDModel(config)
    model.load_state_dict(old.state_dict())
    model.eval().requires_grad_(False)
    latents, masks = _encoded(model, args.cache, args.count, args.seed)
    _fit(model, latents, masks, args.steps, args.regularity, args.seed)

    folder = find_model(args.model)
    training = dict(loaded.description.get("training", {}))
    training["registration_decoder"] = {"steps": args.steps, "regularity": args.regularity, "slices": len(masks)}
    save_model(
        model,
        args.out,
        loaded.name,
        training=training,
        uncertainty=loaded.description.get("uncertainty"),
        card=(folder / "MODEL_CARD.md").read_text(encoding="utf-8"),
    )


def _encoded(model: LaMoDModel, cache: Path, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Latents and masks of random training slices."""
    about = json.loads((cache / "index.json").read_text(encoding="utf-8"))
    indices = [i for i, split in enumerate(about["splits"]) if split == "train"]
    chosen = np.sort(np.random.default_rng(seed).permutation(indices)[:count])
    occupancy = np.load(cache / "occupancy.npy", mmap_mode="r")
    masks = torch.from_numpy(np.stack([occupancy[i] for i in chosen]))[:, None]
    with torch.inference_mode():
        latents = torch.cat([model.encode(one[None].float() / 255) for one in masks])
    return latents.clone(), masks


def _fit(model: LaMoDModel, latents: Tensor, masks: Tensor, steps: int, regularity: float, seed: int) -> None:
    config = TrainingConfig()
    decoder = model.registration_decoder.requires_grad_(True)
    average = {name: value.detach().clone() for name, value in decoder.state_dict().items()}
    parameters = list(decoder.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        share = min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * share
        chosen = torch.randint(len(masks), (BATCH,), generator=generator)
        frames = 1 + torch.randperm(latents.shape[2] - 1, generator=generator)[:FRAMES]
        loss, distance = registration_loss(
            decoder(latents[chosen], frames), masks[chosen].float() / 255, frames, model.metric,
            steps=model.config.shooting_steps, sigma=config.image_sigma, regularity=regularity,
        )  # fmt: skip
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        decay = min(EMA_DECAY, (1 + step) / (10 + step))
        for name, value in decoder.state_dict().items():
            average[name].lerp_(value, 1 - decay)
        if (step + 1) % 50 == 0:
            print(
                f"step {step + 1} of {steps}: loss {float(loss):.3f}, mask distance {float(distance):.4f}", flush=True
            )
    decoder.load_state_dict(average)


if __name__ == "__main__":
    main()
