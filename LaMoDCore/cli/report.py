"""`lamod report`: write the page of a stored result again."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.cli.shared.options import add_labels_option
from LaMoDCore.runtime.errors import LaMoDInputError, reason_of

if TYPE_CHECKING:
    from LaMoDCore.heart.case import Case
    from LaMoDCore.io.results.long_axis_files import StoredLongAxis
    from LaMoDCore.io.results.stored_result import StoredResult
    from LaMoDCore.report.html.long_axis import DrawnLines

HELP = (
    "Write report.html of a result that `lamod predict` wrote: a page that shows the beating heart in any browser, "
    "without the network. The result does not contain the images; name the cine to show it. For the folder of a cohort "
    "it writes index.html, the list of its cases."
)
#: At the head of a page whose masks have other SHA-256 than those of the prediction.
_OTHER_MASKS = "The masks are not those of the prediction, or were changed since: drawn contours are not shown."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("result", metavar="RESULT", type=Path, help="folder of the result or of the cohort")
    parser.add_argument("--html", action="store_true", required=True, help="write report.html")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the page (default: report.html in the folder of the result)"
    )
    parser.add_argument("--cine", nargs="+", type=Path, metavar="PATH", help="the cine images, as for `lamod predict`")
    parser.add_argument(
        "--long-axis-cine",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="the cine images of long-axis views (default: those of --cine)",
    )
    parser.add_argument(
        "--masks",
        nargs="+",
        type=Path,
        metavar="MASKS",
        help="the masks of the prediction; not needed where the result holds contours.seq.nrrd",
    )
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="OTHER",
        help="for a cohort: results of the same cases by another model or reader, for plots of the agreement",
    )
    add_labels_option(parser, "the values of the masks")
    parser.add_argument(
        "--names", action="store_true", help="show the names of slices and input files, which may identify a patient"
    )


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.io.results.stored_result import read_result
    from LaMoDCore.report.html.bokeh_script import check_bokeh
    from LaMoDCore.report.html.page import PageParts, html_report
    from LaMoDCore.report.html.stored import are_used_masks, shown_result, stored_table
    from LaMoDCore.report.html.thumbnail import thumbnail

    check_bokeh()
    if _is_cohort(args.result):
        return _write_index(args)
    if args.compare:
        raise LaMoDInputError("--compare", "it is for a cohort", "name the folder of a cohort, or leave it out")
    _check_out(args)
    if (args.result / "long_axis.npz").is_file() and not (args.result / "motion.npz").exists():
        return _write_long_axis_page(args)
    stored = read_result(args.result)
    masks = args.masks or sorted(stored.folder.glob("contours*.seq.nrrd"))
    case = _case(args, masks)
    is_used = case is None or are_used_masks(stored, masks, case)
    long_axis = _long_axis(args, stored)
    with _readable(args.result / "strain.json"):
        shown = shown_result(stored, case, names=args.names, drawn=is_used)
        parts = PageParts(
            segments_csv=stored_table(stored),
            drawn=shown.drawn,
            names=args.names,
            long_axis=long_axis,
            warning="" if is_used else _OTHER_MASKS,
        )
        text, picture = html_report(shown.result, parts), thumbnail(shown.result)
    print(f"wrote {_write(text, picture, args)}")
    return 0


def _write_long_axis_page(args: argparse.Namespace) -> int:
    """The page of a result without short-axis slices."""
    from LaMoDCore.io.results.long_axis_files import read_long_axis
    from LaMoDCore.report.html.long_axis_page import long_axis_html

    for option in ("masks", "labels"):
        if getattr(args, option):
            name = f"--{option}"
            raise LaMoDInputError(name, "it describes short-axis slices, and the result has none", f"leave out {name}")
    found = read_long_axis(args.result)
    if found is None:
        raise LaMoDInputError(args.result / "strain.json", "it has no long-axis views", "predict again")
    lines = _lines_of(args, found)
    with _readable(args.result / "strain.json"):
        content = {"long_axis": found.summary, "provenance": found.provenance}
        text = long_axis_html(content, lines, found.notes, names=args.names)
    print(f"wrote {_write(text, None, args)}")
    return 0


def _is_cohort(folder: Path) -> bool:
    from LaMoDCore.cohort.ledger import CONTENTS
    from LaMoDCore.runtime.output.manifest import read_manifest

    marker = read_manifest(folder)
    return marker is not None and marker.contents == CONTENTS


def _write_index(args: argparse.Namespace) -> int:
    from LaMoDCore.cohort.ledger import Ledger

    for option in ("out", "cine", "long_axis_cine", "masks", "labels", "names"):
        if getattr(args, option):
            name = option.replace("_", "-")
            raise LaMoDInputError(f"--{name}", "it is for a single result", "leave it out for a cohort")
    if args.compare and not _is_cohort(args.compare):
        raise LaMoDInputError(args.compare, "it is not a folder of `lamod predict-cohort`", "name such a folder")
    ledger = Ledger(args.result)
    with _unwritable(args.result):
        compared = Ledger(args.compare) if args.compare else None
        ledger.write_index(ledger.stored_cases(), ledger.unlisted_failures(), compared)
    print(f"wrote {args.result / 'index.html'}")
    return 0


def _case(args: argparse.Namespace, masks: list[Path]) -> Case | None:
    """The case of the masks that are given, or that the result holds; None without any."""
    if not masks:
        if args.cine:
            raise LaMoDInputError("--cine", "the result does not contain its masks", "add --masks")
        return None
    from LaMoDCore.io import load_case

    return load_case(masks, cine=args.cine, labels=args.labels)


def _long_axis(args: argparse.Namespace, stored: StoredResult) -> list[DrawnLines]:
    """The lines of the long-axis views of the result; empty if it has none."""
    from LaMoDCore.io.results.long_axis_files import read_long_axis

    found = read_long_axis(stored.folder)
    if found is None:
        if args.long_axis_cine:
            raise LaMoDInputError("--long-axis-cine", "the result has no long-axis views", "leave it out")
        return []
    return _lines_of(args, found)


def _lines_of(args: argparse.Namespace, found: StoredLongAxis) -> list[DrawnLines]:
    """The lines of stored views, with their images as far as these are among the cines."""
    from LaMoDCore.io.case.slice_reader import read_cine_slices
    from LaMoDCore.report.html.long_axis import lines_of_stored, with_pictures

    lines = lines_of_stored(found)
    grids = [each.grid for each in lines]
    stacks = [stack for path in args.long_axis_cine or args.cine or [] for stack in read_cine_slices(path, grids, [])]
    shown = with_pictures(lines, [(stack.slice_grid(0), stack.frames[:, 0]) for stack in stacks])
    if args.long_axis_cine and all(each.cine is None for each in shown):
        raise LaMoDInputError(
            args.long_axis_cine[0], "no slice of it has the pixels of a long-axis view", "name the cine of the views"
        )
    return shown


def _check_out(args: argparse.Namespace) -> None:
    """Check that `--out` names a new file, or a page of LaMoD, outside the result.

    Raises:
        LaMoDInputError: it does not.
    """
    if args.out is None or _is_page_of_result(args):
        return
    from LaMoDCore.report.html.page_shell import is_page

    path = args.out.resolve()
    if path.is_dir():
        raise LaMoDInputError(args.out, "it is a folder", "name a file, such as report.html")
    if path.suffix.lower() not in (".html", ".htm"):
        raise LaMoDInputError(args.out, "the name of a page ends with .html", "name a file, such as report.html")
    if not path.parent.is_dir():
        raise LaMoDInputError(args.out.parent, "the folder does not exist", "create it, or name another file")
    if args.result.resolve() in path.parents:
        raise LaMoDInputError(args.out, "it lies in the folder of the result", "leave out --out, or name another file")
    if path.exists() and not (path.is_file() and is_page(path)):
        raise LaMoDInputError(args.out, "it exists and is not a page of LaMoD", "name a new file")


def _is_page_of_result(args: argparse.Namespace) -> bool:
    return bool(args.out.resolve() == (args.result / "report.html").resolve())


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Name the file if a value in it is missing or of another kind than a result has.

    Raises:
        LaMoDInputError: in place of an error about such a value.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise LaMoDInputError(file, f"its contents cannot be shown ({reason_of(error)})", "predict again") from error


@contextmanager
def _unwritable(out: Path) -> Iterator[None]:
    """Name the output if it cannot be written, such as on a full disk.

    Raises:
        LaMoDInputError: in place of an OSError.
    """
    from LaMoDCore.runtime.output.new_folder import unwritable

    try:
        yield
    except OSError as error:
        raise unwritable(out, error) from error


def _write(text: str, picture: bytes | None, args: argparse.Namespace) -> Path:
    """Write the page and its picture, if any, into the folder of the result, which lists them, or to a named file."""
    if args.out is None or _is_page_of_result(args):
        from LaMoDCore.prediction.writer import CONTENTS
        from LaMoDCore.report.html.cohort_page import THUMBNAIL
        from LaMoDCore.runtime.output.growing_folder import GrowingFolder

        folder = GrowingFolder(args.result, CONTENTS, "report")
        with _unwritable(args.result):
            folder.write_text("report.html", text)
            if picture is not None:
                with folder.replaced_file(THUMBNAIL) as temporary:
                    temporary.write_bytes(picture)
        return Path(args.result) / "report.html"
    from LaMoDCore.runtime.atomic import replaced_file

    path = Path(args.out)
    _check_out(args)  # again, as the file may be new
    with _unwritable(path), replaced_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    return path
