"""`lamod phantom`: a cohort of synthetic hearts as a dataset folder."""

from __future__ import annotations

import argparse

from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.phantom.cohort import CohortRecipe, write_cohort
from LaMoDCore.phantom.diseases import DISEASES
from LaMoDCore.progress import PROGRESS_MODES, Progress

HELP = "Write a cohort of synthetic hearts, with exact motion, as a dataset folder for training and testing."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="DIR", help="the dataset folder to write")
    parser.add_argument(
        "--count",
        required=True,
        type=int,
        metavar="N",
        help="number of subjects; each has four slices (base, two mid levels, apex), each a case",
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default 0)")
    parser.add_argument(
        "--diseases",
        metavar="A,B,…",
        help=f"equal shares of these instead of the usual mix: {', '.join(DISEASES)}",
    )
    parser.add_argument("--sites", type=int, default=4, help="sites that the subjects are spread over (default 4)")
    parser.add_argument(
        "--split",
        default="0.72,0.14,0.14",
        help="shares of train, val and test subjects (default 0.72,0.14,0.14)",
    )
    parser.add_argument("--no-annotator", action="store_true", help="write true masks, without annotators' errors")
    parser.add_argument("--workers", type=int, default=0, help="processes (default: one a core)")
    parser.add_argument(
        "--resume", action="store_true", help="go on with a cohort that was interrupted, or make it larger"
    )
    parser.add_argument("--progress", choices=PROGRESS_MODES, default="bar", help="how to show progress")


def run(args: argparse.Namespace) -> int:
    recipe = _recipe(args)
    with Progress(args.progress) as progress:
        cases = write_cohort(args.out, recipe, workers=max(args.workers, 0), resume=args.resume, progress=progress)
    print(f"{args.out}: {recipe.count} subjects, {cases} cases.")
    return 0


def _recipe(args: argparse.Namespace) -> CohortRecipe:
    options: dict[str, object] = {}
    if args.diseases:
        options["diseases"] = tuple((name.strip(), 1.0) for name in args.diseases.split(","))
    try:
        shares = tuple(float(share) for share in args.split.split(","))
        if len(shares) != 3:
            raise ValueError(f"the split has three shares, got {args.split}")
    except ValueError as fault:
        raise LaMoDInputError("--split", str(fault), "give three shares such as 0.72,0.14,0.14") from None
    try:
        return CohortRecipe(
            count=args.count,
            seed=args.seed,
            sites=args.sites,
            split=shares,
            annotated=not args.no_annotator,
            **options,  # type: ignore[arg-type]
        )
    except ValueError as fault:
        raise LaMoDInputError("lamod phantom", str(fault), "see `lamod phantom --help`") from None
