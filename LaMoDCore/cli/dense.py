"""`lamod dense`: convert DENSE phase images to a dataset of Lagrangian displacement."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.cli.shared.options import add_convention_option, add_labels_option, add_progress_option, numbers
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import Progress

if TYPE_CHECKING:
    from LaMoDCore.dense.analysis import DenseMotion, DenseOptions
    from LaMoDCore.io.dataset.folder import DatasetEntry
    from LaMoDCore.io.dense.images import DenseImages

HELP = (
    "Compute Lagrangian displacement from cine DENSE, as a dataset folder for `lamod train` and `lamod evaluate`. "
    "Input: a DENSEanalysis workspace, NumPy arrays with a dense.json, or DICOM."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from LaMoDCore.heart.case import LEVELS
    from LaMoDCore.io.dataset.folder import SPLITS

    parser.add_argument("paths", nargs="+", metavar="PATH", help=".dns workspace, or a folder of arrays or DICOM files")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="the dataset: a new folder, or one to which the scans are added"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace cases of the dataset that have the same id, unless files in them were changed or added",
    )
    walls = parser.add_argument_group("the myocardium (a workspace usually contains contours)")
    walls.add_argument("--masks", metavar="FILE", help="one mask per frame: .npy, NIfTI, NRRD, .seq.nrrd")
    add_labels_option(walls, "the values of the masks", metavar="myo=2,…")
    add_convention_option(walls, "(default tissue)")
    walls.add_argument("--segment", action="store_true", help="segment the magnitude images; check the result")
    walls.add_argument("--center", type=numbers(2), metavar="X,Y", help="a pixel in the cavity, for --segment")
    scan = parser.add_argument_group("the scan, where the data lack it")
    scan.add_argument("--ke", type=float, metavar="K", help="encoding frequency × scale, in cycles/mm")
    scan.add_argument("--frame-ms", type=float, metavar="MS", help="duration of a frame")
    scan.add_argument("--rr-ms", type=float, metavar="MS", help="R–R interval")
    scan.add_argument("--level", choices=LEVELS, help="level of the slice")
    scan.add_argument("--rv-insertion", type=numbers(3), metavar="X,Y,Z", help="anterior RV insertion point, LPS mm")
    add_analysis_options(parser)
    case = parser.add_argument_group("the case")
    case.add_argument("--subject", metavar="ID", help="subject (default: the name of the file)")
    case.add_argument("--site", default="", help="site of the scan")
    case.add_argument("--disease", default="", help="disease")
    case.add_argument(
        "--split", choices=SPLITS, help="split of the dataset (default train; a case that is replaced keeps its own)"
    )
    add_progress_option(parser)


def add_analysis_options(parser: argparse.ArgumentParser) -> None:
    """Options of the DENSE analysis, which `lamod pair` shares; read by `analysis_options`."""
    how = parser.add_argument_group("the analysis")
    how.add_argument(
        "--background-order",
        type=int,
        default=1,
        metavar="N",
        help="polynomial order of the background phase; -1: no subtraction (default 1)",
    )
    how.add_argument("--smoothing-mm", type=float, metavar="MM", help="smoothing length (default: by cross-validation)")
    how.add_argument(
        "--temporal-order",
        type=int,
        metavar="N",
        help="polynomial order in time (default: 10, or two thirds of the number of frames)",
    )


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from LaMoDCore.dense.analysis import analyse_dense
    from LaMoDCore.dense.output import DENSE_CONVENTION, dataset_case, write_analysis
    from LaMoDCore.io.dataset.collection import new_scans
    from LaMoDCore.io.dense.reader import read_dense
    from LaMoDCore.runtime.output.new_folder import refuse_input_inside

    if len(args.paths) > 1 and (args.masks or args.subject or args.rv_insertion or args.center):
        raise LaMoDInputError(
            "lamod dense",
            "--masks, --subject, --rv-insertion and --center apply to one scan, but several are given",
            "analyse them one by one",
        )
    options = analysis_options(args)
    summaries = []
    refuse_input_inside(args.out, args.paths)
    with Progress(args.progress) as progress, new_scans(args.out, "dense", overwrite=args.overwrite) as new:
        for number, path in enumerate(args.paths):
            scans = read_dense(path, ke=args.ke, frame_ms=args.frame_ms, rr_ms=args.rr_ms)
            for scan in scans:
                images = _with_wall(scan, args)
                share, base = 1.0 / (len(args.paths) * len(scans)), number / len(args.paths)

                def report(stage: str, fraction: float, base: float = base, share: float = share) -> None:
                    progress.update("dense", base + share * fraction, stage)

                entry = new.entry(_entry(args, Path(path), images), keep_split=args.split is None)
                motion = analyse_dense(images, options, report)
                insertion = None if args.rv_insertion is None else np.asarray(args.rv_insertion)
                convention = args.contour_convention or DENSE_CONVENTION
                case = dataset_case(motion, entry.id, args.disease, insertion, convention)
                write_analysis(new.folder, case, motion)
                summaries.append(_summary(args.out, entry, motion))
    print("\n".join(summaries))
    return 0


def analysis_options(args: argparse.Namespace) -> DenseOptions:
    """The values of `add_analysis_options`, checked.

    Raises:
        LaMoDInputError: a value is out of range.
    """
    limits = {"--smoothing-mm": (args.smoothing_mm, 0.1, 20.0), "--temporal-order": (args.temporal_order, 1, 40)}
    for option, (value, low, high) in limits.items():
        if value is not None and not low <= value <= high:
            raise LaMoDInputError(option, f"{value:g} is out of range", f"give {low:g} to {high:g}")
    if not -1 <= args.background_order <= 4:
        raise LaMoDInputError("--background-order", f"{args.background_order} is out of range", "give -1 to 4")
    from LaMoDCore.dense.analysis import DenseOptions

    return DenseOptions(
        background_order=None if args.background_order < 0 else args.background_order,
        smoothing_mm=args.smoothing_mm,
        temporal_order=args.temporal_order,
    )


def _with_wall(images: DenseImages, args: argparse.Namespace) -> DenseImages:
    from LaMoDCore.dense.segmentation import guess_ring
    from LaMoDCore.heart.notes import note
    from LaMoDCore.io.dense.masks import with_masks

    if args.level:
        images = replace(images, level=args.level)
    if args.masks:
        return with_masks(images, args.masks, args.labels)
    if not args.segment:
        return images
    guess = guess_ring(images.magnitude, images.grid.spacing_mm, args.center)
    guessed = note("dense_contours_guessed", "The myocardium was segmented automatically on the magnitude images.")
    return replace(images, myocardium=guess.masks, reference_myocardium=None, notes=(*images.notes, guessed))


def _entry(args: argparse.Namespace, path: Path, images: DenseImages) -> DatasetEntry:
    from LaMoDCore.io.dataset.folder import DatasetEntry
    from LaMoDCore.runtime.file_names import portable_name

    subject = portable_name(args.subject or (path.stem if path.is_file() else path.resolve().name), "dense")
    name = portable_name(images.name, "dense")
    return DatasetEntry(
        id=subject if name == subject else f"{subject}-{name}",
        subject=subject,
        site=args.site,
        split=args.split or "train",
        cohort="dense",
        disease=args.disease,
        level=images.level,
    )


def _summary(out: str, entry: DatasetEntry, motion: DenseMotion) -> str:
    from LaMoDCore.cli.shared.notes import note_lines
    from LaMoDCore.dense.output import PICTURE_FILE

    doubtful = [str(t + 1) for t, q in enumerate(motion.quality) if q.doubtful]
    lines = [
        f"{Path(out) / 'cases' / entry.id}: {motion.images.frames} frames, "
        f"{motion.covered_ms[1]:.0f} of {motion.images.rr_ms:.0f} ms; see {PICTURE_FILE}",
        *(f"  {line}" for line in note_lines(motion.notes)),
    ]
    if doubtful:
        lines.append(f"  Doubtful frames (frame 0 is the encoding instant): {', '.join(doubtful)}.")
    return "\n".join(lines)
