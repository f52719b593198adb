"""`lamod validate-dataset`: what is wrong with a dataset folder, before training finds out."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict

from LaMoDCore.io.dataset.checks import Finding, check_dataset
from LaMoDCore.io.dataset.folder import COHORTS, SPLITS, DatasetIndex
from LaMoDCore.runtime.progress import PROGRESS_MODES, Progress

HELP = (
    "Check a dataset folder: files, shapes, geometry, times, masks, motion, pairs and splits. "
    "Exit code 0: nothing is wrong; 3: something must be looked at."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DIR", help="the folder with dataset.json")
    parser.add_argument("--max-lines", type=int, default=50, help="findings to print (default 50; 0: all)")
    parser.add_argument("--json", action="store_true", help="print all findings as one JSON array instead")
    parser.add_argument("--progress", choices=PROGRESS_MODES, default="bar", help="how to show progress")


def run(args: argparse.Namespace) -> int:
    with Progress(args.progress) as progress:
        index, findings = check_dataset(args.dataset, progress)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings]))
        return 3 if findings else 0
    print(_table(index))
    shown = findings if args.max_lines <= 0 else findings[: args.max_lines]
    for finding in sorted(shown, key=lambda f: f.severity != "error"):
        print(_line(finding))
    if len(shown) < len(findings):
        print(f"… and {len(findings) - len(shown)} more (--max-lines 0 shows all).")
    counts = Counter(finding.severity for finding in findings)
    print(f"{len(index)} cases: {counts['error']} errors, {counts['warning']} warnings.")
    return 3 if findings else 0


def _line(finding: Finding) -> str:
    where = f"{finding.case}: " if finding.case else ""
    return f"{finding.severity}: {where}{finding.message}"


def _table(index: DatasetIndex) -> str:
    """Cases and subjects by cohort and split."""
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
