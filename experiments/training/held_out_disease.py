"""Performance on a disease that a model has not seen: trainings without and with it, on the same test slices.

    python -m experiments.training.held_out_disease --work DIR --data HEARTS --cache CACHE --test TEST [--disease hcm]
        [--config FILE] [--epochs 1] [--known MODEL] [--phantoms N]

E_R and D_η are trained for --epochs of motion on the cohort HEARTS without the disease, which is also left out of
validation; and, unless --known names a model of the same recipe, on as many slices of all diseases, leaving out random
subjects. With --phantoms, each model also gets a posterior (motion from the contours of N synthetic subjects, motion
latent, intervals, flag); the one without the disease leaves it out of the N subjects, too. `lamod evaluate` compares
the models on the dataset TEST by disease; a last table reports intervals and flag. An interrupted call can be repeated
and resumes.
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
from LaMoDCore.training.networks.train import train
from LaMoDCore.training.posterior.held_out import coverage_of, held_out_errors
from LaMoDCore.training.posterior.train import PosteriorConfig, train_posterior
from LaMoDCore.training.run.settings import read_config
from LaMoDCore.uncertainty.intervals import calibration_of

_HERE = Path(__file__).resolve().parent
_NO_SPLIT = "left out"


def without(cache: TrainingCache, left_out: list[bool]) -> TrainingCache:
    """Copy of the cache with some slices in no split."""
    splits = tuple(_NO_SPLIT if out else split for split, out in zip(cache.splits, left_out, strict=True))
    return replace(cache, splits=splits, fingerprint=f"{cache.fingerprint}-{sum(left_out)}")


def as_many_subjects(index: DatasetIndex, disease: str, seed: int = 0) -> list[bool]:
    """Mark random subjects to leave out: in each split as many as have the disease."""
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
    """Train a posterior without these cases and without phantoms of the diseases; returns the model's folder."""
    if not (folder / "model.json").is_file():
        known = replace(index, entries=tuple(e for e, out in zip(index, left_out, strict=True) if not out))
        seen = without(cache, left_out)
        config = PosteriorConfig(phantoms=phantoms, phantoms_without=diseases, slices=700, calibration_cases=70)
        with Progress("none") as progress:
            train_posterior(load_model(model), known, seen, folder, config, name=folder.name, progress=progress)
    return str(folder)


def coverage_and_flags(model: LoadedModel, test: DatasetIndex, disease: str) -> None:
    """Print coverage of the 90 % intervals and flagged share, for the disease and for the others."""
    calibration = calibration_of(model.description, model.name)
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
    parser.add_argument("--data", type=Path, required=True, help="training cohort")
    parser.add_argument("--cache", type=Path, required=True, help="its training cache, created if missing")
    parser.add_argument("--test", type=Path, required=True, help="dataset whose test split is evaluated")
    parser.add_argument("--disease", default="hcm")
    parser.add_argument("--config", type=Path, default=_HERE / "shipped_model.json")
    parser.add_argument("--epochs", type=int, default=1, help="epochs of motion, the only stage")
    parser.add_argument("--phantoms", type=int, default=0, help="train a posterior with this many synthetic subjects")
    parser.add_argument("--known", help="a model of the same recipe that has seen all diseases")
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
            coverage_and_flags(load_model(folder), DatasetIndex.load(args.test), args.disease)
    return code


if __name__ == "__main__":
    sys.exit(main())
