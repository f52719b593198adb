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
from LaMoDSlicerLib.Worker import WarmWorker
from LaMoDSlicerLib.Worker.SlicedWork import SlicedWork, Steps
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class PredictPanel:
    """Predict Strain, drawing contours first where there are none: the buttons, the progress and the messages.

    Args:
        owner: the module's widget: its widgets by name, its logic and its update of all panels.
        model: the heart.
        show: returns the steps that display a new result, given its ResultNode.
    """

    def __init__(self, owner: Any, model: HeartModel, show: Callable[[Any], Steps]) -> None:
        self._ui, self._logic, self._model, self._show = owner.ui, owner.logic, model, show
        self.refresh = owner.update
        self._parameters: Any = None
        self._job: WorkerProcess | None = None
        self._showing: SlicedWork | None = None
        self._isCommitting = False
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
        self._updateCancel()
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

    def _updateCancel(self) -> None:
        reason = "" if self._job is not None else _("Nothing is running.")
        if self._isCommitting:
            reason = _("The result is being shown.")
        PanelWidgets.enable(self._ui.cancelButton, reason, _("Cancel; the scene does not change"))

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
        except (InputError, OSError) as error:
            self.showMessage(str(error) if isinstance(error, InputError) else f"{failed.rstrip('.')}: {error}.")
            PanelWidgets.scrollTo(self._ui.messageLabel)
            return
        self._busy = busy
        self._ui.progressBar.value = 0
        self._ui.stageLabel.text = _("Starting …")
        self.update()
        PanelWidgets.scrollTo(self._ui.stageLabel)

    @property
    def isCommitting(self) -> bool:
        """Whether a result is being added to the scene: no other update is useful until it is complete."""
        return self._isCommitting

    def onCancelButton(self) -> None:
        if self._isCommitting:  # the result is complete
            return
        self.cancel(_("Cancelled. The scene is unchanged."))

    def cancel(self, reason: str) -> None:
        """Cancel the running process, if there is one, and show the reason."""
        if self._job is None:
            return
        self._job.cancel()
        if self._showing is not None:
            self._showing.cancel()
        self.finishJob()
        self.showMessage(reason)

    def cleanup(self) -> None:
        """Cancel the running process and end the one that waits for the next prediction."""
        self.cancel("")
        WarmWorker.discard()

    def onProgress(self, progress: WorkerProgress) -> None:
        self._ui.progressBar.value = int(100 * progress.fraction)
        left = progress.secondsLeft()
        parts = [part for part in (progress.message or progress.stage, progress.device) if part]
        if left is not None and " s left" not in progress.message:  # drawing contours reports the time left itself
            parts.append(_("about {seconds:.0f} s left").format(seconds=left))
        self._ui.stageLabel.text = " · ".join(parts)
        self._ui.logEdit.appendPlainText(progress.log[-1])

    def onResult(self, result: Any, request: HeartRequest) -> None:
        """Add a result to the scene and show it, in small steps."""
        self._ui.stageLabel.text = _("Showing the result …")
        self._showing = SlicedWork(
            self._showSteps(result, request), lambda _node: self._onShown(result, request), self._onNotShown
        )
        self._showing.start()

    def _showSteps(self, result: Any, request: HeartRequest) -> Steps:
        def onCommit() -> None:
            self._isCommitting = True
            self._updateCancel()
            slicer.app.pauseRender()  # the views would show a part of the result

        try:
            node = yield from self._logic.resultSteps(result, request, self._parameters, onCommit)
            yield from self._show(node)
        finally:
            if self._isCommitting:
                self._isCommitting = False
                slicer.app.resumeRender()

    def _onShown(self, result: Any, request: HeartRequest) -> None:
        self.finishJob()
        self.refresh()
        self._ui.stageLabel.text = self._provenanceText(result.summary)
        cines = [part.cineNodeId for part in request.parts if part.cineNodeId]
        if any(slicer.mrmlScene.GetNodeByID(cine) is None for cine in cines):
            self.showMessage(_("The cine was removed during the prediction: the result has its own sequence browser."))
        PanelWidgets.scrollTo(self._ui.strainButton)

    def _onNotShown(self, error: Exception) -> None:
        self.finishJob()
        self.refresh()
        reason = (str(error) or type(error).__name__).rstrip(".")
        self.showMessage(_("The result could not be shown: {error}.").format(error=reason))
        if not isinstance(error, (ValueError, KeyError, OSError)):
            raise error

    def onError(self, text: str) -> None:
        self.finishJob()
        self.showMessage(text)

    def finishJob(self) -> None:
        """Another process can start from now on."""
        self._job, self._showing, self._busy = None, None, ""
        self._ui.stageLabel.text = ""
        self.update()

    @staticmethod
    def _provenanceText(summary: dict[str, Any]) -> str:
        provenance = summary.get("provenance", {})
        if not provenance:
            return ""
        text = _("Predicted with {model} ({reason}).")  # the reason names the device
        return text.format(model=provenance.get("model"), reason=provenance.get("device_reason"))
