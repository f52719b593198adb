from collections.abc import Callable

from slicer.i18n import tr as _

from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results.ResultFiles import ResultFiles
from LaMoDSlicerLib.Worker.WorkerJob import WorkerJob
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class PredictionJob(WorkerJob):
    """One prediction. The scene is not touched before the result is whole.

    Args:
        request: what to predict.
        onProgress: called whenever the worker said something.
        onResult: called with the ResultFiles.
        onFailure: called with a sentence for the person.
    """

    def __init__(
        self,
        request: PredictionRequest,
        onProgress: Callable[[WorkerProgress], None],
        onResult: Callable[[ResultFiles], None],
        onFailure: Callable[[str], None],
    ) -> None:
        super().__init__("LaMoD-", onProgress, onFailure)
        self.request = request
        self._onResult = onResult

    def _commandLine(self) -> list[str]:
        self.request.writeInputs(self.folder)
        return self.request.commandLine(self.folder)

    def _onFinished(self, exitCode: int) -> None:
        if exitCode == 0:
            try:
                result = ResultFiles.read(self.folder / "result")
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
        return text.replace(str(self.folder) + "/", "").replace("masks.seq.nrrd", _("The masks"))
