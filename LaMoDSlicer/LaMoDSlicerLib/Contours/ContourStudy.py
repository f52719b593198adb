from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.StudyPage import StudyPage
from LaMoDSlicerLib.Inputs.MaskFrames import MaskFrames
from LaMoDSlicerLib.Prediction.PredictionOptions import PredictionOptions
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.Worker.WorkerJob import WorkerJob
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class ContourStudy(WorkerJob):
    """`lamod check` with predictions: what a pixel costs, or how two readers differ.

    Args:
        parameters: the ParameterNode.
        contours: the first reader's, or the only ones.
        second: the second reader's; None for what a pixel costs.
        onProgress: called whenever the worker told progress.
        onPages: called with the StudyPages.
        onFailure: called with a sentence for the person.
    """

    #: Exit codes of `lamod check` with a result: clean, and something to look at.
    CLEAN, LOOK = 0, 3
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
        super().__init__("LaMoD-contours-", onProgress, onFailure)
        self._parameters, self._contours, self._second = parameters, contours, second
        self._onPages = onPages

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
