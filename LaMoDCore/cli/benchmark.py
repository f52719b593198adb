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


def run(args: argparse.Namespace) -> int:
    if args.repeats < 1 or args.threads < 1:
        from LaMoDCore.runtime.errors import LaMoDInputError

        raise LaMoDInputError("--repeats, --threads", "both must be at least 1", "give a larger number")
    import torch

    from LaMoDCore.benchmarks.timing import load_line

    torch.set_num_threads(args.threads)
    print(f"{load_line()}, {args.threads} thread(s), best of {args.repeats}")
    for line in import_module(f"LaMoDCore.benchmarks.{SUBJECTS[args.subject]}").report(args.repeats):
        print(line)
        sys.stdout.flush()
    return 0
