"""Calibrate the intervals of a trained model again, with or without the term of weak segments.

    python -m experiments.posterior.recalibrate --model DIR --data DATASET --out DIR [--weak-segments 128]

As the last step of `lamod train-posterior --weak-segments`, for a model that was trained without it: DATASET is that of
the training, and the settings are those in the model's description. Weights and predictions do not change.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from LaMoDCore import load_model
from LaMoDCore.io.dataset.folder import DatasetIndex
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.posterior.held_out import calibration_entries
from LaMoDCore.training.posterior.train import PosteriorConfig, calibrated_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a model with a posterior")
    parser.add_argument("--data", type=Path, required=True, help="the dataset of its training")
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    parser.add_argument("--weak-segments", type=int, default=128, metavar="N", help="randomised slices, 0: none")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, index = load_model(args.model), DatasetIndex.load_usable(args.data)
    training = dict(model.description["training"])
    stored = training["posterior"]["config"]
    config = PosteriorConfig(
        phantom_seed=stored["phantom_seed"],
        randomised=stored["randomised"],
        randomised_slices=tuple(stored["randomised_slices"]),
        phantoms_without=tuple(stored["phantoms_without"]),
        calibration_cases=stored["calibration_cases"],
        samples=stored["samples"],
        weak_segment_slices=args.weak_segments,
    )
    every = list(index)
    chosen = [every[number] for number in calibration_entries(index, ())]
    chosen = chosen or [entry for entry in every if entry.split == "val"]
    cases = [chosen[number] for number in spread_evenly(len(chosen), config.calibration_cases)]
    posterior = {**training["posterior"], "config": {**stored, "weak_segment_slices": args.weak_segments}}
    bare = LoadedModel(model.name, model.network, "", {})
    with Progress("bar") as progress:
        calibrated_folder(bare, index, cases, config, args.out, {**training, "posterior": posterior}, progress)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
