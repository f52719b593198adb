from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.DrawingSection import DrawingSection
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.LaMoDSlicerLogic import LaMoDSlicerLogic
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Widgets import PanelWidgets
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class PredictPanel:
    """Predict Strain, drawing contours first if there are none: the buttons, the progress and the messages.

    Args:
        ui: the panel's widgets by name.
        logic: the module's logic.
        onResultShown: called with the ResultScene.
    """

    def __init__(self, ui: Any, logic: LaMoDSlicerLogic, onResultShown: Callable[[ResultScene], None]) -> None:
        self._ui, self._logic, self._onResultShown = ui, logic, onResultShown
        self._parameters: Any = None
        self._job: WorkerProcess | None = None
        self._busy = ""
        self._drawing = DrawingSection(ui, logic, self)
        PanelWidgets.keepSpaceWhenHidden(ui.progressBar)
        PanelWidgets.reserveLines(ui.stageLabel, 2)
        ui.predictButton.connect("clicked(bool)", self.onPredictButton)
        ui.cancelButton.connect("clicked(bool)", self.onCancelButton)

    @property
    def job(self) -> WorkerProcess | None:
        """The running prediction or drawing of contours, or None."""
        return self._job

    def setParameters(self, parameters: Any) -> None:
        if parameters is None:
            self._leaveScene()
        self._parameters = parameters
        self._drawing.setParameters(parameters)
        self.update()

    def _leaveScene(self) -> None:
        """End what belongs to a scene that is closed: the job, or the messages."""
        if self._job is not None:
            self.cancel(_("The scene was closed: the running computation was cancelled."))
        else:
            self.showMessage("")
        self._ui.stageLabel.text = ""
        self._ui.logEdit.setPlainText("")

    def showMessage(self, text: str) -> None:
        """Show a sentence in the panel."""
        self._ui.messageLabel.text = text

    def update(self) -> None:
        """Enable the buttons; when one is disabled, its tooltip says why."""
        running = self._job is not None
        idle = "" if running else _("Nothing is running.")
        PanelWidgets.enable(self._ui.cancelButton, idle, _("Cancel; the scene does not change"))
        self._ui.progressBar.visible = running
        try:
            problem = self._problem() or self._busy
        except InputError as error:
            problem = str(error)
        tip = _("Predict motion and strain from the masks")
        if self._drawing.needsContours():
            tip = _("Draw contours automatically, then predict motion and strain from them")
        PanelWidgets.enable(self._ui.predictButton, problem, tip)
        self._drawing.update(self._busy)
        if not running and self._parameters is not None and self._parameters.masks is not None:
            self.showMessage(problem)

    def _problem(self) -> str:
        """Why no strain can be predicted; empty if it can.

        Raises:
            InputError: the same, with the reason as its message.
        """
        if self._parameters is None:
            return _("The scene is being closed.")
        if self._drawing.needsContours():
            return self._drawing.problem()
        RequestReader(self._parameters).check()
        return ""

    def onPredictButton(self) -> None:
        if self._drawing.needsContours():
            self._drawing.onPredictWithoutContours(self.predict)
        else:
            self.predict()

    def predict(self) -> None:
        """Start the prediction from the selected masks."""

        def start() -> WorkerProcess:
            request = RequestReader(self._parameters).read()
            return self._logic.startPrediction(
                request, self.onProgress, lambda result: self.onResult(result, request), self.onError
            )

        self.startJob(start, _("The prediction could not be started."), _("A prediction is running."))

    def startJob(self, start: Callable[[], WorkerProcess], failed: str, busy: str) -> None:
        """Start a process whose progress the panel shows.

        Args:
            start: starts it; an InputError or OSError is shown in the panel.
            failed: sentence for the case that it cannot be started.
            busy: why no other process can start meanwhile.
        """
        if self._job is not None:
            self.showMessage(self._busy)
            return
        self.showMessage("")
        self._ui.stageLabel.text = ""
        self._ui.logEdit.setPlainText("")
        try:
            with slicer.util.tryWithErrorDisplay(failed, show=False, waitCursor=True):
                self._job = start()
        except InputError as error:
            self.showMessage(str(error))
            return
        except OSError as error:
            self.showMessage(f"{failed.rstrip('.')}: {error}.")
            return
        self._busy = busy
        self._ui.progressBar.value = 0
        self._ui.stageLabel.text = _("Starting …")
        self.update()

    def onCancelButton(self) -> None:
        self.cancel(_("Cancelled. The scene is unchanged."))

    def cancel(self, reason: str) -> None:
        """Cancel the running process, if there is one, and show the reason."""
        if self._job is None:
            return
        self._job.cancel()
        self.finishJob()
        self.showMessage(reason)

    def onProgress(self, progress: WorkerProgress) -> None:
        self._ui.progressBar.value = int(100 * progress.fraction)
        left = progress.secondsLeft()
        parts = [part for part in (progress.message or progress.stage, progress.device) if part]
        if left is not None and " s left" not in progress.message:  # drawing contours reports the time left itself
            parts.append(_("about {seconds:.0f} s left").format(seconds=left))
        self._ui.stageLabel.text = " · ".join(parts)
        self._ui.logEdit.appendPlainText(progress.log[-1])

    def onResult(self, result: Any, request: PredictionRequest) -> None:
        job = self._job
        self.finishJob()
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
        self.finishJob()
        self.showMessage(text)

    def finishJob(self) -> None:
        """Another process can start from now on."""
        self._job, self._busy = None, ""
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
