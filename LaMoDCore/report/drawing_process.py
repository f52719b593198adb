"""Draw the report in a second process, while the first one predicts and writes the other files.

The process imports the drawing library at once, which takes most of a second, then draws one report for each set of
arguments of `write_report` on its standard input (pickles by the program that started it), and answers each on its
standard output with the names of the files. It ends with its input, so it never outlives that program.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from LaMoDCore.runtime.threads import has_second_core

if TYPE_CHECKING:
    from LaMoDCore.heart.case import StrainResult
    from LaMoDCore.heart.long_axis.view import LongAxisView

#: The first entry of the path is the working folder, whose files must not be imported.
_PROGRAM = "import sys; sys.path[0] = sys.argv[1]; from LaMoDCore.report.drawing_process import main; sys.exit(main())"
_MODULES = ("LaMoDCore.heart.case", "LaMoDCore.heart.wall_fields", "LaMoDCore.report.report_files")


def drawing_process(is_drawn: bool = True) -> AbstractContextManager[DrawingProcess | None]:
    """A process for the report; None if it is not drawn or there is no core for the process."""
    return DrawingProcess() if is_drawn and has_second_core() else nullcontext()


class DrawingProcess:
    """Writes reports as `write_report` does, byte for byte; use it as a context manager.

    If the process cannot be started or fails, the report is drawn in this one. It needs about 150 MB of memory and the
    size of the result.
    """

    def __init__(self) -> None:
        self._arguments: tuple[StrainResult, Path, Path, Sequence[LongAxisView]] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(Path(__file__).resolve().parents[2])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    def __enter__(self) -> DrawingProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def begin(self, result: StrainResult, png: Path, pdf: Path, long_axis: Sequence[LongAxisView] = ()) -> None:
        """Start to write a report; see `write_report`."""
        self._arguments = (result, png.absolute(), pdf.absolute(), long_axis)
        if self._process is None:
            return
        assert self._process.stdin is not None
        # The report shows no samples of the motion, and their classes would import torch.
        motion = replace(result.motion, slices=tuple(replace(each, samples_mm=None) for each in result.motion.slices))
        shown = replace(result, motion=motion)
        try:
            pickle.dump((shown, *self._arguments[1:]), self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except OSError:
            self.close()

    def finish(self) -> list[str]:
        """Wait until the report of `begin` is written.

        Returns:
            Names of the files.
        """
        assert self._arguments is not None
        if self._process is not None:
            assert self._process.stdout is not None
            try:
                return list(pickle.load(self._process.stdout))
            except Exception:  # whatever the process did, this one can draw
                self.close()
        from LaMoDCore.report.report_files import write_report

        return write_report(*self._arguments)

    def close(self) -> None:
        """End the process; a report that it is drawing is left incomplete."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Draw a report for each set of arguments until the end of `requests`."""
    from LaMoDCore.report.report_files import write_report

    while True:
        try:
            arguments = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(write_report(*arguments), answers)
        answers.flush()


def _prepare() -> None:
    """Import all modules and load the fonts, by drawing a page with one letter."""
    for name in _MODULES:
        import_module(name)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from LaMoDCore.report.style import page_style

    with page_style():
        page = Figure()
        FigureCanvasAgg(page)
        page.text(0, 0, "0", fontweight="bold")
        page.add_subplot(title="0")
        for kind in ("png", "pdf"):
            page.savefig(BytesIO(), format=kind)


def main() -> int:
    """Serve the standard streams; what libraries print goes nowhere."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    try:
        _prepare()
        serve(sys.stdin.buffer, answers)
    except KeyboardInterrupt:
        return 130
    return 0
