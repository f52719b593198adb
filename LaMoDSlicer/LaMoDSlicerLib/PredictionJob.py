import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.ResultFiles import ResultFiles
from LaMoDSlicerLib.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.WorkerProgress import WorkerProgress


class PredictionJob:
    """One prediction in its own process. The scene is not touched before the result is whole.

    Args:
        request: what to predict.
        onProgress: called whenever the worker said something.
        onResult: called with the ResultFiles.
        onFailure: called with a sentence for the person.
    """

    #: Exit codes of the command: the input's fault, and a wrong command line.
    INPUT_FAULT, USAGE = 1, 2

    def __init__(
        self,
        request: PredictionRequest,
        onProgress: Callable[[WorkerProgress], None],
        onResult: Callable[[ResultFiles], None],
        onFailure: Callable[[str], None],
    ) -> None:
        self.request = request
        self.progress = WorkerProgress()
        self._onProgress, self._onResult, self._onFailure = onProgress, onResult, onFailure
        self._folder = Path(tempfile.mkdtemp(prefix="LaMoD-", dir=slicer.app.temporaryPath))
        self._worker = WorkerProcess(self._onLine, self._onFinished)

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def processId(self) -> int | None:
        return self._worker.processId

    def start(self) -> None:
        """Write the inputs and start the worker.

        Raises:
            OSError: disk or program.
        """
        try:
            self.request.writeInputs(self._folder)
            self._worker.start(self.request.commandLine(self._folder), CoreLibrary.environment())
        except OSError:
            self._removeFolder()
            raise

    def cancel(self) -> None:
        """End the worker and its children; neither `onResult` nor `onFailure` is called."""
        self._worker.cancel()
        self._removeFolder()

    def _onLine(self, line: str) -> None:
        self.progress.read(line)
        self._onProgress(self.progress)

    def _onFinished(self, exitCode: int) -> None:
        if exitCode == 0:
            try:
                result = ResultFiles.read(self._folder / "result")
            except (OSError, KeyError, ValueError) as error:
                self._fail(_("The prediction ended without a result that can be read ({error}).").format(error=error))
                return
            self._onResult(result)
        elif exitCode == self.INPUT_FAULT and self.progress.lastWords():
            self._fail(self._withoutFolder(self.progress.lastWords().removeprefix("lamod: ")))
        elif exitCode < 0:
            text = _("The prediction was ended from outside (signal {signal}). The scene is as it was; predict again.")
            self._fail(text.format(signal=-exitCode))
        else:
            text = _("The prediction process failed (exit code {code}): {words}. The log below says more.")
            self._fail(text.format(code=exitCode, words=self.progress.lastWords() or _("it said nothing")))

    def _withoutFolder(self, text: str) -> str:
        """The person knows nodes, not the files that were written for the worker."""
        return text.replace(str(self._folder) + "/", "").replace("masks.seq.nrrd", _("The masks"))

    def _fail(self, text: str) -> None:
        self._removeFolder()
        self._onFailure(text)

    def _removeFolder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
