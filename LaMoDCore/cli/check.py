"""`lamod check`: are the contours fit for strain, and where must somebody look?"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.cli.options import (
    add_inference_options,
    add_insertion_options,
    add_labels_option,
    add_progress_option,
    inference_settings,
)

if TYPE_CHECKING:
    from LaMoDCore.contours.check import ContourReport
    from LaMoDCore.heart.case import Case, CineSlice
    from LaMoDCore.io.case.drawn_slices import DrawnHeart
    from LaMoDCore.runtime.progress import Progress
    from LaMoDCore.studies.pixel_cost import SliceFragility
    from LaMoDCore.studies.strain_difference import StrainDifference
    from LaMoDCore.studies.two_readers import SliceAgreement

HELP = (
    "Check contours frame by frame: empty frames, open rings, holes, islands, jumps in place, area and thickness, "
    "register with the cine. Exit code 0: nothing to look at; 3: something must be looked at."
)
_OURS = re.compile(
    r"findings\.(json|csv|png)|readers\.csv|readers_slice\d+\.png|readers_strain\.(csv|png)|fragility\.(csv|png)"
    r"|contours_slice\d+\.seq\.nrrd|mended_.+"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("masks", nargs="+", metavar="MASKS", type=Path, help="masks of the myocardium over the cycle")
    parser.add_argument("--cine", nargs="+", default=[], metavar="PATH", type=Path, help="the cine pictures")
    add_labels_option(parser, "the mask's values")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON instead of a table")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write findings.json, .csv and a picture to this folder"
    )
    parser.add_argument(
        "--fix",
        metavar="islands,holes,missing,smooth",
        type=_fix_names,
        default=(),
        help="mend what is safe to mend and write it to --out in the format that it came in; the original is kept",
    )
    parser.add_argument(
        "--second",
        nargs="+",
        metavar="MASKS",
        type=Path,
        help="a second reader's masks: how far both lie apart, and the difference in strain that it makes",
    )
    parser.add_argument("--no-strain", action="store_true", help="compare two readers' contours alone")
    parser.add_argument(
        "--fragility",
        action="store_true",
        help="also predict strain with contours a pixel in and out: how far each segment's Ecc moves",
    )
    add_insertion_options(parser)
    add_inference_options(parser)
    add_progress_option(parser)
    parser.add_argument("--max-lines", type=int, default=40, help="lines of findings to print (default 40; 0: all)")


def _fix_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in ("islands", "holes", "missing", "smooth")]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of islands, holes, missing, smooth")
    return names


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.contours.check import check_contours
    from LaMoDCore.contours.report_files import as_dictionary, write_findings
    from LaMoDCore.io.case.drawn_slices import read_drawn_heart
    from LaMoDCore.runtime.atomic import check_new_folder, new_folder
    from LaMoDCore.runtime.errors import LaMoDInputError
    from LaMoDCore.runtime.progress import Progress

    if args.fix and args.out is None:
        raise LaMoDInputError("--fix", "there is nowhere to write what is mended", "name a new folder with --out")
    if args.out is not None:
        check_new_folder(args.out, _is_ours, "a contour report")
    heart = read_drawn_heart(args.masks, cine=args.cine, labels=args.labels)
    slices = [drawn.slice for drawn in heart.slices]
    report = check_contours(slices, heart.reference_frame)
    insertions = _insertions(slices, heart.reference_frame)
    said: dict[str, Any] = {**as_dictionary(report), "notes": list(heart.notes), "rv_insertion_lps": insertions}
    if not args.json:
        _print_report(report, args.max_lines)
        for name, point in insertions.items():
            print(f"RV insertion of {name}: {','.join(f'{v:g}' for v in point)} (LPS mm)")
    readers = _second_reader(args, slices) if args.second else []
    with Progress(args.progress) as progress:
        strain = _strain_of_readers(args, progress) if args.second and not args.no_strain else ()
        fragility = _fragility(args, progress) if args.fragility else ()
    mended = _mended(args, heart) if args.fix else slices
    if readers:
        said["second_reader"] = [agreement.as_dictionary() for _, _, agreement in readers]
    if strain:
        said["strain_difference"] = [part.as_dictionary() for part in strain]
    if fragility:
        said["fragility"] = [part.as_dictionary() for part in fragility]
    if args.json:
        print(json.dumps(said, indent=1, ensure_ascii=False))
    if args.out is not None:
        with new_folder(args.out, _is_ours, "a contour report") as folder:
            write_findings(report, slices, folder)
            _write_readers(readers, strain, folder)
            _write_fragility(fragility, folder)
            _write_contours(args, heart, mended, folder)
    return 0 if report.is_clean else 3


def _insertions(slices: Sequence[CineSlice], reference_frame: int) -> dict[str, list[float]]:
    """The anterior RV insertion of each slice in which one was found, on its epicardium; an open ring has none."""
    from LaMoDCore.contours.insertion import InsertionPoints
    from LaMoDCore.heart.ring.mask import is_closed_ring

    points = InsertionPoints.found(slices, reference_frame)
    found = {}
    for k, slice_ in enumerate(slices):
        frame = min(reference_frame, slice_.frames - 1)
        point = points.at(k, slice_, frame) if is_closed_ring(slice_.myocardium[frame]) else None
        if point is not None:
            found[slice_.name] = [round(float(v), 2) for v in point]
    return found


def _is_ours(name: str) -> bool:
    return _OURS.fullmatch(name) is not None


def _print_report(report: ContourReport, max_lines: int) -> None:
    from LaMoDCore.contours.report_files import finding_lines, lights_text

    print(lights_text(report))
    lines = finding_lines(report.findings)
    shown = lines if max_lines <= 0 else lines[:max_lines]
    for line in shown:
        print(line)
    if len(shown) < len(lines):
        print(f"… and {len(lines) - len(shown)} more (--max-lines 0 shows all).")
    to_look_at = len({(f.slice_index, f.frame) for f in report.findings})
    drawn = f"{_counted(len(report.slice_names), 'slice')}, {_counted(sum(report.frames), 'frame')}"
    print(f"{drawn}: {to_look_at} to look at.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _second_reader(
    args: argparse.Namespace, slices: Sequence[CineSlice]
) -> list[tuple[CineSlice, CineSlice, SliceAgreement]]:
    """Both readers' slices and how they agree."""
    from LaMoDCore.io.case.drawn_slices import read_drawn_heart
    from LaMoDCore.runtime.errors import LaMoDInputError
    from LaMoDCore.studies.two_readers import agreement_text, compare_contours

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


