from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourDrawing import ContourDrawing, DrawnContours
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Widgets import PanelWidgets


class DrawingSection:
    """The button Draw contours; progress, Cancel and messages are those of the prediction.

    Args:
        ui: the panel's widgets by name.
        logic: the module's logic.
        panel: the PredictPanel.
    """

    def __init__(self, ui: Any, logic: Any, panel: Any) -> None:
        self._ui, self._logic, self._panel = ui, logic, panel
        self._parameters: Any = None
        ui.drawContoursButton.connect("clicked(bool)", self.onDrawButton)

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters

    def update(self, busy: str) -> None:
        """Enable the button; when it is disabled, its tooltip says why.

        Args:
            busy: why no other job can start; empty if none is running.
        """
        tip = _("Draw the contours of every frame of the cine automatically; review them in the Contours section")
        PanelWidgets.enable(self._ui.drawContoursButton, busy or self.problem(), tip)

    def problem(self) -> str:
        """Why contours cannot be drawn; empty if they can."""
        p = self._parameters
        if p is None or p.cine is None:
            return _("Select the cine on which the contours are drawn.")
        try:
            CineSource(p.cine).check()
        except InputError as error:
            return str(error)
        return ""

    def needsContours(self) -> bool:
        """Whether a cine is selected but no masks."""
        p = self._parameters
        return p is not None and p.masks is None and p.cine is not None

    def onDrawButton(self) -> None:
        self.draw()

    def onPredictWithoutContours(self, predict: Callable[[], None]) -> None:
        """Ask whether to draw contours first; then draw them and predict."""
        if slicer.util.confirmYesNoDisplay(_("There are no contours. Draw them automatically first?")):
            self.draw(predict)

    def draw(self, afterwards: Callable[[], None] | None = None) -> None:
        """Draw the contours of the selected cine and select them as masks.

        Args:
            afterwards: called once the contours are selected.
        """

        def start() -> Any:
            drawing = ContourDrawing.of(self._parameters.cine)
            return self._logic.startDrawing(
                drawing,
                self._panel.onProgress,
                lambda contours: self._onDrawn(contours, drawing, afterwards),
                self._panel.onError,
            )

        self._panel.startJob(start, _("The contours could not be drawn."), _("Contours are being drawn."))

    def _onDrawn(self, contours: DrawnContours, drawing: ContourDrawing, afterwards: Callable[[], None] | None) -> None:
        self._panel.finishJob()
        with slicer.util.RenderBlocker():
            self._parameters.masks = drawing.show(contours)
        self._parameters.myocardium = ""
        self._panel.update()
        self._ui.stageLabel.text = contours.summary()
        if afterwards is not None:
            afterwards()
