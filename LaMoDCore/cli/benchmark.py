"""`lamod benchmark`: measure the speed of prediction, LDDMM and strain on this machine, and their accuracy."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

HELP = "Time prediction by stage, or compare LDDMM and strain with their reference implementations, on this machine."

#: Subject -> module of LaMoDCore.benchmarks with `report(repeats) -> Iterator[str]`.
SUBJECTS = {"lddmm": "lddmm", "predict": "predict", "strain": "strain"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", choices=list(SUBJECTS), help="part to measure")
    parser.add_argument(
        "--repeats", type=int, default=5, metavar="N", help="number of runs; the fastest counts (default 5)"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="number of torch threads (default 1)")
    whole = parser.add_argument_group("a whole heart (predict only)")
    whole.add_argument(
        "--slices", type=int, metavar="N", help="predict a synthetic heart of N slices once, and time each part"
    )
    whole.add_argument("--to-files", action="store_true", help="also write the result, and time each of its parts")
    whole.add_argument("--frames", type=int, default=25, metavar="N", help="number of frames (default 25)")
    whole.add_argument(
        "--pixels",
        type=int,
        default=128,
        metavar="N",
        help="pixels of 1.4 mm along each side (default 128)",
    )
    whole.add_argument("--samples", type=int, default=8, metavar="N", help="number of samples (default 8)")
    whole.add_argument("--json", action="store_true", help="print the measurements as JSON")


def run(args: argparse.Namespace) -> int:
    _check(args)
    import torch

    torch.set_num_threads(args.threads)
    if args.slices is not None:
        _whole_heart(args)
        return 0
    from LaMoDCore.benchmarks.timing import load_line

    print(f"{load_line()}, {args.threads} thread(s), best of {args.repeats}")
    for line in import_module(f"LaMoDCore.benchmarks.{SUBJECTS[args.subject]}").report(args.repeats):
        print(line)
        sys.stdout.flush()
    return 0


def _check(args: argparse.Namespace) -> None:
    from LaMoDCore.runtime.errors import LaMoDInputError

    if args.repeats < 1 or args.threads < 1:
        raise LaMoDInputError("--repeats, --threads", "both must be at least 1", "give a larger number")
    if args.slices is None:
        if args.to_files or args.json:
            option = "--to-files" if args.to_files else "--json"
            raise LaMoDInputError(option, "it needs the size of a heart", "add --slices N")
    elif args.subject != "predict":
        raise LaMoDInputError("--slices", f"it does not apply to {args.subject}", "leave it out, or measure predict")
    limits = {"--slices": (1 if args.slices is None else args.slices, 1, 100), "--frames": (args.frames, 8, 200)}
    limits |= {"--pixels": (args.pixels, 64, 1024), "--samples": (args.samples, 1, 64)}
    for option, (value, low, high) in limits.items():
        if not low <= value <= high:
            raise LaMoDInputError(option, f"{value} is out of range", f"give {low} to {high}")


def _whole_heart(args: argparse.Namespace) -> None:
    import json

    from LaMoDCore.benchmarks.whole_heart import HeartSize, measure

    found = measure(HeartSize(args.slices, args.frames, args.pixels), args.samples, to_files=args.to_files)
    print(json.dumps(found.to_json(), indent=1) if args.json else "\n".join(found.lines()))
