"""`lamod check`: are the contours fit for strain, and where must somebody look?"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

HELP = (
    "Check contours frame by frame: empty frames, open rings, holes, islands, jumps in place, area and thickness, "
    "register with the cine. Exit code 0: nothing to look at; 3: something must be looked at."
)
_OURS = re.compile(r"findings\.(json|csv|png)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("masks", nargs="+", metavar="MASKS", type=Path, help="masks of the myocardium over the cycle")
    parser.add_argument("--cine", nargs="+", default=[], metavar="PATH", type=Path, help="the cine pictures")
    parser.add_argument("--labels", metavar="myo=2,rv=1", help="what the mask's values mean")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON instead of a table")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write findings.json, .csv and a picture to this folder"
    )
    parser.add_argument("--max-lines", type=int, default=40, help="findings to print (default 40; 0: all)")


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.contours.check import check_contours
    from LaMoDCore.contours.report_files import as_dictionary, findings_text, lights_text, write_findings
    from LaMoDCore.io.atomic import new_folder
    from LaMoDCore.io.drawn_slices import read_drawn_heart

    heart = read_drawn_heart(args.masks, cine=args.cine, labels=args.labels)
    slices = [drawn.slice for drawn in heart.slices]
    report = check_contours(slices, heart.reference_frame)
    if args.json:
        print(json.dumps({**as_dictionary(report), "notes": list(heart.notes)}, indent=1, ensure_ascii=False))
    else:
        print(lights_text(report))
        shown = report.findings if args.max_lines <= 0 else report.findings[: args.max_lines]
        if shown:
            print(findings_text(shown))
        if len(shown) < len(report.findings):
            print(f"… and {len(report.findings) - len(shown)} more (--max-lines 0 shows all).")
        frames = len({(f.slice_index, f.frame) for f in report.findings})
        print(f"{len(slices)} slices, {sum(report.frames)} frames: {frames} to look at.")
    if args.out is not None:
        with new_folder(args.out, lambda name: _OURS.fullmatch(name) is not None, "a contour report") as folder:
            write_findings(report, slices, folder)
    return 0 if report.is_clean else 3
