import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.ContourSlices import ContourSlices
from LaMoDSlicerLib.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.MaskFrames import MaskFrames
from LaMoDSlicerLib.PredictionOptions import PredictionOptions
from LaMoDSlicerLib.StudyPage import StudyPage
from LaMoDSlicerLib.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.WorkerProgress import WorkerProgress


class ContourStudy:
    """`lamod check` with predictions, in a process of its own: what a pixel costs, or how two readers differ.

    Args:
        parameters: the ParameterNode.
        contours: the first reader's, or the only ones.
        second: the second reader's; None for what a pixel costs.
        onProgress: called whenever the worker said something.
        onPages: called with the StudyPages.
        onFailure: called with a sentence for the person.
    """

    #: Exit codes of `lamod check`: clean, the input's fault, and something to look at.
    CLEAN, INPUT_FAULT, LOOK = 0, 1, 3
    #: The command calls a single slice by its file's name.
    FILE = "slice 1.seq.nrrd"

    def __init__(
        self,
        parameters: Any,
        contours: ContourSlices,
        second: ContourSlices | None,
        onProgress: Callable[[WorkerProgress], None],
        onPages: Callable[[list[StudyPage]], None],
        onFailure: Callable[[str], None],
    ) -> None:
        self._parameters, self._contours, self._second = parameters, contours, second
        self._onProgress, self._onPages, self._onFailure = onProgress, onPages, onFailure
        self.progress = WorkerProgress()
        self.folder = Path(tempfile.mkdtemp(prefix="LaMoD-contours-", dir=slicer.app.temporaryPath))
        self._worker = WorkerProcess(self._onLine, self._onFinished)

    @property
    def processId(self) -> int | None:
        return self._worker.processId

    def start(self) -> None:
        """Write the contours and start the worker.

        Raises:
            OSError: disk or program.
        """
        try:
            self._worker.start(self._commandLine(), CoreLibrary.environment())
        except OSError:
            self.removeFolder()
            raise

    def cancel(self) -> None:
        """End the worker and its children; nothing is called any more."""
        self._worker.cancel()
        self.removeFolder()

    def removeFolder(self) -> None:
        """Throw tables and pictures away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _commandLine(self) -> list[str]:
        first = self._write("first", self._contours)
        command = [CoreLibrary.python(), "-m", "LaMoDCore", "check", str(first), "--out", str(self.folder / "result")]
        if self._second is None:
            command.append("--fragility")
        else:
            command += ["--second", str(self._write("second", self._second))]
        readers = [contours.frames for contours in (self._contours, self._second) if contours is not None]
        command += ["--labels", MaskFrames.sharedLabelOption(readers), "--progress", "json"]
        cine = self._contours.writeCine(self.folder / "cine.seq.nrrd") if self._second is not None else None
        if cine is not None:
            command += ["--cine", str(cine)]
        return command + PredictionOptions.ofParameters(self._parameters).words()

    def _write(self, name: str, contours: ContourSlices) -> Path:
        path = self.folder / name / self.FILE
        path.parent.mkdir()
        contours.frames.write(path)
        return path

    def _onLine(self, line: str) -> None:
        if self.progress.read(line):
            self._onProgress(self.progress)

    def _onFinished(self, exitCode: int) -> None:
        if exitCode in (self.CLEAN, self.LOOK):
            read = StudyPage.ofFragility if self._second is None else StudyPage.ofReaders
            try:
                pages = read(self.folder / "result")
            except (OSError, KeyError, ValueError) as error:
                self._fail(_("There is no table that can be read ({error}).").format(error=error))
                return
            self._onPages(pages)
        elif exitCode == self.INPUT_FAULT and self.progress.lastWords():
            words = self.progress.lastWords().removeprefix("lamod: ").replace(f"{self.folder}/", "")
            names = {"first": _("The masks"), "second": _("The other masks")}
            for folder, name in names.items():
                words = words.replace(f"{folder}/{self.FILE}", name)
            self._fail(words.replace(self.FILE, _("The masks")))
        else:
            text = _("The measurement failed (exit code {code}): {words}.")
            self._fail(text.format(code=exitCode, words=self.progress.lastWords() or _("it said nothing")))

    def _fail(self, text: str) -> None:
        self.removeFolder()
        self._onFailure(text)
