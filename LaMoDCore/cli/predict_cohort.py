"""`lamod predict-cohort`: predict every case of a folder, with several processes or machines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from LaMoDCore.cli.shared.options import (
    add_convention_option,
    add_inference_options,
    add_labels_option,
    add_outputs_option,
    add_progress_option,
    inference_settings,
)
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.runtime.signals import exit_code

HELP = (
    "Predict every case of a dataset folder, or of a folder of mask files. A repeated call predicts only the missing "
    "cases; failed cases do not stop the others and are listed at the end. Under torchrun or srun the processes share "
    "the cases."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "cohort", metavar="DATASET", type=Path,
        help="dataset folder, or a folder in which every mask file and every subfolder is one case",
    )  # fmt: skip
    parser.add_argument("--out", required=True, metavar="DIR", type=Path, help="folder for results and tables")
    parser.add_argument("--split", choices=("train", "val", "test"), help="only this split of a dataset")
    add_labels_option(parser, "the values of plain mask files")
    add_convention_option(
        parser,
        "It applies to every case and takes precedence over case.json (default: that of case.json; for mask files that "
        "of the contour engine that drew them; otherwise auto)",
    )
    add_outputs_option(parser, "all but report and html")
    parser.add_argument("--report", action="store_true", help="draw report.png and report.pdf for every case")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes, one thread each (default 1, on all threads)"
    )
    add_inference_options(parser)
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.cohort import predict_cohort
    from LaMoDCore.cohort.shards import shard_from_environment

    shard = shard_from_environment()
    inference = inference_settings(args)
    if args.contour_convention is not None:
        inference["contour_convention"] = args.contour_convention
    if shard.count > 1 and inference["device"] in ("auto", "cuda"):
        import torch

        if torch.cuda.is_available():
            inference["device"] = f"cuda:{shard.local_rank % torch.cuda.device_count()}"
    try:
        with Progress(args.progress) as progress:
            outcome = predict_cohort(
                args.cohort,
                args.out,
                inference,
                split=args.split,
                labels=args.labels,
                report=args.report or "report" in (args.outputs or ()),
                outputs=args.outputs,
                workers=max(1, args.workers),
                shard=shard,
                progress=progress,
            )
    except KeyboardInterrupt as interruption:
        print(f"lamod: interrupted; finished cases are kept in {args.out}, the same command resumes.", file=sys.stderr)
        return exit_code(interruption)
    who = f"process {shard.rank + 1} of {shard.count}: " if shard.count > 1 else ""
    print(
        f"{who}{counted(outcome.cases, 'case')}: {outcome.predicted} predicted, {outcome.kept} already present, "
        f"{len(outcome.failures)} failed; {outcome.seconds:.0f} s"
    )
    for case_id, reason in outcome.failures.items():
        print(f"  failed {case_id}: {reason}")
    print(f"{who}results are in {args.out / 'summary.csv'}")
    # A launcher ends its other processes when one fails, so only a single process reports by its exit code that
    # there are no results.
    return 1 if shard.count == 1 and outcome.predicted + outcome.kept == 0 else 0
