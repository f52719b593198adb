"""`lamod contour`: draw left-ventricular contours on a cine study, or accept drawn ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from LaMoDCore.cli.shared.options import add_progress_option
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import Progress

HELP = (
    "Draw left-ventricular contours on every frame of a short-axis cine study. CINE is a DICOM folder of a study or of "
    "its series, or a NIfTI, NRRD or MetaImage file of the cine."
)
#: Contents of the output folder, for its marker.
CONTENTS = "automatic contours"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cine", nargs="*", metavar="CINE", type=Path, help="cine images or the folder of a study")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder to write masks, table and preview to")
    add_engine_options(parser)
    parser.add_argument(
        "--accept",
        nargs="+",
        metavar="FILE",
        type=Path,
        help="mark the contours of these contours.seq.nrrd files as reviewed by a person, in place",
    )
    add_progress_option(parser)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Options that `lamod predict` shares."""
    parser.add_argument("--engine", metavar="NAME|DIR", help="contour engine (see lamod models list)")
    parser.add_argument("--series", metavar="UID|NUMBER", help="draw contours on this DICOM series only")
    parser.add_argument(
        "--fast", action="store_true", help="one orientation per frame: half the time, slightly worse contours"
    )


def run(args: argparse.Namespace) -> int:
    if args.accept:
        if args.cine or args.out:
            raise LaMoDInputError("--accept", "it takes no CINE and no --out", "run the two commands separately")
        return _accept(args.accept)
    if not args.cine or args.out is None:
        raise LaMoDInputError("lamod contour", "CINE or --out is missing", "name the cine study and an output folder")
    from LaMoDCore.contours.automatic.contour_files import engine_summary, write_contours
    from LaMoDCore.contours.automatic.heart_contours import contour_study
    from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE, find_engine
    from LaMoDCore.io.results.contour_masks import refuse_to_replace_edited_masks
    from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder

    refuse_to_replace_edited_masks(args.out)
    check_new_folder(args.out, CONTENTS, args.cine)
    engine = find_engine(args.engine or DEFAULT_ENGINE)
    with Progress(args.progress) as progress:
        heart = contour_study(
            args.cine, engine=engine, series=args.series, per_frame=1 if args.fast else 2, progress=progress
        )
        with new_folder(args.out, CONTENTS, "contour") as folder:
            names = write_contours(heart, folder)
    print(engine.notice)
    for left in heart.left_out:
        print(f"left out: {left.title}: {left.reason}")
    for number, slice_ in enumerate(heart.slices, start=1):
        contours = slice_.contours
        unsure = sum(1 for reason in contours.frame_reasons if reason)
        detail = contours.reason or (f"{unsure} frame(s) to review" if unsure else "no frame is unsure")
        print(f"slice {number}: {contours.verdict}; {detail}")
    print(f"{engine_summary(heart.slices)}; not reviewed. Look at {args.out / 'contours.png'}.")
    print(f"wrote {len(names)} files to {args.out}")
    return 0


def _accept(files: list[Path]) -> int:
    from LaMoDCore.heart.contour_origin import METADATA_KEY, origins_from_text, origins_to_text
    from LaMoDCore.io.images.nrrd import replace_metadata
    from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd

    for file in files:
        stack = read_seq_nrrd(file)
        text = stack.metadata.get(METADATA_KEY)
        if text is None:
            raise LaMoDInputError(file, "it holds no automatic contours", "name a file that lamod contour wrote")
        try:
            origins = origins_from_text(text, stack.frames.shape[1], stack.frames.shape[0])
        except ValueError as error:
            raise LaMoDInputError(file, str(error), "draw the contours again") from error
        replace_metadata(file, {METADATA_KEY: origins_to_text([origin.reviewed() for origin in origins])})
        print(f"accepted: {file.name}, {stack.frames.shape[1]} slice(s) × {stack.frames.shape[0]} frames")
    return 0
