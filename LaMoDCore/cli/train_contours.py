"""`lamod train-contours`: train a contour engine on synthetic scenes."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from LaMoDCore.cli.shared.options import add_progress_option
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import Progress

HELP = (
    "Train a contour engine on synthetic scenes of the phantom, with random contrast; it needs no patient data. "
    "The folder it writes is used with `lamod contour --engine DIR`."
)

_NEEDED = {"lightning_fabric": "lightning-fabric is not installed", "onnx": "onnx is not installed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="engine folder to write")
    parser.add_argument(
        "--run", type=Path, metavar="DIR", help="folder of the run: status, log, checkpoint (default OUT-run)"
    )
    parser.add_argument("--resume", action="store_true", help="continue from the run's last checkpoint")
    parser.add_argument("--name", default="", help="name of the engine (default: the folder's)")
    parser.add_argument(
        "--pictures", type=int, default=110_000, metavar="N", help="number of training pictures (110000)"
    )
    parser.add_argument(
        "--subjects",
        type=int,
        default=600,
        metavar="N",
        help="number of synthetic subjects, 11 scenes and 0.9 MB of memory each (600)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default 0)")
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="number of processes that draw the scenes (2)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        metavar="N",
        help="threads of the network (1); another thread draws the pictures",
    )
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    for package, reason in _NEEDED.items():
        if find_spec(package) is None:
            raise LaMoDInputError("lamod train-contours", reason, "run: pip install 'lamod[train]'")
    from LaMoDCore.models.run_folder import CHECKPOINT
    from LaMoDCore.training.contours.stage import ContourEngineTraining
    from LaMoDCore.training.contours.train import ContourEngineConfig, train_contours
    from LaMoDCore.training.run.stopping import TrainingStopped, stop_on_signals

    training = ContourEngineTraining(pictures=args.pictures, seed=args.seed)
    if args.pictures < training.batch_size or min(args.subjects, args.workers, args.threads) < 1 or args.seed < 0:
        raise LaMoDInputError(
            "--pictures, --subjects, --workers, --threads, --seed",
            "too small",
            f"give at least {training.batch_size} pictures, 1 subject, 1 process, 1 thread and seed 0",
        )
    run_folder = args.run or args.out.with_name(f"{args.out.name}-run")
    if not args.resume and (run_folder / CHECKPOINT).is_file():
        raise LaMoDInputError(
            run_folder.name, "it already contains a run", "add --resume to continue it, or choose another folder"
        )
    with Progress(args.progress) as progress, stop_on_signals() as stop:
        try:
            train_contours(
                args.out,
                ContourEngineConfig(training=training, subjects=args.subjects),
                run=run_folder,
                name=args.name,
                resume=args.resume,
                stop=stop,
                workers=args.workers,
                threads=args.threads,
                progress=progress,
            )
        except TrainingStopped as stopped:
            progress.close()
            print(f"lamod: {run_folder.name}: {stopped}; add --resume to continue.", file=sys.stderr)
            return stop.exit_code
    print(f"wrote {args.out}")
    return 0
