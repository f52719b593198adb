"""What a model says of a disease that it has never seen: one training without it, one with, the same test slices.

    python Testing/Benchmarks/held_out_disease.py --work DIR --data HEARTS --cache CACHE --test TEST [--disease hcm]
        [--config FILE] [--epochs 1] [--known MODEL]

E_R and D_η learn for --epochs of motion from the cohort HEARTS without the disease, validated without it too; and,
unless --known names a model of the same recipe, from as many slices of all diseases, the subjects to leave out being
drawn at random. `lamod evaluate` compares both, decoder alone, on the dataset TEST; its page lists every disease. DIR
can be gone on with.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from LaMoDCore.cli import main as lamod
from LaMoDCore.io.dataset import DatasetIndex
from LaMoDCore.progress import Progress
from LaMoDCore.training.cache import TrainingCache, open_cache
from LaMoDCore.training.runner import train
from LaMoDCore.training.settings import read_config

_HERE = Path(__file__).resolve().parent
_NOWHERE = "left out"


def without(cache: TrainingCache, left_out: list[bool]) -> TrainingCache:
    """The cache with some of its slices in no split."""
    splits = tuple(_NOWHERE if out else split for split, out in zip(cache.splits, left_out, strict=True))
    return replace(cache, splits=splits, fingerprint=f"{cache.fingerprint}-{sum(left_out)}")


def as_many_subjects(index: DatasetIndex, disease: str, seed: int = 0) -> list[bool]:
    """Of each split as many subjects as have the disease, drawn from all."""
    rng = np.random.default_rng(seed)
    drawn: set[str] = set()
    for split in ("train", "val"):
        subjects = sorted({e.subject for e in index if e.split == split})
        count = len({e.subject for e in index if e.split == split and e.disease == disease})
        drawn |= {subjects[i] for i in rng.choice(len(subjects), count, replace=False)}
    return [e.subject in drawn for e in index]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="kept between calls")
    parser.add_argument("--data", type=Path, required=True, help="cohort to learn from")
    parser.add_argument("--cache", type=Path, required=True, help="its prepared slices, made there if missing")
    parser.add_argument("--test", type=Path, required=True, help="dataset whose test split is compared")
    parser.add_argument("--disease", default="hcm")
    parser.add_argument("--config", type=Path, default=_HERE / "shipped_model.json")
    parser.add_argument("--epochs", type=int, default=1, help="of motion, the only stage")
    parser.add_argument("--known", help="a model that has seen all diseases, by the same recipe")
    args = parser.parse_args()
    torch.set_num_threads(1)
    index = DatasetIndex.load(args.data)
    cache = open_cache(args.data, args.cache)
    config = replace(read_config(args.config), registration_epochs=0, motion_epochs=args.epochs, joint_epochs=0)
    trainings = {f"without-{args.disease}": [entry.disease == args.disease for entry in index]}
    if not args.known:
        trainings["with-all"] = as_many_subjects(index, args.disease)
    models = [args.known] if args.known else []
    for name, left_out in trainings.items():
        run = args.work / name
        if not (run / "model" / "model.json").is_file():
            with Progress("none") as progress:
                train(without(cache, left_out), run, config, resume=(run / "run.json").is_file(), progress=progress)
        models.append(str(run / "model"))
    words = ["evaluate", "--data", str(args.test), "--out", str(args.work / "evaluation"), "--no-figures"]
    words += ["--models", ",".join(f"{model}:no-diffusion" for model in models)]
    return lamod([*words, "--cache", str(args.work / "predictions"), "--progress", "none"])


if __name__ == "__main__":
    sys.exit(main())
