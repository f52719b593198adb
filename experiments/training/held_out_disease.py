"""What a model says of a disease that it has never seen: one training without it, one with, the same test slices.

    python -m experiments.training.held_out_disease --work DIR --data HEARTS --cache CACHE --test TEST [--disease hcm]
        [--config FILE] [--epochs 1] [--known MODEL] [--phantoms N]

E_R and D_η learn for --epochs of motion from the cohort HEARTS without the disease, validated without it too; and,
unless --known names a model of the same recipe, from as many slices of all diseases, the subjects to leave out being
drawn at random. With --phantoms, each gets a posterior too (contours' motion from N synthetic subjects, motion latent,
intervals, flag), the one from a cohort and from those of the N without the disease. `lamod evaluate` compares them on
the dataset TEST; its page lists every disease, and a last table how the intervals and the flag do on it. DIR can be
gone on with.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from LaMoDCore.cli import main as lamod
from LaMoDCore.evaluation.truth import drawn_case
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.data.cache import TrainingCache, open_cache
from LaMoDCore.training.posterior.held_out import coverage_of, held_out_errors
from LaMoDCore.training.posterior.train import PosteriorConfig, train_posterior
from LaMoDCore.training.run.runner import train
from LaMoDCore.training.run.settings import read_config
from LaMoDCore.uncertainty.intervals import calibration_of

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


def with_posterior(
    model: str,
    folder: Path,
    index: DatasetIndex,
    cache: TrainingCache,
    phantoms: int,
    left_out: list[bool],
    diseases: tuple[str, ...],
) -> str:
    """Folder of the model with a posterior that sees neither these cases nor phantoms with the diseases."""
    if not (folder / "model.json").is_file():
        known = replace(index, entries=tuple(e for e, out in zip(index, left_out, strict=True) if not out))
        seen = without(cache, left_out)
        config = PosteriorConfig(phantoms=phantoms, phantoms_without=diseases, slices=700, calibration_cases=70)
        with Progress("none") as progress:
            train_posterior(load_model(model), known, seen, folder, config, name=folder.name, progress=progress)
    return str(folder)


def doubts(model: LoadedModel, test: DatasetIndex, disease: str) -> None:
    """Of the disease and of the others: share of truths in the 90 % intervals, and of slices flagged."""
    calibration = calibration_of(model)
    assert calibration is not None
    for name, wanted in ((disease, True), ("the others", False)):
        chosen = [entry for entry in test if entry.split == "test" and (entry.disease == disease) == wanted]
        errors = [each for entry in chosen for each in held_out_errors(model, test, entry, calibration.samples)]
        shares = [np.nanmean(coverage_of(calibration, errors, what)) for what in ("displacement_mm", "segment_ecc")]
        cases = [drawn_case(read_dataset_case(test.folder, entry.id)) for entry in chosen]
        flags = [s["unlike_training"]["flagged"] for c in cases for s in predict_strain(c, model).summary["slices"]]
        numbers = " | ".join(f"{share:.3f}" for share in (*shares, np.mean(flags)))
        print(f"| {model.name} | {name} | {len(chosen)} | {numbers} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="kept between calls")
    parser.add_argument("--data", type=Path, required=True, help="cohort to learn from")
    parser.add_argument("--cache", type=Path, required=True, help="its prepared slices, made there if missing")
    parser.add_argument("--test", type=Path, required=True, help="dataset whose test split is compared")
    parser.add_argument("--disease", default="hcm")
    parser.add_argument("--config", type=Path, default=_HERE / "shipped_model.json")
    parser.add_argument("--epochs", type=int, default=1, help="of motion, the only stage")
    parser.add_argument("--phantoms", type=int, default=0, help="with a posterior, of so many synthetic subjects")
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
    names = ["known"] * bool(args.known) + list(trainings)
    methods = [f"{model}:no-diffusion" for model in models]
    whole = []
    if args.phantoms:
        for name, model in zip(names, models, strict=True):
            left_out = trainings.get(name, [False] * len(index))
            diseases = (args.disease,) if name.startswith("without") else ()
            folder = args.work / f"{name}-posterior"
            whole.append(with_posterior(model, folder, index, cache, args.phantoms, left_out, diseases))
        methods += whole
    words = ["evaluate", "--data", str(args.test), "--out", str(args.work / "evaluation"), "--no-figures"]
    words += ["--models", ",".join(methods), "--cache", str(args.work / "predictions"), "--progress", "none"]
    code = lamod(words)
    if whole:
        print("| model | disease | slices | displacement in 90 % | segmental Ecc in 90 % | flagged |\n|" + 6 * " --- |")
        for folder in whole:
            doubts(load_model(folder), DatasetIndex.load(args.test), args.disease)
    return code


if __name__ == "__main__":
    sys.exit(main())
