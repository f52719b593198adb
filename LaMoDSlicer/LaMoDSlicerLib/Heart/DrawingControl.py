from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourDrawing import DrawnContours
from LaMoDSlicerLib.Heart.HeartDrawing import HeartDrawing
from LaMoDSlicerLib.Heart.HeartModel import HeartModel
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Widgets import PanelWidgets


class DrawingControl:
    """The button Draw contours; progress, Cancel and messages are those of the prediction.

    Args:
        ui: the panel's widgets by name.
        logic: the module's logic.
        panel: the PredictPanel.
        model: the heart.
    """

    def __init__(self, ui: Any, logic: Any, panel: Any, model: HeartModel) -> None:
        self._ui, self._logic, self._panel, self._model = ui, logic, panel, model
        ui.drawContoursButton.connect("clicked(bool)", lambda _checked: self.draw())

    def update(self, busy: str) -> None:
        """Enable the button; when it is disabled, its tooltip says why.

        Args:
            busy: why no other job can start; empty if none is running.
        """
        tip = _("Draw the contours of every frame of the selected slice's cine again; the present ones are kept")
        if self.missing():
            tip = _("Draw the contours of every frame of the used slices that have none; then review them")
        PanelWidgets.enable(self._ui.drawContoursButton, busy or self.problem(), tip)

    def missing(self) -> list[HeartSeries]:
        """The used series without masks."""
        return [series for series in self._model.usedSeries if series.masks is None]

    def _wanted(self) -> list[HeartSeries]:
        """The series to draw: those without masks, else the selected one again."""
        current = self._model.current()
        return self.missing() or [s for s in (current,) if s is not None and s.cine is not None]

    def problem(self) -> str:
        """Why contours cannot be drawn; empty if they can."""
        wanted = self._wanted()
        if not wanted:
            return _("Select the cine on which the contours are drawn.")
        for series in wanted:
            try:
                CineSource(series.cine).check()
            except InputError as error:
                if series.masks is not None:
                    return str(error)
                text = _("“{name}” has no contours, and none can be drawn: {reason}")
                return text.format(name=series.name, reason=error)
        return ""

    def onPredictWithoutContours(self, predict: Callable[[], None]) -> None:
        """Ask whether to draw the missing contours first; then draw them and predict."""
        missing = len([row for row in self._model.usedRows if row.series.masks is None])
        question = _("There are no contours. Draw them automatically first?")
        if missing < len(self._model.usedRows):
            question = _("{count} of {all} slices have no contours. Draw them automatically first?")
        question = question.format(count=missing, all=len(self._model.usedRows))
        if slicer.util.confirmYesNoDisplay(question):
            self.draw(predict)

    def draw(self, afterwards: Callable[[], None] | None = None) -> None:
        """Draw contours and use them as masks of their series.

        Args:
            afterwards: called once the contours are in the scene.
        """
        wanted = self._wanted()

        def start() -> Any:
            drawing = HeartDrawing.of([series.cine for series in wanted])
            return self._logic.startDrawing(
                drawing,
                self._panel.onProgress,
                lambda contours: self._onDrawn(contours, drawing, wanted, afterwards),
                self._panel.onError,
            )

        self._panel.startJob(start, _("The contours could not be drawn."), _("Contours are being drawn."))

    def _onDrawn(
        self,
        contours: list[DrawnContours | None],
        drawing: HeartDrawing,
        wanted: list[HeartSeries],
        afterwards: Callable[[], None] | None,
    ) -> None:
        self._panel.finishJob()
        with slicer.util.RenderBlocker():
            for series, own, found in zip(wanted, drawing.drawings, contours, strict=True):
                if found is None:  # nothing was drawn: without contours the prediction would ask again
                    self._model.leaveOut(series)
                else:
                    self._model.setMasks(series, own.show(found))
        self._panel.refresh()
        origins = [origin for found in contours if found is not None for origin in found.origins]
        summary = DrawnContours(np.zeros(0), origins).summary()
        empty = [series.name for series, found in zip(wanted, contours, strict=True) if found is None]
        if empty:
            summary += " " + _("No ventricle was found in {names}: not used.").format(names=", ".join(empty))
        self._ui.stageLabel.text = summary
        if afterwards is not None:
            afterwards()
