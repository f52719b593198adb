"""`lamod demo`: predict the built-in synthetic heart."""

from __future__ import annotations

import argparse
from pathlib import Path

from LaMoDCore.cli.shared.answer import answer_line
from LaMoDCore.cli.shared.notes import print_notes
from LaMoDCore.cli.shared.options import add_inference_options, add_progress_option, inference_settings
from LaMoDCore.report.drawing_process import DrawingProcess, drawing_process
from LaMoDCore.runtime.progress import Progress

HELP = "Predict motion and strain of a built-in synthetic heart and write the same files as `lamod predict`."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("demo-output"), metavar="DIR", help="folder to write to (default demo-output)"
    )
    add_inference_options(parser)
    add_progress_option(parser)


def run(args: argparse.Namespace) -> int:
    with drawing_process() as drawing:  # it starts before this process imports what it needs
        return _run(args, drawing)


def _run(args: argparse.Namespace, drawing: DrawingProcess | None) -> int:
    from LaMoDCore.phantom import demo_case
    from LaMoDCore.prediction.predict import predict_strain
    from LaMoDCore.prediction.writer import check_output, write_result

    check_output(args.out)
    with Progress(args.progress) as progress:
        progress.update("make", 0.0, "creating the synthetic heart")
        case = demo_case()
        result = predict_strain(case, **inference_settings(args), progress=progress)
        progress.update("write", 1.0, "writing the result")
        files = write_result(result, args.out, command="demo", drawing=drawing)
    print_notes(result.notes)
    print(answer_line(result.summary))
    for path in files:
        if path.parent == args.out:
            print(f"wrote {path}")
    frames = [path for path in files if path.parent != args.out]
    print(f"wrote {frames[0]} and {len(frames) - 1} more frames")
    print(f"The report is {args.out / 'report.png'}")
    return 0
