from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart import HeartReader
from LaMoDSlicerLib.Heart.DrawingControl import DrawingControl
from LaMoDSlicerLib.Heart.HeartModel import HeartModel
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest
from LaMoDSlicerLib.Widgets import PanelWidgets
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class PredictPanel:
    """Predict Strain, drawing contours first where there are none: the buttons, the progress and the messages.

    Args:
        owner: the module's widget: its widgets by name, its logic and its update of all panels.
        model: the heart.
        show: called with the ResultNode of a new result, to display it.
    """

    def __init__(self, owner: Any, model: HeartModel, show: Callable[[Any], None]) -> None:
        self._ui, self._logic, self._model, self._show = owner.ui, owner.logic, model, show
        self.refresh = owner.update
        self._parameters: Any = None
        self._job: WorkerProcess | None = None
        self._busy = ""
        self._problemShown = ""
        self._drawing = DrawingControl(self._ui, self._logic, self, model)
        PanelWidgets.keepSpaceWhenHidden(self._ui.progressBar)
        PanelWidgets.reserveLines(self._ui.stageLabel, 2)
        self._ui.predictButton.connect("clicked(bool)", self.onPredictButton)
        self._ui.cancelButton.connect("clicked(bool)", self.onCancelButton)

    @property
    def parameters(self) -> Any:
        """The ParameterNode, or None while no scene is open."""
        return self._parameters

    @property
    def job(self) -> WorkerProcess | None:
        """The running prediction or drawing of contours, or None."""
        return self._job

    def setParameters(self, parameters: Any) -> None:
        if parameters is None:
            self._leaveScene()
        self._parameters = parameters
        self.update()

    def _leaveScene(self) -> None:
        """End what belongs to a scene that is closed: the job, or the messages."""
        if self._job is not None:
            self.cancel(_("The scene was closed: the running computation was cancelled."))
        else:
            self.showMessage("")
        self._ui.stageLabel.text = ""
        self._ui.logEdit.setPlainText("")

    def heartChanged(self) -> None:
        """Remove messages about series that are no longer those of the table."""
        if self._job is None and self._model.rows:  # an empty table keeps the message of the scene that was closed
            self.showMessage("")
            self._problemShown = ""  # `update` shows what is still wrong
            self._ui.stageLabel.text = ""

    def showMessage(self, text: str) -> None:
        """Show a sentence in the panel."""
        self._ui.messageLabel.text = text
        self._ui.messageLabel.visible = bool(text)

    def update(self) -> None:
        """Enable the buttons; when one is disabled, its tooltip says why."""
        running = self._job is not None
        idle = "" if running else _("Nothing is running.")
        PanelWidgets.enable(self._ui.cancelButton, idle, _("Cancel; the scene does not change"))
        self._ui.progressBar.visible = running
        problem = self._problem()
        tip = _("Predict motion and strain from the contours of the used slices")
        if self._drawing.missing():
            tip = _("Draw contours automatically, then predict motion and strain from them")
        PanelWidgets.enable(self._ui.predictButton, self._busy or problem, tip)
        self._drawing.update(self._busy)
        if not running and problem != self._problemShown:
            shown = problem if self._model.rows else ""
            if self._parameters is not None and (shown or self._ui.messageLabel.text == self._problemShown):
                self.showMessage(shown)
            self._problemShown = problem

    def _problem(self) -> str:
        """Why no strain can be predicted; empty if it can."""
        if self._parameters is None:
            return _("The scene is being closed.")
        if self._drawing.missing() and self._drawing.problem():
            return self._drawing.problem()
        return HeartReader.problem(self._model, self._parameters)

    def onPredictButton(self) -> None:
        if self._drawing.missing():
            self._drawing.onPredictWithoutContours(self.predict)
        else:
            self.predict()

    def predict(self) -> None:
        """Start the prediction of the used slices."""

        def start() -> WorkerProcess:
            request = HeartReader.read(self._model, self._parameters)
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
        PanelWidgets.scrollTo(self._ui.stageLabel)

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

    def onResult(self, result: Any, request: HeartRequest) -> None:
        self.finishJob()
        lost = [p for p in request.parts if p.cineNodeId and slicer.mrmlScene.GetNodeByID(p.cineNodeId) is None]
        try:
            with slicer.util.RenderBlocker():
                self._show(self._logic.addResult(result, request, self._parameters))
        except (ValueError, KeyError, OSError) as error:
            self.showMessage(_("The result could not be shown: {error}.").format(error=error))
            return
        self.refresh()
        self._ui.stageLabel.text = self._provenanceText(result.summary)
        if lost:
            self.showMessage(_("The cine was removed during the prediction: the result has its own sequence browser."))
        PanelWidgets.scrollTo(self._ui.strainButton)

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
