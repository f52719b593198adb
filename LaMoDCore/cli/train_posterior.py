"""`lamod train-posterior`: add samples, intervals and the unlike-training flag to a deterministic model."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from LaMoDCore.cli.shared.options import add_progress_option
from LaMoDCore.cli.train import print_left_out
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import Parts, Progress

HELP = (
    "Add uncertainty to a trained model: the diffusion of the motion latent, calibrated 90 % intervals and the "
    "unlike-training flag. Its encoder and decoder do not change."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="NAME|DIR", help="the trained model")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="dataset folder with train and val")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="prepared slices, created if missing (default OUT-cache)"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="model folder to write")
    parser.add_argument(
        "--run", type=Path, metavar="DIR", help="folder of the run: status, log, checkpoint (default OUT-run)"
    )
    parser.add_argument("--resume", action="store_true", help="continue from the run's last checkpoint")
    parser.add_argument("--name", default="", help="name of the new model (default: that of the old model)")
    parser.add_argument(
        "--phantoms",
        type=int,
        default=0,
        metavar="N",
        help="synthetic subjects whose contours are added to those of the dataset (0; lamod-phantom-v2: 40000)",
    )
    parser.add_argument(
        "--randomised",
        type=int,
        default=0,
        metavar="N",
        help="synthetic subjects from a wider distribution, for hearts unlike the phantoms "
        "(0; lamod-phantom-v2: 30000; 110000 subjects of both kinds take 13 GB of memory)",
    )
    parser.add_argument(
        "--engine-share",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the synthetic slices drawn with the errors of an automatic contour engine "
        "(0; lamod-phantom-v2: 0.2)",
    )
    parser.add_argument(
        "--conventions",
        action="store_true",
        help="make the contour convention an input of the estimate from contours, learnt from synthetic readers",
    )
    parser.add_argument(
        "--roughness",
        action="store_true",
        help="make the roughness of the contours an input of it, so that smooth contours are trusted more",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="number of processes that prepare the dataset and generate the synthetic subjects",
    )
    parser.add_argument(
        "--slices", type=int, default=1500, metavar="N", help="training slices for the posterior (1500)"
    )
    parser.add_argument(
        "--cases", type=int, default=100, metavar="N", help="validation cases for the calibration (100)"
    )
    parser.add_argument(
        "--weak-segments",
        type=int,
        default=0,
        metavar="N",
        help="slices of synthetic subjects from the wider distribution to which wider intervals of segments that "
        "contract less than their wall are fitted (0: without them; lamod-phantom-v2: 400)",
    )
    parser.add_argument("--epochs", type=int, default=80, metavar="N", help="epochs of the denoiser (80)")
    parser.add_argument("--samples", type=int, default=8, metavar="N", help="number of samples of a prediction (8)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default 0)")
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    if find_spec("lightning_fabric") is None:
        raise LaMoDInputError(
            "lamod train-posterior", "lightning-fabric is not installed", "run: pip install 'lamod[train]'"
        )
    from LaMoDCore.io.dataset.folder import DatasetIndex
    from LaMoDCore.models.folder import CONTENTS, load_model
    from LaMoDCore.models.run_folder import CHECKPOINT
    from LaMoDCore.runtime.output.new_folder import check_new_folder
    from LaMoDCore.training.data.cache import open_cache
    from LaMoDCore.training.posterior.motion_latent_stage import GenerativeConfig
    from LaMoDCore.training.posterior.residuals import fully_measured
    from LaMoDCore.training.posterior.train import PosteriorConfig, train_posterior
    from LaMoDCore.training.run.folder import PreparationProgress, RunFolder
    from LaMoDCore.training.run.stopping import TrainingStopped, stop_on_signals
    from LaMoDCore.training.run.watch import read_run

    optional = (args.phantoms, args.randomised, args.weak_segments)
    if min(args.slices, args.cases, args.epochs) < 1 or args.samples < 2 or min(optional) < 0:
        raise LaMoDInputError(
            "--slices, --cases, --epochs, --samples, --phantoms, --randomised, --weak-segments",
            "too small",
            "give 1 or more, 2 samples, 0 synthetic subjects",
        )
    run_folder = args.run or args.out.with_name(f"{args.out.name}-run")
    if args.resume and read_run(run_folder).state == "finished" and (args.out / "model.json").is_file():
        print(f"{args.out} is finished already")
        return 0
    if not args.resume and (run_folder / CHECKPOINT).is_file():
        raise LaMoDInputError(
            run_folder.name, "it already contains a run", "add --resume to continue it, or choose another folder"
        )
    if not 0 <= args.engine_share <= 1:
        raise LaMoDInputError("--engine-share", "out of range", "give a share from 0 to 1")
    if (args.conventions or args.engine_share) and not args.phantoms + args.randomised:
        raise LaMoDInputError(
            "--conventions, --engine-share", "there are no synthetic readers", "add --phantoms or --randomised"
        )
    check_new_folder(args.out, CONTENTS, [args.data])
    base = load_model(args.model)
    index = DatasetIndex.load_usable(args.data)
    standard = PosteriorConfig()
    config = PosteriorConfig(
        contours=replace(standard.contours, conventions=args.conventions, roughness=args.roughness),
        engine_share=args.engine_share,
        training=GenerativeConfig(epochs=args.epochs, seed=args.seed),
        phantoms=args.phantoms,
        randomised=args.randomised,
        slices=args.slices,
        calibration_cases=args.cases,
        weak_segment_slices=args.weak_segments,
        samples=args.samples,
    )
    with Progress(args.progress) as progress, stop_on_signals() as stop:
        parts = Parts(progress, {"cache": 1, "posterior": 9})
        try:
            folder = RunFolder(run_folder)
            with folder.preparing():
                prepared = PreparationProgress(parts.part("cache"), folder, stop)
                files = args.cache or args.out.with_name(f"{args.out.name}-cache")
                cache = open_cache(args.data, files, workers=max(args.workers, 1), progress=prepared)
            parts.complete("cache")
            print_left_out(cache)
            usable = [fully_measured(cache, cache.indices(split, with_motion=True)) for split in ("train", "val")]
            if min(map(len, usable)) < 2:
                raise LaMoDInputError(
                    args.data.name,
                    "it has fewer than two training or validation slices whose motion is measured in every frame",
                    "add cases with such a displacement.npz",
                )
            train_posterior(
                base,
                index,
                cache,
                args.out,
                config,
                run=run_folder,
                resume=args.resume,
                stop=stop,
                name=args.name,
                workers=max(args.workers, 1),
                progress=parts.part("posterior"),
            )
        except TrainingStopped as stopped:
            progress.close()
            print(f"lamod: {run_folder.name}: {stopped}; add --resume to continue.", file=sys.stderr)
            return stop.exit_code
    print(f"wrote {args.out}")
    return 0
