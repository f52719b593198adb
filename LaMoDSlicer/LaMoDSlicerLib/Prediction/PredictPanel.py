from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.LaMoDSlicerLogic import LaMoDSlicerLogic
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import PanelWidgets
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class PredictPanel:
    """Predict Strain: the button, the progress and the messages.

    Args:
        ui: the panel's widgets by name.
        logic: the module's logic.
        onResultShown: called with the ResultScene.
    """

    def __init__(self, ui: Any, logic: LaMoDSlicerLogic, onResultShown: Callable[[ResultScene], None]) -> None:
        self._ui, self._logic, self._onResultShown = ui, logic, onResultShown
        self._parameters: Any = None
        self._job: WorkerProcess | None = None
        PanelWidgets.keepSpaceWhenHidden(ui.progressBar)
        PanelWidgets.reserveLines(ui.stageLabel, 2)
        ui.predictButton.connect("clicked(bool)", self.onPredictButton)
        ui.cancelButton.connect("clicked(bool)", self.onCancelButton)

    @property
    def job(self) -> WorkerProcess | None:
        """The running prediction, or None."""
        return self._job

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self.update()

    def showMessage(self, text: str) -> None:
        """Show a sentence in the panel."""
        self._ui.messageLabel.text = text

    def update(self) -> None:
        """Enable the button; when it is disabled, its tooltip says why."""
        running = self._job is not None
        idle = "" if running else _("No prediction is running.")
        PanelWidgets.enable(self._ui.cancelButton, idle, _("Cancel the prediction; the scene does not change"))
        self._ui.progressBar.visible = running
        try:
            if self._parameters is None:
                raise InputError(_("The scene is being closed."))
            RequestReader(self._parameters).check()
            problem = _("A prediction is running.") if running else ""
        except InputError as error:
            problem = str(error)
        PanelWidgets.enable(self._ui.predictButton, problem, _("Predict motion and strain from the masks"))
        if not running and self._parameters is not None and self._parameters.masks is not None:
            self.showMessage(problem)

    def onPredictButton(self) -> None:
        self.showMessage("")
        self._ui.stageLabel.text = ""
        self._ui.logEdit.setPlainText("")
        try:
            with slicer.util.tryWithErrorDisplay(
                _("The prediction could not be started."), show=False, waitCursor=True
            ):
                request = RequestReader(self._parameters).read()
                self._job = self._logic.startPrediction(
                    request, self.onProgress, lambda result: self.onResult(result, request), self.onError
                )
        except InputError as error:
            self.showMessage(str(error))
            return
        except OSError as error:
            self.showMessage(_("The prediction could not be started: {error}.").format(error=error))
            return
        self._ui.progressBar.value = 0
        self._ui.stageLabel.text = _("Starting …")
        self.update()

    def onCancelButton(self) -> None:
        self.cancel(_("Cancelled. The scene is unchanged."))

    def cancel(self, reason: str) -> None:
        """Cancel the running prediction, if there is one, and show the reason."""
        if self._job is None:
            return
        self._job.cancel()
        self._finish()
        self.showMessage(reason)

    def onProgress(self, progress: WorkerProgress) -> None:
        self._ui.progressBar.value = int(100 * progress.fraction)
        left = progress.secondsLeft()
        parts = [part for part in (progress.message or progress.stage, progress.device) if part]
        if left is not None:
            parts.append(_("about {seconds:.0f} s left").format(seconds=left))
        self._ui.stageLabel.text = " · ".join(parts)
        self._ui.logEdit.appendPlainText(progress.log[-1])

    def onResult(self, result: Any, request: PredictionRequest) -> None:
        job = self._job
        self._finish()
        try:
            scene = self._logic.showResult(result, request, self._parameters)
        except ValueError as error:
            self.showMessage(_("The result could not be shown: {error}.").format(error=error))
            return
        self._ui.stageLabel.text = self._provenanceText(result.summary)
        self._onResultShown(scene)
        if job is not None and request.cineNodeId and slicer.mrmlScene.GetNodeByID(request.cineNodeId) is None:
            self.showMessage(_("The cine was removed during the prediction: the result has its own sequence browser."))

    def onError(self, text: str) -> None:
        self._finish()
        self.showMessage(text)

    def _finish(self) -> None:
        self._job = None
        self._ui.stageLabel.text = ""
        self.update()

    @staticmethod
    def _provenanceText(summary: dict[str, Any]) -> str:
        provenance = summary.get("provenance", {})
        if not provenance:
            return ""
        text = _("Predicted with {model} on {device} ({reason}).")
        return text.format(
            model=provenance.get("model"), device=provenance.get("device"), reason=provenance.get("device_reason")
        )
