"""`lamod train`: a model from a dataset folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from LaMoDCore.commands.options import add_progress_option
from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.progress import Progress

HELP = "Train a model on a dataset folder (`lamod phantom` or `lamod dense` write one); RUN/model is the result."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="dataset folder")
    parser.add_argument("--out", required=True, type=Path, metavar="RUN", help="the run's folder")
    recipe = parser.add_mutually_exclusive_group()
    recipe.add_argument("--preset", default="laptop", help="smoke, laptop or paper (default laptop)")
    recipe.add_argument("--config", type=Path, metavar="FILE", help="JSON file of settings")
    parser.add_argument("--init", metavar="MODEL", help="start from this model's weights")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that prepare the data")
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.devices import resolve_device
    from LaMoDCore.models import lamod_network, load_model
    from LaMoDCore.training.cache import open_cache
    from LaMoDCore.training.runner import train
    from LaMoDCore.training.settings import PRESETS, read_config

    if args.config is None and args.preset not in PRESETS:
        raise LaMoDInputError(
            f"--preset {args.preset}", "there is no such preset", f"choose one of {', '.join(PRESETS)}"
        )
    config = read_config(args.config) if args.config else PRESETS[args.preset]
    device, _ = resolve_device(args.device)
    if args.out.exists() and not args.resume and any(args.out.glob("checkpoint.*")):
        raise LaMoDInputError(
            args.out.name, "it already holds a run", "add --resume to go on with it, or choose another folder"
        )
    initial = lamod_network(load_model(args.init)) if args.init else None
    with Progress(args.progress) as progress:
        cache = open_cache(args.data, args.out / "cache", workers=args.workers, progress=progress)
        if len(cache.indices("train", with_motion=True)) == 0:
            raise LaMoDInputError(
                args.data.name, "no training slice has measured displacement", "add cases with displacement.npz"
            )
        train(cache, args.out, config, device=device, resume=args.resume, initial=initial, progress=progress)
    print(f"trained: {args.out / 'model'}")
    return 0
