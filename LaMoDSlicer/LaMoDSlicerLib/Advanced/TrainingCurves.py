from typing import Any, ClassVar

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LaMoDSlicerLib.Advanced import TrainingLayout
from LaMoDSlicerLib.Scene import RoleNodes


class TrainingPlot:
    """The curves of a training run as a Slicer plot, one stage at a time: each stage has its own loss."""

    LOSS, ENDPOINT = "loss", "endpoint"
    COLORS: ClassVar = {"train": (0.27, 0.47, 0.67), "val": (0.91, 0.44, 0.23)}

    def __init__(self) -> None:
        self.chartNode = RoleNodes.get("vtkMRMLPlotChartNode", "trainingChart", "LaMoD training")
        self._series = {}
        for kind in ("train", "val"):
            table = RoleNodes.get("vtkMRMLTableNode", f"training-{kind}-table", f"LaMoD training, {kind}")
            node = RoleNodes.get("vtkMRMLPlotSeriesNode", f"training-{kind}", f"LaMoD {kind}", hidden=True)
            node.SetAndObserveTableNodeID(table.GetID())
            node.SetPlotType(node.PlotTypeScatter)
            node.SetLineStyle(node.LineStyleSolid)
            node.SetLineWidth(2)
            node.SetColor(*self.COLORS[kind])
            if not self.chartNode.HasPlotSeriesNodeID(node.GetID()):
                self.chartNode.AddAndObservePlotSeriesNodeID(node.GetID())
            self._series[kind] = (node, table)
        validation = self._series["val"][0]
        validation.SetMarkerStyle(validation.MarkerStyleCircle)
        validation.SetMarkerSize(8)
        self._series["train"][0].SetMarkerStyle(validation.MarkerStyleNone)

    @property
    def isInScene(self) -> bool:
        """Whether the nodes are still in the scene, which may have been closed."""
        return self.chartNode.GetScene() is not None

    def show(self, curve: Any, quantity: str, run: str) -> None:
        """Draw one stage.

        Args:
            curve: a LaMoDCore `StageCurve`.
            quantity: LOSS or ENDPOINT.
            run: name of the run, for the title.
        """
        chart = self.chartNode
        wasModifying = chart.StartModify()
        endpoint = quantity == self.ENDPOINT
        steps, loss = ([], []) if endpoint else (curve.steps, curve.loss)
        self._fill("train", steps, loss, _("training"))
        values = curve.endpoint_mm if endpoint else curve.validation
        self._fill("val", curve.epoch_steps, values, _("validation"))
        chart.SetTitle(f"{run}: {curve.stage}")
        chart.SetTitleVisibility(True)
        chart.SetTitleFontSize(14)
        chart.SetXAxisTitle(_("step"))
        chart.SetYAxisTitle(_("endpoint error (mm)") if endpoint else _("loss"))
        self._fit()
        chart.SetAxisTitleFontSize(13)
        chart.SetAxisLabelFontSize(12)
        chart.SetLegendVisibility(True)
        chart.SetLegendFontSize(11)
        chart.SetGridVisibility(True)
        chart.EndModify(wasModifying)
        chart.Modified()

    def _fit(self) -> None:
        """Fit the axes to the data with a margin; the plot does not do so itself."""
        points = np.concatenate([self.points(kind) for kind in self._series])
        if not len(points):
            return
        (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
        margin = 0.08 * (top - bottom) or 0.1 * abs(top) or 1.0
        self.chartNode.SetXAxisRangeAuto(False)
        self.chartNode.SetXAxisRange(float(left) - 0.5, float(max(right, left + 1)) + 0.5)
        self.chartNode.SetYAxisRangeAuto(False)
        self.chartNode.SetYAxisRange(float(bottom - margin), float(top + margin))

    def points(self, kind: str) -> np.ndarray:
        """[n, 2]: steps and values of the "train" or "val" curve."""
        table = self._series[kind][1].GetTable()
        columns = [vtk_to_numpy(table.GetColumn(c)) for c in range(2)]
        return np.column_stack(columns)[np.isfinite(columns[1])]

    def showInLayout(self) -> None:
        """Show the chart in the first plot view of the layout."""
        layouts = slicer.app.layoutManager()
        if layouts is not None and layouts.plotViewCount:
            layouts.plotWidget(0).mrmlPlotViewNode().SetPlotChartNodeID(self.chartNode.GetID())

    def _fill(self, kind: str, steps: list[int], values: list[float], name: str) -> None:
        node, tableNode = self._series[kind]
        points = np.array([steps, values], np.float64).reshape(2, -1)
        points = points[:, np.isfinite(points).all(axis=0)]
        drawn = points if points.size else np.full((2, 1), np.nan)
        if drawn.shape[1] == 1:  # VTK reports an error for a line of one point
            drawn = np.repeat(drawn, 2, axis=1)
        table = vtk.vtkTable()
        for title, column in ((_("step"), drawn[0]), (name, drawn[1])):
            array = numpy_to_vtk(np.ascontiguousarray(column), deep=True)
            array.SetName(title)
            table.AddColumn(array)
        tableNode.SetAndObserveTable(table)
        node.SetXColumnName(_("step"))
        node.SetYColumnName(name)
        node.SetName(name if points.size else "")


class TrainingCurves:
    """Shows the curves of a run next to the images while their button is checked.

    Args:
        ui: the train section's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._plot: TrainingPlot | None = None
        self._curves: Any = None
        self._stage = self._name = ""
        for text, quantity in ((_("loss"), TrainingPlot.LOSS), (_("endpoint error"), TrainingPlot.ENDPOINT)):
            ui.curveSelector.addItem(text, quantity)
        ui.curvesButton.connect("toggled(bool)", self.onCurvesButton)
        ui.curveSelector.connect("activated(int)", lambda _index: self._draw())

    @property
    def plot(self) -> TrainingPlot | None:
        """The plot; None before it is shown."""
        return self._plot

    def show(self, curves: Any, stage: str, name: str) -> None:
        """Show the curves of a run.

        Args:
            curves: the LaMoDCore `RunCurves`.
            stage: current stage of the run.
            name: of the run.
        """
        self._curves, self._stage, self._name = curves, stage, name
        self._draw()

    def forget(self) -> None:
        """Discard the curves because another run was selected."""
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
            self._plot = TrainingPlot()
        stages = self._curves.stages
        shown = stages[self._stage] if self._stage in stages else list(stages.values())[-1]
        quantity = self._ui.curveSelector.itemData(self._ui.curveSelector.currentIndex)
        self._plot.show(shown, quantity, self._name)
        self._plot.showInLayout()