def _case(args: argparse.Namespace, masks: Sequence[Path]) -> Case:
    from LaMoDCore.io import load_case

    return load_case(
        masks,
        cine=args.cine or None,
        labels=args.labels,
        rv_insertion_lps=args.rv_insertion,
        slice_insertions_lps=args.slice_insertion,
    )


def _strain_of_readers(args: argparse.Namespace, progress: Progress) -> tuple[StrainDifference, ...]:
    from LaMoDCore.studies.strain_difference import compare_strain, difference_text

    first, second = (_case(args, masks) for masks in (args.masks, args.second))
    parts = compare_strain(first, second, progress=progress, **inference_settings(args))
    if not args.json:
        print(difference_text(parts))
    return parts


def _fragility(args: argparse.Namespace, progress: Progress) -> tuple[SliceFragility, ...]:
    from LaMoDCore.studies.pixel_cost import fragility_text, measure_fragility

    parts = measure_fragility(_case(args, args.masks), progress=progress, **inference_settings(args))
    if not args.json:
        print(fragility_text(parts))
    return parts


def _mended(args: argparse.Namespace, heart: DrawnHeart) -> list[CineSlice]:
    from LaMoDCore.contours.repair import end_frames, mend

    slices = [drawn.slice for drawn in heart.slices]
    mended = []
    for slice_ in slices:
        alike = [s for s in slices if s.frames == slice_.frames]
        mended.append(mend(slice_, args.fix, end_frames(alike, min(heart.reference_frame, slice_.frames - 1))))
    if not args.json:
        for before, after in zip(slices, mended, strict=True):
            changed = before.myocardium != after.myocardium
            frames = np.flatnonzero(changed.any(axis=(1, 2)))
            which = ", ".join(map(str, frames)) or "none"
            print(f"{before.name}: mended frames {which} ({int(changed.sum())} pixels)")
    return mended


def _write_readers(
    readers: Sequence[tuple[CineSlice, CineSlice, SliceAgreement]], strain: Sequence[StrainDifference], folder: Path
) -> None:
    from LaMoDCore.studies.strain_difference import difference_csv, draw_difference
    from LaMoDCore.studies.two_readers import agreement_csv, draw_agreement

    if readers:
        text = agreement_csv([agreement for _, _, agreement in readers])
        (folder / "readers.csv").write_text(text, encoding="utf-8", newline="")
    for number, (first, second, agreement) in enumerate(readers, start=1):
        draw_agreement(first, second, agreement, folder / f"readers_slice{number}.png")
    if strain:
        (folder / "readers_strain.csv").write_text(difference_csv(strain), encoding="utf-8", newline="")
        draw_difference(strain, folder / "readers_strain.png")


def _write_fragility(fragility: Sequence[SliceFragility], folder: Path) -> None:
    from LaMoDCore.studies.pixel_cost_files import draw_fragility, fragility_csv

    if fragility:
        (folder / "fragility.csv").write_text(fragility_csv(fragility), encoding="utf-8", newline="")
        draw_fragility(fragility, folder / "fragility.png")


def _write_contours(args: argparse.Namespace, heart: DrawnHeart, mended: Sequence[CineSlice], folder: Path) -> None:
    """What was mended, in the format that it came in, and contours of other programs as masks."""
    from LaMoDCore.contours.repair import write_mended
    from LaMoDCore.io.contours.dicom_seg_writer import pictures_in_plane, write_dicom_segmentation
    from LaMoDCore.io.contours.foreign import is_foreign
    from LaMoDCore.io.files.image_file import is_dicom

    foreign = [slice_ for drawn, slice_ in zip(heart.slices, mended, strict=True) if is_foreign(drawn.source)]
    _write_masks(foreign, folder)
    sources = dict.fromkeys(drawn.source for drawn in heart.slices if not is_foreign(drawn.source))
    for source in sources if args.fix else ():
        if not is_dicom(source):
            write_mended(heart.slices, mended, source, folder / f"mended_{source.name}")
            continue
        for number, (drawn, slice_) in enumerate(zip(heart.slices, mended, strict=True), start=1):
            if drawn.source == source:
                pictures = pictures_in_plane(slice_, args.cine)
                write_dicom_segmentation(folder / f"mended_{source.stem}_slice{number}", slice_, pictures)


def _write_masks(slices: Sequence[CineSlice], folder: Path) -> None:
    """Contours that came from another program, as masks that `lamod predict` and Slicer read."""
    from LaMoDCore.io.case.drawn_slices import FOREIGN_LABELS
    from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

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
