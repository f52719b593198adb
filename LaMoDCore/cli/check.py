"""`lamod check`: check contours, repair them, compare two readers, and measure the effect of one pixel."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LaMoDCore.cli.shared.notes import print_notes
from LaMoDCore.cli.shared.options import (
    add_convention_option,
    add_inference_options,
    add_insertion_options,
    add_labels_option,
    add_mask_frames_option,
    add_progress_option,
    inference_settings,
)
from LaMoDCore.runtime.plain_text import counted

if TYPE_CHECKING:
    from LaMoDCore.contours.check import ContourReport
    from LaMoDCore.contours.review import SliceReview
    from LaMoDCore.heart.case import Case, CineSlice
    from LaMoDCore.heart.notes import Note
    from LaMoDCore.io.case.drawn_slices import DrawnHeart
    from LaMoDCore.runtime.progress import Progress
    from LaMoDCore.studies.fragility import SliceFragility
    from LaMoDCore.studies.two_readers import SliceAgreement, StrainDifference

HELP = (
    "Check contours frame by frame: empty frames, open rings, holes, islands, jumps in position, area and thickness, "
    "registration with the cine. For automatic contours it also shows which frames are unsure or reviewed. Exit code "
    "0: no findings; 3: findings, or unsure frames that nobody has reviewed. With --cohort it checks many cases."
)
#: Contents of the output folder, for its marker.
_CONTENTS = "a contour report"
#: Options that concern one heart.
_OF_ONE_CASE = (
    *("cine", "mask_frames", "rr", "json", "fix", "second", "no_strain", "fragility"),
    *("rv_insertion", "slice_insertion", "contour_convention"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("masks", nargs="+", metavar="MASKS", type=Path, help="masks of the myocardium over the cycle")
    parser.add_argument("--cine", nargs="+", default=[], metavar="PATH", type=Path, help="the cine images")
    add_mask_frames_option(parser)
    add_labels_option(parser, "the values of the masks")
    parser.add_argument("--rr", type=float, metavar="MS", help="R–R interval, if the files have none or a wrong one")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON instead of a table")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write findings.json, findings.csv and findings.png to this folder"
    )
    parser.add_argument(
        "--cohort",
        action="store_true",
        help="MASKS is a dataset folder, or a folder in which every mask file and every subfolder is one case: write "
        "the findings of every case to --out, and checks.csv with one row per case",
    )
    parser.add_argument(
        "--html",
        action="store_true",
        help="with --cohort: also write index.html and a page per case for browsers; it needs the package bokeh",
    )
    parser.add_argument("--split", choices=("train", "val", "test"), help="with --cohort: only this split of a dataset")
    parser.add_argument(
        "--fix",
        metavar="islands,holes,missing,smooth",
        type=_fix_names,
        default=(),
        help="apply these fixes and write the repaired masks to --out in the input's format; the original is kept",
    )
    parser.add_argument(
        "--second",
        nargs="+",
        metavar="MASKS",
        type=Path,
        help="a second reader's masks: compare the contours, and the strain predicted from them",
    )
    parser.add_argument("--no-strain", action="store_true", help="with --second: compare the contours only")
    parser.add_argument(
        "--fragility",
        action="store_true",
        help="also compute the fragility: each segment's change in Ecc per pixel of contour shift",
    )
    add_insertion_options(parser)
    add_convention_option(
        parser,
        "One for all slices, or one per slice from base to apex, separated by commas; used by the predictions of "
        "--second and --fragility (default: that of the contour engine for automatic contours, else auto)",
        several=True,
    )
    add_inference_options(parser)
    add_progress_option(parser)
    parser.add_argument(
        "--max-lines", type=int, default=40, help="number of lines of findings to print (default 40; 0: all)"
    )


def _fix_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in ("islands", "holes", "missing", "smooth")]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of islands, holes, missing, smooth")
    return names


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.contours.check import check_contours
    from LaMoDCore.contours.report_files import as_dictionary, write_findings
    from LaMoDCore.contours.review import review_of
    from LaMoDCore.runtime.errors import LaMoDInputError
    from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder
    from LaMoDCore.runtime.progress import Progress

    if args.cohort:
        return _run_cohort(args)
    for option in ("html", "split"):
        if getattr(args, option):
            raise LaMoDInputError(f"--{option}", "it is for many cases", f"add --cohort or leave out --{option}")
    if args.fix and args.out is None:
        raise LaMoDInputError("--fix", "there is no folder for the repaired masks", "name a new folder with --out")
    if args.out is not None:
        check_new_folder(args.out, _CONTENTS, [*args.masks, *args.cine, *(args.second or [])])
    heart = _drawn_heart(args, args.masks)
    slices = [drawn.slice for drawn in heart.slices]
    report = check_contours(slices, heart.reference_frame, [drawn.partly_drawn for drawn in heart.slices])
    reviews = review_of(slices)
    insertions = _insertions(slices, heart.reference_frame)
    notes = _notes(args, heart)
    content: dict[str, Any] = {
        **as_dictionary(report, reviews),
        "notes": [note.to_dict() for note in notes],
        "rv_insertion_lps": insertions,
    }
    if not args.json:
        _print_report(report, reviews, args.max_lines)
        of_table = {finding.fault.code for finding in report.findings}
        print_notes(note for note in notes if note.code not in of_table)
        for name, point in insertions.items():
            print(f"RV insertion of {name}: {','.join(f'{v:g}' for v in point)} (LPS mm)")
    readers = _second_reader(args, slices) if args.second else []
    with Progress(args.progress) as progress:
        strain = _strain_of_readers(args, progress) if args.second and not args.no_strain else ()
        fragility = _fragility(args, progress) if args.fragility else ()
    repaired = _repaired(args, heart) if args.fix else slices
    if readers:
        content["second_reader"] = [agreement.as_dictionary() for _, _, agreement in readers]
    if strain:
        content["strain_difference"] = [part.as_dictionary() for part in strain]
    if fragility:
        content["fragility"] = [part.as_dictionary() for part in fragility]
    if args.json:
        print(json.dumps(content, indent=1, ensure_ascii=False))
    if args.out is not None:
        with new_folder(args.out, _CONTENTS, "check") as folder:
            write_findings(report, slices, folder)
            _write_readers(readers, strain, folder)
            _write_fragility(fragility, folder)
            _write_contours(args, heart, repaired, folder)
    faulty = any(note.severity == "error" for note in notes)
    return 3 if faulty or not report.is_clean or any(review and review.unsure for review in reviews) else 0


def _run_cohort(args: argparse.Namespace) -> int:
    """Check many cases; one line per case that needs a person."""
    from LaMoDCore.cohort.contour_checks import check_cohort, refuse_all_failed
    from LaMoDCore.report.html.bokeh_script import check_bokeh
    from LaMoDCore.runtime.errors import LaMoDInputError
    from LaMoDCore.runtime.progress import Progress

    for name in _OF_ONE_CASE:
        if getattr(args, name):
            option = "--" + name.replace("_", "-")
            raise LaMoDInputError(option, "it is for a single heart", f"leave out {option} or --cohort")
    if len(args.masks) != 1:
        raise LaMoDInputError("--cohort", f"{len(args.masks)} paths are given", "name one folder")
    if args.out is None:
        raise LaMoDInputError("--cohort", "there is no folder for the reports", "name a new folder with --out")
    if args.html:
        check_bokeh()
    with Progress(args.progress) as progress:
        found = check_cohort(
            args.masks[0], args.out, split=args.split, labels=args.labels, html=args.html, progress=progress
        )
    wanting = [case for case in found if not case.is_clean]
    shown = wanting if args.max_lines <= 0 else wanting[: args.max_lines]
    for case in shown:
        unsure = f", {case.unsure} unsure" if case.unsure else ""
        print(f"{case.id}: {case.failure or f'{case.repair} to repair, {case.look} to look at{unsure}; {case.note}'}")
    if len(shown) < len(wanting):
        print(f"… and {len(wanting) - len(shown)} more (--max-lines 0 shows all).")
    failed = sum(bool(case.failure) for case in found)
    print(f"{counted(len(found), 'case')}: {len(wanting) - failed} to look at, {failed} failed; reports in {args.out}")
    refuse_all_failed(found, args.masks[0])
    return 3 if wanting else 0


def _drawn_heart(args: argparse.Namespace, masks: Sequence[Path]) -> DrawnHeart:
    from LaMoDCore.io.case.drawn_slices import read_drawn_heart

    return read_drawn_heart(masks, cine=args.cine, labels=args.labels, rr_ms=args.rr, mask_frames=args.mask_frames)


def _notes(args: argparse.Namespace, heart: DrawnHeart) -> tuple[Note, ...]:
    """The notes that `lamod predict` would print, except those on the predicted motion."""
    from LaMoDCore.contours.input_notes import input_notes
    from LaMoDCore.io.contours.foreign import is_foreign

    if any(is_foreign(path) for path in args.masks):
        return heart.notes
    return input_notes(
        args.masks,
        cine=args.cine,
        labels=args.labels,
        heart=heart,
        rr_ms=args.rr,
        mask_frames=args.mask_frames,
        rv_insertion_lps=args.rv_insertion,
        slice_insertions_lps=args.slice_insertion,
    )


def _insertions(slices: Sequence[CineSlice], reference_frame: int) -> dict[str, list[float]]:
    """Find the anterior RV insertion of each slice, on its epicardium; slices with an open ring have none."""
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


def _print_report(report: ContourReport, reviews: Sequence[SliceReview | None], max_lines: int) -> None:
    from LaMoDCore.contours.report_files import finding_lines, lights_text, status_text

    print(lights_text(report))
    lines = finding_lines(report)
    shown = lines if max_lines <= 0 else lines[:max_lines]
    for line in shown:
        print(line)
    if len(shown) < len(lines):
        print(f"… and {len(lines) - len(shown)} more (--max-lines 0 shows all).")
    flagged = len({(f.slice_index, f.frame) for f in report.findings})
    checked = f"{counted(len(report.slice_names), 'slice')}, {counted(sum(report.frames), 'frame')}"
    print(f"{checked}: {flagged} to look at.")
    if status := status_text(report, reviews):
        print(status)
    if not all(review is None or review.origin.is_reviewed for review in reviews):
        print("Correct them where necessary; then accept them with lamod contour --accept FILE.")


def _second_reader(
    args: argparse.Namespace, slices: Sequence[CineSlice]
) -> list[tuple[CineSlice, CineSlice, SliceAgreement]]:
    """Pair each slice as drawn by both readers with their agreement."""
    from LaMoDCore.runtime.errors import LaMoDInputError
    from LaMoDCore.studies.two_readers import agreement_text, compare_contours

    heart = _drawn_heart(args, args.second)
    second = [drawn.slice for drawn in heart.slices]
    if len(second) != len(slices):
        raise LaMoDInputError(
            args.second[0],
            f"the second reader drew {counted(len(second), 'slice')}, the first {len(slices)}",
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
        rr_ms=args.rr,
        mask_frames=args.mask_frames,
        rv_insertion_lps=args.rv_insertion,
        slice_insertions_lps=args.slice_insertion,
        contour_convention=args.contour_convention,
    )


def _strain_of_readers(args: argparse.Namespace, progress: Progress) -> tuple[StrainDifference, ...]:
    from LaMoDCore.studies.two_readers import compare_strain, difference_text

    first, second = (_case(args, masks) for masks in (args.masks, args.second))
    parts = compare_strain(first, second, progress=progress, **inference_settings(args))
    if not args.json:
        print(difference_text(parts))
    return parts


def _fragility(args: argparse.Namespace, progress: Progress) -> tuple[SliceFragility, ...]:
    from LaMoDCore.studies.fragility import fragility_text, measure_fragility

    parts = measure_fragility(_case(args, args.masks), progress=progress, **inference_settings(args))
    if not args.json:
        print(fragility_text(parts))
    return parts


def _repaired(args: argparse.Namespace, heart: DrawnHeart) -> list[CineSlice]:
    import numpy as np

    from LaMoDCore.contours.repair import apply_fixes, end_frames

    slices = [drawn.slice for drawn in heart.slices]
    repaired = []
    for slice_ in slices:
        same_length = [s for s in slices if s.frames == slice_.frames]
        keep = end_frames(same_length, min(heart.reference_frame, slice_.frames - 1))
        repaired.append(apply_fixes(slice_, args.fix, keep))
    if not args.json:
        for before, after in zip(slices, repaired, strict=True):
            changed = before.myocardium != after.myocardium
            frames = np.flatnonzero(changed.any(axis=(1, 2)))
            which = ", ".join(map(str, frames)) or "none"
            print(f"{before.name}: repaired frames {which} ({counted(int(changed.sum()), 'pixel')})")
    return repaired


def _write_readers(
    readers: Sequence[tuple[CineSlice, CineSlice, SliceAgreement]], strain: Sequence[StrainDifference], folder: Path
) -> None:
    from LaMoDCore.studies.two_readers import agreement_csv, difference_csv, draw_agreement, draw_difference

    if readers:
        text = agreement_csv([agreement for _, _, agreement in readers])
        (folder / "readers.csv").write_text(text, encoding="utf-8", newline="")
    for number, (first, second, agreement) in enumerate(readers, start=1):
        draw_agreement(first, second, agreement, folder / f"readers_slice{number}.png")
    if strain:
        (folder / "readers_strain.csv").write_text(difference_csv(strain), encoding="utf-8", newline="")
        draw_difference(strain, folder / "readers_strain.png")


def _write_fragility(fragility: Sequence[SliceFragility], folder: Path) -> None:
    from LaMoDCore.studies.fragility import draw_fragility, fragility_csv

    if fragility:
        (folder / "fragility.csv").write_text(fragility_csv(fragility), encoding="utf-8", newline="")
        draw_fragility(fragility, folder / "fragility.png")


def _write_contours(args: argparse.Namespace, heart: DrawnHeart, repaired: Sequence[CineSlice], folder: Path) -> None:
    """Write repaired masks in the input's format, and contours from other programs as masks.

    Masks that were joined, or assigned to frames of the cine, become one sequence per slice.
    """
    from LaMoDCore.contours.repair import write_repaired
    from LaMoDCore.io.contours.dicom_seg_writer import pictures_in_plane, write_dicom_segmentation
    from LaMoDCore.io.contours.foreign import is_foreign
    from LaMoDCore.io.files.image_file import is_dicom

    foreign = [slice_ for drawn, slice_ in zip(heart.slices, repaired, strict=True) if is_foreign(drawn.source)]
    for number, slice_ in enumerate(foreign, start=1):
        _write_masks(slice_, folder / f"contours_slice{number}.seq.nrrd")
    sources = dict.fromkeys(drawn.source for drawn in heart.slices if not is_foreign(drawn.source))
    for source in sources if args.fix else ():
        own = [
            (number, drawn, slice_)
            for number, (drawn, slice_) in enumerate(zip(heart.slices, repaired, strict=True), start=1)
            if drawn.source == source
        ]
        if not is_dicom(source) and all(drawn.as_stored for _, drawn, _ in own):
            write_repaired(heart.slices, repaired, source, folder / f"repaired_{source.name}")
            continue
        for number, _, slice_ in own:
            if is_dicom(source):
                pictures = pictures_in_plane(slice_, args.cine)
                write_dicom_segmentation(folder / f"repaired_{source.stem}_slice{number}", slice_, pictures)
            else:
                _write_masks(slice_, folder / f"repaired_{source.name.split('.')[0]}_slice{number}.seq.nrrd")


def _write_masks(slice_: CineSlice, path: Path) -> None:
    """Write the contours of a slice as masks that `lamod predict` and Slicer read."""
    import numpy as np

    from LaMoDCore.io.case.drawn_slices import FOREIGN_LABELS
    from LaMoDCore.io.images.frame_stack import LABEL_KEY
    from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

    labels = np.zeros(slice_.myocardium.shape, dtype=np.uint8)
    for structure, value in (
        (slice_.right_ventricle, FOREIGN_LABELS.right_ventricle),
        (slice_.cavity, FOREIGN_LABELS.cavity),
        (slice_.myocardium, FOREIGN_LABELS.myocardium),
    ):
        if structure is not None and value is not None:
            labels[structure] = value
    write_seq_nrrd(
        path,
        labels[:, None],
        slice_.grid.ijk_to_lps,
        slice_.frame_times_ms,
        node_class="vtkMRMLLabelMapVolumeNode",
        rr_ms=slice_.rr_ms,
        metadata={LABEL_KEY: FOREIGN_LABELS.option},
    )
