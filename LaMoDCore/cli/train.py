"""`lamod train`: train a model on a dataset folder; under torchrun or srun, with several processes."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LaMoDCore.cli.shared.options import add_progress_option
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import Parts, Progress

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from LaMoDCore.baselines import BaselineConfig
    from LaMoDCore.networks.lamod import LaMoDModel
    from LaMoDCore.training.data.cache import TrainingCache
    from LaMoDCore.training.run.settings import TrainingConfig
    from LaMoDCore.training.run.stopping import StopRequest

HELP = "Train a model on a dataset folder, for example from `lamod phantom` or `lamod dense`; writes RUN/model."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="dataset folder")
    parser.add_argument("--out", required=True, type=Path, metavar="RUN", help="run folder")
    recipe = parser.add_mutually_exclusive_group()
    recipe.add_argument(
        "--preset",
        help="smoke, laptop, paper, paper-reduced or fine-tune (default laptop, or with --resume the run's own "
        "settings)",
    )
    recipe.add_argument("--config", type=Path, metavar="FILE", help="JSON file of settings")
    parser.add_argument(
        "--grid",
        type=Path,
        metavar="FILE",
        help="JSON object whose values are lists; each combination is trained in RUN/grid-001 …, and the best reported",
    )
    parser.add_argument(
        "--baseline", metavar="NAME", help="train strainnet, unetr or transunet instead, with the same settings"
    )
    parser.add_argument(
        "--size",
        choices=("reduced", "full"),
        default="reduced",
        help="size of the baseline network: reduced for two CPU cores, or full as published",
    )
    parser.add_argument("--init", metavar="MODEL", help="start from the weights of this model")
    parser.add_argument(
        "--freeze",
        default="",
        metavar="A,B",
        help="parts that are not trained: encoder, registration, decoder, denoiser",
    )
    parser.add_argument("--resume", action="store_true", help="continue from the run's last checkpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="number of processes that prepare the data")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder of prepared data, which runs can share (default RUN/cache)"
    )
    parser.add_argument(
        "--estimate", action="store_true", help="estimate the memory and time of the run without training"
    )
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    if find_spec("lightning_fabric") is None:
        raise LaMoDInputError("lamod train", "lightning-fabric is not installed", "run: pip install 'lamod[train]'")
    from LaMoDCore.models.run_folder import CHECKPOINT
    from LaMoDCore.prediction.device_check import choose_device
    from LaMoDCore.training.loop.engine import make_fabric
    from LaMoDCore.training.run.folder import PreparationProgress, RunFolder, claim_run_folder
    from LaMoDCore.training.run.starting_weights import LEFT_OUT, without_posterior
    from LaMoDCore.training.run.stopping import TrainingStopped, stop_on_signals

    baseline = _baseline(args) if args.baseline else None
    if args.resume and args.init is None:
        args.init = _started_from(args.out)
    given = _initial(args.init) if args.init else None
    initial = without_posterior(given) if given is not None else None
    config = _settings(args, initial)
    if not args.estimate and not args.resume and any(args.out.glob(f"**/{CHECKPOINT}")):
        raise LaMoDInputError(
            args.out.name, "it already contains a run", "add --resume to continue it, or choose another folder"
        )
    device, _ = choose_device(args.device)
    fabric = make_fabric(device, bf16=config.bf16)
    if initial is not given and fabric.is_global_zero:
        print(f"lamod: {LEFT_OUT.format(name=Path(args.init).name)}", file=sys.stderr)
    # Only one process reports.
    with Progress(args.progress if fabric.is_global_zero else "none") as progress:
        parts = Parts(progress, {"cache": 1, "training": 19})
        if args.estimate or args.grid is not None:  # no run in that folder itself
            if fabric.is_global_zero and (args.grid is not None or args.cache is None):
                claim_run_folder(args.out)
            cache = _open_cache(args, fabric, progress)
        else:
            folder = RunFolder(args.out, writes=fabric.is_global_zero)
            with folder.preparing():
                cache = _open_cache(args, fabric, PreparationProgress(parts.part("cache"), folder))
        if args.estimate:
            return _print_estimate(cache, config, fabric, baseline)
        parts.complete("cache")
        # Every combination of a grid is a run of its own.
        training = parts.part("training") if args.grid is None else progress
        with stop_on_signals() as stop:
            try:
                if baseline is not None:
                    return _train_baseline(args, config, baseline, cache, fabric, stop, training)
                return _train(args, config, cache, fabric, initial, stop, training)
            except TrainingStopped as stopped:
                progress.close()
                if fabric.is_global_zero:
                    print(f"lamod: {args.out.name}: {stopped}; add --resume to continue.", file=sys.stderr)
                return stop.exit_code


def _baseline(args: argparse.Namespace) -> BaselineConfig:
    from LaMoDCore.baselines import baseline_config

    for option in ("init", "grid", "freeze"):
        if getattr(args, option):
            raise LaMoDInputError(f"--{option}", "it cannot be used with a baseline", "omit it, or omit --baseline")
    try:
        return baseline_config(args.baseline, args.size)
    except ValueError as error:
        raise LaMoDInputError(f"--baseline {args.baseline}", str(error), "choose one of them") from error


def _started_from(run: Path) -> str | None:
    """The --init of the run that is resumed."""
    from LaMoDCore.runtime.json_file import read_json

    if not (run / "run.json").is_file():
        return None
    return read_json(run / "run.json", "start a new run in another folder").get("init")


def _initial(name: str) -> LaMoDModel:
    from LaMoDCore.models.folder import load_model
    from LaMoDCore.networks.lamod import LaMoDModel

    network = load_model(name).network
    if not isinstance(network, LaMoDModel):
        raise LaMoDInputError(f"--init {name}", "it is a baseline, not a LaMoD model", "choose a LaMoD model")
    return network


def _settings(args: argparse.Namespace, initial: LaMoDModel | None) -> TrainingConfig:
    from LaMoDCore.training.run.settings import PRESETS, TrainingConfig, read_config

    if args.preset is not None and args.preset not in PRESETS:
        raise LaMoDInputError(
            f"--preset {args.preset}", "there is no such preset", f"choose one of {', '.join(PRESETS)}"
        )
    own = args.out / "config.json"
    if args.config is None and args.preset is None and args.resume and own.is_file():
        config = read_config(own)
    else:
        config = read_config(args.config) if args.config else PRESETS[args.preset or "laptop"]
    if args.freeze:
        config = replace(config, freeze=tuple(name.strip() for name in args.freeze.split(",") if name.strip()))
    if initial is None:
        return config
    networks = replace(config.model, inference=initial.config.inference)
    if args.config is not None and initial.config != networks and config.model != TrainingConfig().model:
        raise LaMoDInputError(
            args.config.name,
            f"its networks do not match those of {args.init}, from whose weights the run starts",
            "remove the setting model from it, or omit --init",
        )
    return replace(config, model=initial.config)


def _open_cache(args: argparse.Namespace, fabric: Fabric, progress: Progress) -> TrainingCache:
    """Open the cache, which the first process creates while others wait; a resumed run does not need the dataset."""
    from LaMoDCore.training.data.cache import open_cache, open_finished_cache

    folder = args.cache or args.out / "cache"
    if args.resume and not (args.data / "dataset.json").is_file() and (folder / "index.json").is_file():
        print(f"lamod: {args.data.name} is missing; the run uses the data it has prepared.", file=sys.stderr)
        return open_finished_cache(folder)
    if fabric.is_global_zero:
        cache = open_cache(args.data, folder, workers=args.workers, progress=progress)
        print_left_out(cache)
    fabric.barrier()
    if fabric.world_size > 1:  # one copy in the page cache of each machine
        cache = open_finished_cache(folder, in_memory=False)
    if len(cache.indices("train", with_motion=True)) == 0:
        raise LaMoDInputError(
            args.data.name, "no training slice has measured displacement", "add cases with displacement.npz"
        )
    return cache


def print_left_out(cache: TrainingCache, most: int = 20) -> None:
    """Name the cases that the training leaves out, at most `most` of them."""
    for name, reason in list(cache.left_out.items())[:most]:
        print(f"left out {name}: {reason}")
    if len(cache.left_out) > most:
        print(f"left out {len(cache.left_out) - most} more; see index.json of the cache")


def _dataset(args: argparse.Namespace) -> dict[str, Any]:
    """Facts about the dataset for the model; for a missing dataset, those that the run recorded."""
    from LaMoDCore.runtime.json_file import read_json
    from LaMoDCore.training.data.dataset_facts import dataset_facts

    if (args.data / "dataset.json").is_file():
        return dataset_facts(args.data)
    earlier = args.out / "run.json"
    found = read_json(earlier, "start a new run in another folder").get("dataset") if earlier.is_file() else None
    return found if isinstance(found, dict) else {}


def _print_estimate(
    cache: TrainingCache, config: TrainingConfig, fabric: Fabric, baseline: BaselineConfig | None
) -> int:
    from LaMoDCore.training.networks.baseline import estimate_baseline
    from LaMoDCore.training.networks.train import estimate

    found = estimate(cache, config, fabric) if baseline is None else estimate_baseline(cache, config, baseline, fabric)
    if fabric.is_global_zero:
        free = "" if found.free_bytes is None else f" of {found.free_bytes / 2**30:.1f} GiB free"
        print(f"memory: about {found.memory_bytes / 2**30:.1f} GiB per process{free}")
        time = f"{found.seconds:.0f} s" if found.seconds < 90 else f"{found.seconds / 60:.0f} min"
        print(f"time: about {time} for all stages, without validation")
    return 0


def _train_baseline(
    args: argparse.Namespace,
    config: TrainingConfig,
    baseline: BaselineConfig,
    cache: TrainingCache,
    fabric: Fabric,
    stop: StopRequest,
    progress: Progress,
) -> int:
    from LaMoDCore.training.networks.baseline import train_baseline

    train_baseline(
        cache,
        args.out,
        config,
        baseline,
        fabric=fabric,
        resume=args.resume,
        stop=stop,
        about={"data": str(args.data.resolve())},
        progress=progress,
    )
    if fabric.is_global_zero:
        print(f"trained: {args.out / 'model'}")
    return 0


def _train(
    args: argparse.Namespace,
    config: TrainingConfig,
    cache: TrainingCache,
    fabric: Fabric,
    initial: LaMoDModel | None,
    stop: StopRequest,
    progress: Progress,
) -> int:
    from LaMoDCore.training.networks.train import train
    from LaMoDCore.training.run.grid import Combination, read_grid, search

    start = str(Path(args.init).resolve()) if args.init and Path(args.init).is_dir() else args.init
    about: dict[str, Any] = {"data": str(args.data.resolve()), "init": start, "dataset": _dataset(args)}

    def train_in(folder: Path, settings: TrainingConfig, resume: bool) -> None:
        train(
            cache,
            folder,
            settings,
            fabric=fabric,
            resume=resume,
            initial=initial,
            stop=stop,
            about=about,
            progress=progress,
        )

    if args.grid is None:
        train_in(args.out, config, args.resume)
        if fabric.is_global_zero:
            print(f"trained: {args.out / 'model'}")
        return 0

    def train_one(combination: Combination, folder: Path) -> None:
        progress.close()
        if fabric.is_global_zero:
            print(f"{combination.name}: {combination.changes}", file=sys.stderr)
        train_in(folder, combination.config, True)

    outcomes = search(read_grid(args.grid, config), args.out, train_one, writes=fabric.is_global_zero)
    if fabric.is_global_zero:
        best = outcomes[0]
        if best.failure:
            raise LaMoDInputError(
                args.grid.name, "no combination could be trained", f"the first failed: {best.failure}"
            )
        print(
            f"best: {args.out / best.combination.name / 'model'} ({best.measure} {best.value:.4f}), {args.out}/grid.md"
        )
    return 0
