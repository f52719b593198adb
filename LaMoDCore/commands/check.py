"""`lamod check`: are the contours fit for strain, and where must somebody look?"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.commands.options import add_inference_options, add_progress_option, inference_settings, numbers

if TYPE_CHECKING:
    from LaMoDCore.case import CineSlice
    from LaMoDCore.contours.two_readers import SliceAgreement

HELP = (
    "Check contours frame by frame: empty frames, open rings, holes, islands, jumps in place, area and thickness, "
    "register with the cine. Exit code 0: nothing to look at; 3: something must be looked at."
)
_OURS = re.compile(r"findings\.(json|csv|png)|readers\.csv|readers_slice\d+\.png|contours_slice\d+\.seq\.nrrd")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("masks", nargs="+", metavar="MASKS", type=Path, help="masks of the myocardium over the cycle")
    parser.add_argument("--cine", nargs="+", default=[], metavar="PATH", type=Path, help="the cine pictures")
    parser.add_argument("--labels", metavar="myo=2,rv=1", help="what the mask's values mean")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON instead of a table")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write findings.json, .csv and a picture to this folder"
    )
    parser.add_argument("--second", nargs="+", metavar="MASKS", type=Path, help="a second reader's masks: compare both")
    parser.add_argument(
        "--fragility",
        action="store_true",
        help="also predict strain with contours a pixel in and out: how far each segment's Ecc moves",
    )
    parser.add_argument("--rv-insertion", metavar="X,Y,Z", type=numbers(3), help="where segments start, LPS mm")
    add_inference_options(parser)
    add_progress_option(parser)
    parser.add_argument("--max-lines", type=int, default=40, help="findings to print (default 40; 0: all)")


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.contours.check import check_contours
    from LaMoDCore.contours.report_files import as_dictionary, findings_text, lights_text, write_findings
    from LaMoDCore.io.atomic import new_folder
    from LaMoDCore.io.drawn_slices import FOREIGN_LABELS, read_drawn_heart

    heart = read_drawn_heart(args.masks, cine=args.cine, labels=args.labels)
    slices = [drawn.slice for drawn in heart.slices]
    report = check_contours(slices, heart.reference_frame)
    said: dict[str, Any] = {**as_dictionary(report), "notes": list(heart.notes)}
    if not args.json:
        print(lights_text(report))
        shown = report.findings if args.max_lines <= 0 else report.findings[: args.max_lines]
        if shown:
            print(findings_text(shown))
        if len(shown) < len(report.findings):
            print(f"… and {len(report.findings) - len(shown)} more (--max-lines 0 shows all).")
        frames = len({(f.slice_index, f.frame) for f in report.findings})
        print(f"{len(slices)} slices, {sum(report.frames)} frames: {frames} to look at.")
    readers = _second_reader(args, slices) if args.second else []
    if readers:
        said["second_reader"] = [agreement.as_dictionary() for _, _, agreement in readers]
    if args.fragility:
        said["fragility"] = _fragility(args)
    if args.json:
        print(json.dumps(said, indent=1, ensure_ascii=False))
    if args.out is not None:
        with new_folder(args.out, lambda name: _OURS.fullmatch(name) is not None, "a contour report") as folder:
            write_findings(report, slices, folder)
            _write_readers(readers, folder)
            _write_masks([drawn.slice for drawn in heart.slices if drawn.labels == FOREIGN_LABELS], folder)
    return 0 if report.is_clean else 3


def _second_reader(
    args: argparse.Namespace, slices: Sequence[CineSlice]
) -> list[tuple[CineSlice, CineSlice, SliceAgreement]]:
    """Both readers' slices and how they agree."""
    from LaMoDCore.contours.two_readers import agreement_text, compare_contours
    from LaMoDCore.errors import LaMoDInputError
    from LaMoDCore.io.drawn_slices import read_drawn_heart

    second = [drawn.slice for drawn in read_drawn_heart(args.second, cine=args.cine, labels=args.labels).slices]
    if len(second) != len(slices):
        raise LaMoDInputError(
            args.second[0],
            f"the second reader drew {len(second)} slices and the first {len(slices)}",
            "compare contours of the same slices",
        )
    pairs = [(a, b, compare_contours(a, b)) for a, b in zip(slices, second, strict=True)]
    if not args.json:
        print(agreement_text([agreement for _, _, agreement in pairs]))
    return pairs


def _write_readers(readers: Sequence[tuple[CineSlice, CineSlice, SliceAgreement]], folder: Path) -> None:
    from LaMoDCore.contours.two_readers import agreement_csv, draw_agreement

    if not readers:
        return
    text = agreement_csv([agreement for _, _, agreement in readers])
    (folder / "readers.csv").write_text(text, encoding="utf-8", newline="")
    for number, (first, second, agreement) in enumerate(readers, start=1):
        draw_agreement(first, second, agreement, folder / f"readers_slice{number}.png")


def _write_masks(slices: Sequence[CineSlice], folder: Path) -> None:
    """Contours that came from another program, as masks that `lamod predict` and Slicer read."""
    from LaMoDCore.io.drawn_slices import FOREIGN_LABELS
    from LaMoDCore.io.seq_nrrd import write_seq_nrrd

    for number, slice_ in enumerate(slices, start=1):
        labels = slice_.myocardium * np.uint8(FOREIGN_LABELS.myocardium)
        if slice_.cavity is not None and FOREIGN_LABELS.cavity is not None:
            labels = labels + (slice_.cavity & ~slice_.myocardium) * np.uint8(FOREIGN_LABELS.cavity)
        write_seq_nrrd(
            folder / f"contours_slice{number}.seq.nrrd",
            labels[:, None].astype(np.uint8),
            slice_.grid.ijk_to_lps,
            slice_.frame_times_ms,
            node_class="vtkMRMLLabelMapVolumeNode",
            rr_ms=slice_.rr_ms,
        )


def _fragility(args: argparse.Namespace) -> list[dict[str, Any]]:
    from LaMoDCore.contours.fragility import fragility_text, measure_fragility
    from LaMoDCore.io import load_case
    from LaMoDCore.progress import Progress

    case = load_case(args.masks, cine=args.cine or None, labels=args.labels, rv_insertion_lps=args.rv_insertion)
    with Progress(args.progress) as progress:
        parts = measure_fragility(case, progress=progress, **inference_settings(args))
    if not args.json:
        print(fragility_text(parts))
    return [part.as_dictionary() for part in parts]
