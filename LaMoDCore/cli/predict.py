"""`lamod predict`: predict motion and strain from masks."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.cli.contour import add_engine_options
from LaMoDCore.cli.shared.answer import answer_line
from LaMoDCore.cli.shared.long_axis import (
    add_long_axis_options,
    check_long_axis_alone,
    check_long_axis_options,
    is_long_axis_alone,
    long_axis_files,
    read_long_axis,
)
from LaMoDCore.cli.shared.notes import print_notes
from LaMoDCore.cli.shared.options import (
    add_convention_option,
    add_inference_options,
    add_insertion_options,
    add_labels_option,
    add_mask_frames_option,
    add_outputs_option,
    add_progress_option,
    inference_settings,
)
from LaMoDCore.report.drawing_process import drawing_process
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import Progress

if TYPE_CHECKING:
    from LaMoDCore.heart.case import Case
    from LaMoDCore.io.long_axis.reader import LongAxisCase
    from LaMoDCore.report.drawing_process import DrawingProcess
    from LaMoDCore.strain.long_axis.short_axis import SlicePosition

HELP = (
    "Predict myocardial motion and strain from the masks of a cine. MASKS is a 4-D NIfTI or NRRD, a .seq.nrrd, or a "
    "folder with one volume per frame; several MASKS are slices of one heart. Masks of single frames that lie in one "
    "plane are frames of one slice."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "masks",
        nargs="*",
        metavar="MASKS",
        type=Path,
        help="masks of the myocardium over the cycle; if omitted, contours are drawn on the --cine study",
    )
    parser.add_argument("--out", required=True, metavar="DIR", type=Path, help="folder to write the result to")
    parser.add_argument(
        "--cine", nargs="+", metavar="PATH", type=Path, help="the cine images (DICOM folder, NIfTI, NRRD)"
    )
    parser.add_argument(
        "--paired-cine",
        action="store_true",
        help="each --cine belongs to the MASKS at the same place in the list, on its slices, pixels and frames: it is "
        "not sought by its position, and contours drawn on some frames are not carried to the others",
    )
    add_mask_frames_option(parser)
    add_engine_options(parser)
    add_long_axis_options(parser)
    add_insertion_options(parser)
    parser.add_argument(
        "--levels",
        metavar="base,mid,apex",
        help="level of each slice, from base to apex; auto for a level that is proposed from the position",
    )
    parser.add_argument(
        "--swap-base-apex",
        action="store_true",
        help="reverse the order of the slices, if files without orientation were ordered from apex to base",
    )
    add_labels_option(parser, "the values of the masks")
    add_convention_option(
        parser,
        "One for all slices, or one per slice from base to apex (default: that of the contour engine for automatic "
        "contours, otherwise auto)",
        several=True,
    )
    parser.add_argument(
        "--rr",
        metavar="MS",
        type=float,
        help="R–R interval in ms (300–2200), if the files have none or a wrong one, or cover only part of it; it takes "
        "precedence over every file",
    )
    parser.add_argument(
        "--reference-frame",
        metavar="N",
        type=int,
        help="frame of end-diastole, counted from 0 (default: the largest cavity)",
    )
    add_outputs_option(parser, "all but html")
    parser.add_argument("--no-report", action="store_true", help="do not write report.png and report.pdf")
    add_inference_options(parser)
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    check_long_axis_options(args)
    if is_long_axis_alone(args):
        check_long_axis_alone(args)
        return _run_long_axis(args)
    _check_input(args)
    is_drawn = not args.no_report and (args.outputs is None or "report" in args.outputs)
    with drawing_process(is_drawn) as drawing:  # it starts before this process imports what it needs
        return _run(args, drawing)


def _run(args: argparse.Namespace, drawing: DrawingProcess | None) -> int:
    from LaMoDCore.contours.input_notes import contour_notes
    from LaMoDCore.io import write_result
    from LaMoDCore.prediction.predict import predict_strain
    from LaMoDCore.prediction.writer import check_output

    check_output(args.out, [*args.masks, *(args.cine or []), *long_axis_files(args)])
    with Progress(args.progress) as progress:
        case = _case(args, progress)
        found = contour_notes(case, args.masks, args.labels, mask_frames=args.mask_frames)
        case = replace(case, notes=(*case.notes, *found))
        long_axis: LongAxisCase | None = None
        positions: list[SlicePosition] = []
        if args.long_axis:
            from LaMoDCore.strain.long_axis.short_axis import with_measured_levels

            long_axis = read_long_axis(args, case)
            case, positions = with_measured_levels(case, long_axis.views)
        result = predict_strain(case, **inference_settings(args), progress=progress)
        if long_axis is not None:
            from LaMoDCore.prediction.long_axis import with_long_axis

            result = with_long_axis(result, long_axis, positions)
        progress.update("write", 1.0, "writing the result")
        files = write_result(
            result,
            args.out,
            report=not args.no_report,
            outputs=args.outputs,
            long_axis=long_axis.views if long_axis else (),
            drawing=drawing,
        )
    print_notes(result.notes)
    print(answer_line(result.summary))
    print(f"wrote {len(files)} files to {args.out}")
    return 0


def _run_long_axis(args: argparse.Namespace) -> int:
    """Numbers of long-axis views without short-axis slices: no motion is predicted."""
    from LaMoDCore.prediction.long_axis import write_long_axis_alone
    from LaMoDCore.prediction.outputs import DEFAULT_OUTPUTS
    from LaMoDCore.prediction.writer import check_output

    check_output(args.out, [*long_axis_files(args)])
    with Progress(args.progress) as progress:
        progress.update("read", 0.0, "reading long-axis contours")
        long_axis = read_long_axis(args)
        progress.update("write", 0.9, "writing the result")
        parts = set(DEFAULT_OUTPUTS if args.outputs is None else args.outputs)
        report = "report" in parts and not args.no_report
        summary, files = write_long_axis_alone(long_axis, args.out, report=report, html="html" in parts)
    print_notes(long_axis.notes)
    print(answer_line(summary))
    print(f"wrote {len(files)} files to {args.out}")
    return 0


def _check_input(args: argparse.Namespace) -> None:
    if args.masks:
        for option, value in (("--engine", args.engine), ("--series", args.series), ("--fast", args.fast)):
            if value:
                raise LaMoDInputError(option, "it needs a study without MASKS", f"leave out MASKS or {option}")
        if args.paired_cine and not args.cine:
            raise LaMoDInputError("--paired-cine", "there is no cine", "add --cine or leave out --paired-cine")
        return
    if not args.cine:
        raise LaMoDInputError(
            "lamod predict", "there are neither MASKS nor a --cine nor --long-axis", "name masks or a cine study"
        )
    described = {"--labels": args.labels, "--mask-frames": args.mask_frames, "--paired-cine": args.paired_cine}
    for option, value in described.items():
        if value:
            raise LaMoDInputError(option, "it describes MASKS, and there are none", f"add MASKS or leave out {option}")


def _case(args: argparse.Namespace, progress: Progress) -> Case:
    """The case of the masks, or of contours that are drawn on the study."""
    options = {
        "rv_insertion_lps": args.rv_insertion,
        "levels": args.levels,
        "rr_ms": args.rr,
        "reference_frame": args.reference_frame,
        "slice_insertions_lps": args.slice_insertion,
        "swap_base_and_apex": args.swap_base_apex,
        "contour_convention": args.contour_convention,
    }
    if args.masks:
        from LaMoDCore.io import load_case

        progress.update("read", 0.0, "reading masks")
        return load_case(
            args.masks,
            cine=args.cine,
            labels=args.labels,
            mask_frames=args.mask_frames,
            paired_cine=args.paired_cine,
            **options,
        )
    from LaMoDCore.contours.automatic.draw import case_of
    from LaMoDCore.contours.automatic.heart_contours import contour_study
    from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE, find_engine

    engine = find_engine(args.engine or DEFAULT_ENGINE)
    print(engine.notice)
    heart = contour_study(
        args.cine, engine=engine, series=args.series, per_frame=1 if args.fast else 2, progress=progress
    )
    return case_of(heart, **options)
