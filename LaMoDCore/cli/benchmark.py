"""`lamod benchmark`: how fast prediction and the mathematics are, and how right, on this machine."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

HELP = "Time prediction by part, or the mathematics beside its plain twins, on this machine."

#: Subject -> module of LaMoDCore.benchmarks with `report(repeats) -> Iterator[str]`.
SUBJECTS = {"lddmm": "lddmm", "predict": "predict", "strain": "strain"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", choices=list(SUBJECTS), help="what to measure")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs, of which the best counts (5)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of torch (1)")


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
