from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.TrainingCurves import TrainingCurves
from LaMoDSlicerLib.Advanced.TrainingLayout import TrainingLayout


class CurvesView:
    """The curves of a run beside the pictures, as long as their button is down.

    Args:
        ui: the train section's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._plot: TrainingCurves | None = None
        self._curves: Any = None
        self._stage = self._name = ""
        for text, quantity in ((_("loss"), TrainingCurves.LOSS), (_("endpoint error"), TrainingCurves.ENDPOINT)):
            ui.curveSelector.addItem(text, quantity)
        ui.curvesButton.connect("toggled(bool)", self.onCurvesButton)
        ui.curveSelector.connect("activated(int)", lambda _index: self._draw())

    @property
    def plot(self) -> TrainingCurves | None:
        """The plot; None until it was opened."""
        return self._plot

    def show(self, curves: Any, stage: str, name: str) -> None:
        """Take what there is now.

        Args:
            curves: the run's (LaMoDCore `RunCurves`).
            stage: in which it is.
            name: of the run.
        """
        self._curves, self._stage, self._name = curves, stage, name
        self._draw()

    def forget(self) -> None:
        """Another run was chosen."""
        self._plot = self._curves = None

    def onCurvesButton(self, shown: bool) -> None:
        if shown:
            TrainingLayout.open(TrainingLayout.CURVES)
            self._draw()
        else:
            TrainingLayout.close()

    def _draw(self) -> None:
        if not self._ui.curvesButton.checked or self._curves is None or not self._curves.stages:
            return
        if self._plot is None or not self._plot.isInScene:
            self._plot = TrainingCurves()
        stages = self._curves.stages
        shown = stages[self._stage] if self._stage in stages else list(stages.values())[-1]
        quantity = self._ui.curveSelector.itemData(self._ui.curveSelector.currentIndex)
        self._plot.show(shown, quantity, self._name)
        self._plot.showInLayout()
