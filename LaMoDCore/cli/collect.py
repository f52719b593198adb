"""`lamod collect`: one dataset out of several."""

from __future__ import annotations

import argparse
from pathlib import Path

from LaMoDCore.io.dataset.collection import collect

HELP = "Copy the cases of datasets into one, such as scans that `lamod dense` analysed one by one."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="DATASET", type=Path, help="datasets; they stay as they are")
    parser.add_argument("--into", required=True, metavar="DIR", type=Path, help="the dataset that they are put into")


def run(args: argparse.Namespace) -> int:
    index = collect(args.sources, args.into)
    print(f"{args.into}: {len(index)} cases of {len({entry.subject for entry in index})} subjects.")
    return 0
