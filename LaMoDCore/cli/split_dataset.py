"""`lamod split-dataset`: whole subjects, site by site, into train, val and test."""

from __future__ import annotations

import argparse
from pathlib import Path

from LaMoDCore.io.dataset.folder import SPLITS, DatasetIndex
from LaMoDCore.io.dataset.split import SplitCount, count_splits, propose_split, with_split, write_split
from LaMoDCore.runtime.errors import LaMoDInputError

HELP = "Deal a dataset's subjects into train, val and test, evenly from every site, and write that into dataset.json."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DIR", type=Path, help="the folder with dataset.json")
    parser.add_argument(
        "--shares", default="0.7,0.15,0.15", metavar="A,B,C", help="of the subjects, for train, val and test"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed deals otherwise (default 0)")
    parser.add_argument("--preview", action="store_true", help="say what would come of it, and write nothing")


def run(args: argparse.Namespace) -> int:
    index = DatasetIndex.load(args.dataset)
    try:
        shares = tuple(float(part) for part in args.shares.split(","))
        split_of = propose_split(index.entries, shares, args.seed)
    except ValueError as fault:
        raise LaMoDInputError(
            f"--shares {args.shares}", str(fault), "give three shares such as 0.7,0.15,0.15"
        ) from None
    entries = with_split(index.entries, split_of)
    print(_table(count_splits(entries)))
    if not args.preview:
        write_split(args.dataset, split_of)
    return 0


def _table(counts: list[SplitCount]) -> str:
    rows = [f"{'site':16}" + "".join(f"{split:>24}" for split in SPLITS)]
    for site in sorted({count.site for count in counts}):
        cells = [f"{c.subjects} subjects, {c.cases} cases" for c in counts if c.site == site]
        rows.append(f"{site or 'not known':16}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(rows)
