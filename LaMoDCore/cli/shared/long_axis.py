"""Options and steps of `lamod predict` for long-axis views."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.cli.shared.options import frame_numbers
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from LaMoDCore.heart.case import Case
    from LaMoDCore.io.long_axis.reader import LongAxisCase

#: Options without effect on long-axis slices.
_SHORT_AXIS_OPTIONS = (
    "labels",
    "mask_frames",
    "levels",
    "contour_convention",
    "slice_insertion",
    "reference_frame",
    "swap_base_apex",
    "engine",
    "series",
    "fast",
)
#: Parts of a result that views without short-axis slices have; the other files are always written.
_PARTS_ALONE = ("strain", "report", "html")
_OPTIONS = ("long_axis_cine", "long_axis_labels", "long_axis_views", "long_axis_frames", "long_axis_landmarks")


def add_long_axis_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for long-axis views; read by `read_long_axis`."""
    parser.add_argument(
        "--long-axis",
        nargs="+",
        default=[],
        metavar="LAX",
        type=Path,
        help="long-axis slices, for GLS: masks of the wall, open at the mitral valve, in any format of MASKS, a folder "
        "of guide-point files, curves saved by Slicer (.mrk.json), or a DICOM RT structure set; with or without MASKS",
    )
    parser.add_argument(
        "--long-axis-cine",
        nargs="+",
        default=[],
        metavar="PATH",
        type=Path,
        help="the images of the long-axis slices (default with MASKS: --cine); guide points and curves need them, and "
        "contours of end-diastole and end-systole alone are carried with them",
    )
    parser.add_argument(
        "--long-axis-labels",
        metavar="myo=2",
        help="meaning of the values of long-axis masks (default: the wall is found by its shape)",
    )
    parser.add_argument(
        "--long-axis-views",
        metavar="4ch,2ch,3ch",
        help="view of each long-axis slice, in the order of LAX (default: recognised by their position)",
    )
    parser.add_argument(
        "--long-axis-frames",
        metavar="0,9",
        type=frame_numbers,
        help="frames of the long-axis cine, counted from 0, on which long-axis masks were drawn, if not on all",
    )
    parser.add_argument(
        "--long-axis-landmarks",
        nargs="+",
        default=[],
        metavar="POINTS",
        type=Path,
        help="point lists saved by Slicer (.mrk.json) with two points of the mitral annulus and the apex per frame, "
        "labelled as in “annulus 0” and “apex 0”, each in the plane of one view (default: found from the contours)",
    )


def check_long_axis_options(args: argparse.Namespace) -> None:
    """Refuse options that describe long-axis slices without any.

    Raises:
        LaMoDInputError: there is such an option.
    """
    given = [name for name in _OPTIONS if getattr(args, name)]
    if given and not args.long_axis:
        option = "--" + given[0].replace("_", "-")
        raise LaMoDInputError(option, "it describes long-axis slices, and there are none", "add --long-axis")


def check_long_axis_alone(args: argparse.Namespace) -> None:
    """Refuse options that describe short-axis slices or their motion where there are only long-axis slices.

    Raises:
        LaMoDInputError: there is such an option.
    """
    for name in _SHORT_AXIS_OPTIONS:
        value = getattr(args, name)
        if value is not None and value is not False and value != []:
            option = "--" + name.replace("_", "-")
            raise LaMoDInputError(
                option, "it describes short-axis slices, and there are none", f"add MASKS or leave out {option}"
            )
    other = [part for part in args.outputs or () if part not in _PARTS_ALONE]
    if other:
        raise LaMoDInputError(
            f"--outputs {other[0]}", "it is of short-axis slices, and there are none", "choose report, html or both"
        )


def is_long_axis_alone(args: argparse.Namespace) -> bool:
    """Whether there are long-axis slices and no short-axis ones, neither as MASKS nor in a --cine."""
    return bool(args.long_axis) and not args.masks and not args.cine


def long_axis_files(args: argparse.Namespace) -> list[Path]:
    """The files of the options."""
    return [*args.long_axis, *args.long_axis_cine, *args.long_axis_landmarks]


def read_long_axis(args: argparse.Namespace, case: Case | None = None) -> LongAxisCase:
    """Read the long-axis views of the options.

    Args:
        args: options of `add_long_axis_options`, and --cine, --rr and --rv-insertion.
        case: the short-axis slices, whose RV insertion helps to recognise the views.

    Raises:
        LaMoDInputError: they cannot be used.
    """
    from LaMoDCore.io.long_axis.reader import load_long_axis

    insertion = args.rv_insertion if case is None else case.rv_insertion_lps
    return load_long_axis(
        args.long_axis,
        cine=args.long_axis_cine or args.cine or [],
        labels=args.long_axis_labels,
        views=args.long_axis_views,
        mask_frames=args.long_axis_frames,
        rr_ms=args.rr,
        rv_insertion_lps=insertion,
        landmarks=args.long_axis_landmarks,
    )
