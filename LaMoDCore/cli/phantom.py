"""`lamod phantom`: a cohort of synthetic hearts as a dataset folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.runtime.progress import PROGRESS_MODES, Progress
from LaMoDCore.runtime.signals import exit_code

if TYPE_CHECKING:
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

HELP = "Write a cohort of synthetic hearts, with exact motion, as a dataset folder for training and testing."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from LaMoDCore.phantom.heart.diseases import DISEASES

    parser.add_argument("--out", required=True, metavar="DIR", help="dataset folder to write")
    parser.add_argument(
        "--count",
        type=int,
        metavar="N",
        help="number of subjects; each has four slices (base, two mid levels, apex), and each slice is a case "
        "(two cases, DENSE and cine, with --paired)",
    )
    parser.add_argument("--seed", type=int, help="random seed; the same seed gives the same bytes (default 0)")
    parser.add_argument(
        "--diseases",
        metavar="A,B,…",
        help=f"equal shares of these diseases instead of the default mix: {', '.join(DISEASES)}",
    )
    parser.add_argument("--sites", type=int, help="number of sites that the subjects are spread over (default 4)")
    parser.add_argument("--split", help="shares of train, val and test subjects (default 0.72,0.14,0.14)")
    parser.add_argument("--no-annotator", action="store_true", help="write the true masks, without annotators' errors")
    parser.add_argument(
        "--trabeculae",
        type=float,
        metavar="MM",
        help="largest layer of the inner wall that readers leave out at end-diastole and draw at end-systole, as many "
        "readers do (default 4, which reproduces the wall thickness of real manual contours; 0: none)",
    )
    parser.add_argument(
        "--paired",
        action="store_true",
        help="write a DENSE and a cine scan of every slice, each on its own grid and frames, instead of one case on "
        "the canonical 40 frames of 128 × 128 pixels of 1 mm",
    )
    parser.add_argument("--cine", action="store_true", help="also write cine images")
    parser.add_argument(
        "--dense-pictures",
        action="store_true",
        help="with --paired: also write the DENSE scans' magnitude and wrapped phase to cases/ID-dense/dense, as "
        "`lamod dense` reads them",
    )
    parser.add_argument(
        "--recipe",
        metavar="FILE",
        help="read all options above except --out, --cine and --dense-pictures from a JSON file such as "
        "phantom-test-v1.json or the phantom.json of another cohort",
    )
    parser.add_argument("--subset", metavar="NAME", help="write only the cases of this subset in the recipe file")
    parser.add_argument(
        "--no-report", action="store_true", help="do not write statistics.md and contact-sheet.png of the cohort"
    )
    parser.add_argument("--workers", type=int, default=0, help="number of processes (default: one per core)")
    parser.add_argument("--resume", action="store_true", help="resume an interrupted cohort, or enlarge one")
    parser.add_argument("--progress", choices=PROGRESS_MODES, default="bar", help="how to show progress")


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.phantom.cohort.build import write_cohort

    recipe, only = _recipe_file(args) if args.recipe else (_recipe(_options(args), "lamod phantom"), None)
    try:
        with Progress(args.progress) as progress:
            cases = write_cohort(
                args.out,
                recipe,
                only=only,
                report=not args.no_report,
                workers=max(args.workers, 0),
                resume=args.resume,
                progress=progress,
            )
    except KeyboardInterrupt as interruption:
        print(f"lamod: interrupted; finished cases are kept in {args.out}. Resume with --resume.", file=sys.stderr)
        return exit_code(interruption)
    print(f"{args.out}: {counted(recipe.count, 'subject')}, {counted(cases, 'case')}.")
    return 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """The keys of the recipe that were given on the command line."""
    options: dict[str, Any] = {name: getattr(args, name) for name in ("count", "seed", "sites")}
    options = {name: value for name, value in options.items() if value is not None}
    if args.diseases:
        options["diseases"] = {name.strip(): 1.0 for name in args.diseases.split(",")}
    if args.split:
        try:
            options["split"] = [float(share) for share in args.split.split(",")]
        except ValueError:
            raise LaMoDInputError(
                f"--split {args.split}", "it is not three numbers", "give three shares such as 0.72,0.14,0.14"
            ) from None
    if args.no_annotator:
        options["annotated"] = False
    if args.trabeculae is not None:
        options["trabeculae_mm"] = args.trabeculae
    if args.paired:
        options["scans"] = "paired"
    return options | _pictures(args)


def _pictures(args: argparse.Namespace) -> dict[str, Any]:
    """The keys for pictures. The cohort does not depend on them, so they may be combined with a recipe file."""
    wanted = {"pictures": args.cine, "dense_pictures": args.dense_pictures}
    return {name: True for name, value in wanted.items() if value}


def _recipe(options: dict[str, Any], source: str) -> CohortRecipe:
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

    if "count" not in options:
        raise LaMoDInputError(source, "the number of subjects is missing", "give --count N")
    try:
        return CohortRecipe.from_json(options)
    except (ValueError, TypeError) as error:
        raise LaMoDInputError(source, str(error), "see `lamod phantom --help`") from None


def _recipe_file(args: argparse.Namespace) -> tuple[CohortRecipe, list[str] | None]:
    from LaMoDCore.runtime.json_file import read_json
    from LaMoDCore.runtime.schema import FolderName, ListOf, Record, refuse_faults

    refused = [name for name in _options(args) if name not in _pictures(args)]
    if refused:
        raise LaMoDInputError(
            "--recipe",
            f"it cannot be combined with options for {', '.join(refused)}",
            "leave out these options or --recipe",
        )
    path = Path(args.recipe)
    content = read_json(path, "name a recipe file")
    # a recipe, or a recipe with named subsets of its cases
    refuse_faults(Record({"recipe": Record({}), "subsets": Record({})}).faults(content), path, "name a recipe file")
    recipe = _recipe(dict(content.get("recipe", content)) | _pictures(args), str(path))
    if args.subset is None:
        return recipe, None
    subsets = content.get("subsets", {})
    if args.subset not in subsets:
        raise LaMoDInputError(
            path, f"it has no subset {args.subset!r}", f"name one of {', '.join(subsets) or 'none: leave --subset out'}"
        )
    refuse_faults(ListOf(FolderName()).faults(subsets[args.subset], args.subset), path, "name the cases of the subset")
    return recipe, list(subsets[args.subset])
