"""det Dφ of every shot of a registration network over a cohort: whether every φ is a diffeomorphism.

python -m experiments.training.registration_jacobian --cache RUN/cache [--model NAME|DIR] [--count 144]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from LaMoDCore.lddmm import shoot, warp_image
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import lamod_network, load_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--count", type=int, default=144)
    args = parser.parse_args()
    network = lamod_network(load_model(args.model))
    occupancy = np.load(args.cache / "occupancy.npy", mmap_mode="r")
    about = json.loads((args.cache / "index.json").read_text(encoding="utf-8"))
    chosen = [i for i, split in enumerate(about["splits"]) if split == "val"][: args.count]
    least, dice, still = [], [], []
    with torch.inference_mode():
        for index in chosen:
            masks = torch.from_numpy(np.array(occupancy[index]))[None, None].float() / 255
            velocity = network.registration_decoder(network.encode(masks))[0].transpose(0, 1)
            shot = shoot(velocity, network.metric, (2.0, 2.0), 10, "rk4")
            small = functional.avg_pool2d(masks[0, 0, ::2][:, None], 2)
            moved = warp_image(small[:1].expand_as(small), shot.inverse, (2.0, 2.0))
            least.append(float(shot.jacobian.min()))
            dice.append(_soft_dice(moved, small))
            still.append(_soft_dice(small[:1].expand_as(small), small))
    print(
        f"{len(chosen)} slices × 20 frames: least det Dφ {min(least):.3f}, folded slices {sum(j <= 0 for j in least)}"
    )
    print(f"Dice of the warped end-diastolic mask: mean {np.mean(dice):.3f}; zero motion {np.mean(still):.3f}")


def _soft_dice(one: torch.Tensor, two: torch.Tensor) -> float:
    a, b = one > 0.5, two > 0.5
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


if __name__ == "__main__":
    main()
