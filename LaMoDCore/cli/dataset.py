"""`lamod dataset`: check a dataset folder, assign its subjects to splits, and combine datasets."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.cli.shared.options import add_progress_option
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.runtime.progress import Progress

if TYPE_CHECKING:
    from LaMoDCore.io.dataset.checks import Finding
    from LaMoDCore.io.dataset.folder import DatasetIndex
    from LaMoDCore.io.dataset.split import SplitCount

HELP = "Check a dataset folder, assign its subjects to train, val and test, or combine datasets."
_VALIDATE = (
    "Check a dataset folder: files, shapes, geometry, times, masks, motion, pairs and splits. "
    "Exit code 0: no findings; 3: findings."
)
_SPLIT = "Assign whole subjects to train, val and test, balanced by site, and write the splits into dataset.json."
_COLLECT = "Copy the cases of several datasets into one, for example scans that `lamod dense` analysed one by one."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="{validate,split,collect}")
    _add_validate(actions.add_parser("validate", help=_VALIDATE, description=_VALIDATE))
    _add_split(actions.add_parser("split", help=_SPLIT, description=_SPLIT))
    _add_collect(actions.add_parser("collect", help=_COLLECT, description=_COLLECT))


def _add_validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DIR", help="the folder with dataset.json")
    parser.add_argument("--max-lines", type=int, default=50, help="number of findings to print (default 50; 0: all)")
    parser.add_argument("--json", action="store_true", help="print all findings as one JSON array instead")
    add_progress_option(parser)
    parser.set_defaults(act=_validate)


def _add_split(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DIR", type=Path, help="the folder with dataset.json")
    parser.add_argument(
        "--shares", default="0.7,0.15,0.15", metavar="A,B,C", help="shares of the subjects for train, val and test"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed of the assignment (default 0)")
    parser.add_argument("--preview", action="store_true", help="print the resulting splits without writing them")
    parser.set_defaults(act=_split)


def _add_collect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources", nargs="+", metavar="DATASET", type=Path, help="datasets to copy; they stay unchanged"
    )
    parser.add_argument("--into", required=True, metavar="DIR", type=Path, help="the dataset to copy them into")
    parser.set_defaults(act=_collect)


def run(args: argparse.Namespace) -> int:
    return int(args.act(args))


def _validate(args: argparse.Namespace) -> int:
    from LaMoDCore.io.dataset.checks import check_dataset

    with Progress(args.progress) as progress:
        index, findings = check_dataset(args.dataset, progress)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings]))
        return 3 if findings else 0
    print(_contents_table(index))
    shown = findings if args.max_lines <= 0 else findings[: args.max_lines]
    for finding in sorted(shown, key=lambda f: f.severity != "error"):
        print(_line(finding))
    if len(shown) < len(findings):
        print(f"… and {len(findings) - len(shown)} more (--max-lines 0 shows all).")
    counts = Counter(finding.severity for finding in findings)
    numbers = ", ".join(counted(counts[severity], severity) for severity in ("error", "warning"))
    print(f"{counted(len(index), 'case')}: {numbers}.")
    return 3 if findings else 0


def _split(args: argparse.Namespace) -> int:
    from LaMoDCore.io.dataset.folder import DatasetIndex
    from LaMoDCore.io.dataset.split import count_splits, propose_split, with_split, write_split

    index = DatasetIndex.load(args.dataset)
    try:
        shares = tuple(float(part) for part in args.shares.split(","))
        split_of = propose_split(index.entries, shares, args.seed)
    except ValueError as error:
        raise LaMoDInputError(
            f"--shares {args.shares}", str(error), "give three shares such as 0.7,0.15,0.15"
        ) from None
    entries = with_split(index.entries, split_of)
    print(_split_table(count_splits(entries)))
    if not args.preview:
        write_split(args.dataset, split_of)
    return 0


def _collect(args: argparse.Namespace) -> int:
    from LaMoDCore.io.dataset.collection import collect

    index = collect(args.sources, args.into)
    subjects = len({entry.subject for entry in index})
    print(f"{args.into}: {counted(len(index), 'case')} of {counted(subjects, 'subject')}.")
    return 0


def _line(finding: Finding) -> str:
    where = f"{finding.case}: " if finding.case else ""
    return f"{finding.severity}: {where}{finding.message}"


def _contents_table(index: DatasetIndex) -> str:
    """Cases and subjects by cohort and split."""
    from LaMoDCore.io.dataset.folder import COHORTS, SPLITS

    lines = [f"{'cohort':8}" + "".join(f"{split:>18}" for split in SPLITS)]
    for cohort in COHORTS:
        cells = []
        for split in SPLITS:
            entries = index.select(split=split, cohort=cohort)
            cells.append(f"{len(entries)} of {len({e.subject for e in entries})} subj.")
        lines.append(f"{cohort:8}" + "".join(f"{cell:>18}" for cell in cells))
    diseases = Counter(entry.disease or "not known" for entry in index)
    lines.append("cases by disease: " + ", ".join(f"{name} {count}" for name, count in sorted(diseases.items())))
    sites = Counter(entry.site for entry in index)
    lines.append("cases by site: " + ", ".join(f"{name} {count}" for name, count in sorted(sites.items())))
    return "\n".join(lines)


def _split_table(counts: list[SplitCount]) -> str:
    """Subjects and cases by site and split."""
    from LaMoDCore.io.dataset.folder import SPLITS

    rows = [f"{'site':16}" + "".join(f"{split:>24}" for split in SPLITS)]
    for site in sorted({count.site for count in counts}):
        cells = [f"{counted(c.subjects, 'subject')}, {counted(c.cases, 'case')}" for c in counts if c.site == site]
        rows.append(f"{site or 'not known':16}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(rows)
