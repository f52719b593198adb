"""`lamod report`: write the page of a stored result again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.cli.shared.options import add_labels_option
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from LaMoDCore.heart.case import Case
    from LaMoDCore.io.results.stored_result import StoredResult

HELP = (
    "Write report.html of a result that `lamod predict` wrote: a page that shows the beating heart in any browser, "
    "without the network. The result does not contain the images; name the cine to show it. For the folder of a cohort "
    "it writes index.html, the list of its cases."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("result", metavar="RESULT", type=Path, help="folder of the result or of the cohort")
    parser.add_argument("--html", action="store_true", required=True, help="write report.html")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the page (default: report.html in the folder of the result)"
    )
    parser.add_argument("--cine", nargs="+", type=Path, metavar="PATH", help="the cine images, as for `lamod predict`")
    parser.add_argument(
        "--masks",
        nargs="+",
        type=Path,
        metavar="MASKS",
        help="the masks of the prediction; not needed where the result holds contours.seq.nrrd",
    )
    add_labels_option(parser, "the values of the masks")
    parser.add_argument(
        "--names", action="store_true", help="show the names of slices and input files, which may identify a patient"
    )


def run(args: argparse.Namespace) -> int:
    from LaMoDCore.io.results.stored_result import read_result
    from LaMoDCore.report.html.bokeh_script import check_bokeh
    from LaMoDCore.report.html.page import html_report
    from LaMoDCore.report.html.stored import shown_result, stored_table
    from LaMoDCore.report.html.thumbnail import thumbnail

    check_bokeh()
    if _is_cohort(args.result):
        return _write_index(args)
    stored = read_result(args.result)
    shown = shown_result(stored, _case(args, stored), names=args.names)
    text = html_report(shown.result, segments_csv=stored_table(stored), drawn=shown.drawn, names=args.names)
    path = _write(text, thumbnail(shown.result), args)
    print(f"wrote {path}")
    return 0


def _is_cohort(folder: Path) -> bool:
    from LaMoDCore.cohort.ledger import CONTENTS
    from LaMoDCore.runtime.output.manifest import read_manifest

    marker = read_manifest(folder)
    return marker is not None and marker.contents == CONTENTS


def _write_index(args: argparse.Namespace) -> int:
    from LaMoDCore.cohort.ledger import Ledger

    for option in ("out", "cine", "masks", "labels", "names"):
        if getattr(args, option):
            raise LaMoDInputError(f"--{option}", "it is for a single result", "leave it out for a cohort")
    ledger = Ledger(args.result)
    ledger.write_index(ledger.stored_cases())
    print(f"wrote {args.result / 'index.html'}")
    return 0


def _case(args: argparse.Namespace, stored: StoredResult) -> Case | None:
    """The case of the masks that are given, or that the result holds; None without any."""
    masks = args.masks or sorted(stored.folder.glob("contours*.seq.nrrd"))
    if not masks:
        if args.cine:
            raise LaMoDInputError("--cine", "the result does not contain its masks", "add --masks")
        return None
    from LaMoDCore.io import load_case

    return load_case(masks, cine=args.cine, labels=args.labels)


def _write(text: str, picture: bytes, args: argparse.Namespace) -> Path:
    """Write the page and its picture into the folder of the result, which lists them, or the page to a named file."""
    if args.out is None:
        from LaMoDCore.prediction.writer import CONTENTS
        from LaMoDCore.report.html.cohort_page import THUMBNAIL
        from LaMoDCore.runtime.output.growing_folder import GrowingFolder

        folder = GrowingFolder(args.result, CONTENTS, "report")
        folder.write_text("report.html", text)
        with folder.replaced_file(THUMBNAIL) as temporary:
            temporary.write_bytes(picture)
        return Path(args.result) / "report.html"
    from LaMoDCore.runtime.atomic import replaced_file

    path = Path(args.out)
    if path.is_dir():
        raise LaMoDInputError(path, "it is a folder", "name a file, such as report.html")
    if not path.absolute().parent.is_dir():
        raise LaMoDInputError(path.parent, "the folder does not exist", "create it, or name another file")
    with replaced_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    return path
