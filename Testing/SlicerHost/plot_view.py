"""A plot view like Slicer's: a VTK chart with the series of a plot chart node."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore

from Testing.SlicerHost.pythonqt import wrapped
from Testing.SlicerHost.strict import Strict
from Testing.SlicerHost.views import View

Signal = QtCore.Signal
_NO_PEN = 0
#: Background colour of the real view, RGBA.
_PAPER = (255, 253, 246, 255)


class PlotView(View):
    """The live chart of one plot view node; it is redrawn when its chart node changes."""

    def __init__(self, scene: Any, name: str) -> None:
        super().__init__()
        self.GetRenderWindow().RemoveRenderer(self.renderer)
        self.GetRenderWindow().SetMultiSamples(0)
        self.context = vtk.vtkContextView()
        self.context.SetRenderWindow(self.GetRenderWindow())
        style = vtk.vtkContextInteractorStyle()
        style.SetScene(self.context.GetScene())
        self.interactor.SetInteractorStyle(style)
        self._style = style
        self.renderer = self.context.GetRenderer()
        self.chart = vtk.vtkChartXY()
        self.chart.GetBackgroundBrush().SetColor(*_PAPER)
        self.context.GetScene().AddItem(self.chart)
        self._set_buttons()
        self.node = slicer.vtkMRMLPlotViewNode()
        self.node.SetLayoutName(name)
        self.node.SetSingletonTag(name)
        self.node = scene.AddNode(self.node)
        self.node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow_chart())
        self._chart_node: Any = None
        self._tag = 0
        self._plots: dict[str, Any] = {}

    def _set_buttons(self) -> None:
        left, middle, right = (
            vtk.vtkContextMouseEvent.LEFT_BUTTON,
            vtk.vtkContextMouseEvent.MIDDLE_BUTTON,
            vtk.vtkContextMouseEvent.RIGHT_BUTTON,
        )
        self.chart.SetClickActionToButton(vtk.vtkChart.SELECT, left)
        self.chart.SetActionToButton(vtk.vtkChart.PAN, left)
        self.chart.SetActionToButton(vtk.vtkChart.ZOOM, middle)
        self.chart.SetActionToButton(vtk.vtkChart.ZOOM_AXIS, right)

    def _follow_chart(self) -> None:
        chart = slicer.mrmlScene.GetNodeByID(self.node.GetPlotChartNodeID() or "")
        if chart is not self._chart_node:
            if self._chart_node is not None:
                self._chart_node.RemoveObserver(self._tag)
            self._chart_node = chart
            if chart is not None:
                self._tag = chart.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self.update_chart())
        self.update_chart()

    def update_chart(self) -> None:
        """Update the VTK chart from the chart node and its series."""
        chart_node = self._chart_node
        series = []
        if chart_node is not None and chart_node.GetScene() is not None:
            count = chart_node.GetNumberOfNodeReferences(chart_node.GetPlotSeriesNodeReferenceRole())
            series = [chart_node.GetNthPlotSeriesNode(i) for i in range(count)]
        series = [s for s in series if s is not None and self._drawable(s)]
        wanted = {s.GetID() for s in series}
        for node_id in [i for i in self._plots if i not in wanted]:
            self.chart.RemovePlotInstance(self._plots.pop(node_id))
        for node in series:
            if node.GetID() not in self._plots:
                self._plots[node.GetID()] = self.chart.AddPlot(vtk.vtkChart.LINE)
            self._style_plot(self._plots[node.GetID()], node)
        if chart_node is not None:
            self._style_chart(chart_node)
        self.context.GetScene().SetDirty(True)  # as in Slicer, the interactor style draws it 40 ms later

    @staticmethod
    def _drawable(node: Any) -> bool:
        table = node.GetTableNode().GetTable() if node.GetTableNode() is not None else None
        return table is not None and table.GetColumnByName(node.GetYColumnName()) is not None

    @staticmethod
    def _style_plot(plot: Any, node: Any) -> None:
        plot.SetWidth(node.GetLineWidth())
        plot.SetColorF(*node.GetColor())
        plot.SetOpacity(node.GetOpacity())
        plot.GetPen().SetOpacityF(node.GetOpacity())
        plot.GetPen().SetLineType(node.GetLineStyle() if node.GetLineStyle() > 0 else _NO_PEN)
        plot.SetMarkerSize(node.GetMarkerSize())
        plot.SetMarkerStyle(node.GetMarkerStyle())
        plot.SetInputData(node.GetTableNode().GetTable(), node.GetXColumnName(), node.GetYColumnName())
        plot.SetLabel(node.GetName())

    def _style_chart(self, node: Any) -> None:
        chart = self.chart
        chart.SetTitle(node.GetTitle() or "" if node.GetTitleVisibility() else "")
        chart.GetTitleProperties().SetFontSize(node.GetTitleFontSize())
        chart.SetShowLegend(bool(node.GetLegendVisibility()))
        chart.GetLegend().GetLabelProperties().SetFontSize(node.GetLegendFontSize())
        for axis_id, title, auto, given in (
            (vtk.vtkAxis.BOTTOM, node.GetXAxisTitle(), node.GetXAxisRangeAuto(), node.GetXAxisRange()),
            (vtk.vtkAxis.LEFT, node.GetYAxisTitle(), node.GetYAxisRangeAuto(), node.GetYAxisRange()),
        ):
            axis = chart.GetAxis(axis_id)
            axis.SetTitle(title or "")
            axis.GetTitleProperties().SetFontSize(node.GetAxisTitleFontSize())
            axis.GetTitleProperties().SetBold(False)
            axis.GetLabelProperties().SetFontSize(node.GetAxisLabelFontSize())
            axis.SetGridVisible(bool(node.GetGridVisibility()))
            if auto:
                axis.SetBehavior(vtk.vtkAxis.AUTO)
            else:
                axis.SetBehavior(vtk.vtkAxis.FIXED)
                axis.SetUnscaledRange(*given)


class qMRMLPlotView(Strict, wrapped("QObject")):
    """``plotWidget(i).plotView()``."""

    dataSelected = Signal(object, object)

    def __init__(self, view: PlotView) -> None:
        super().__init__()
        self._view = view

    def chart(self) -> Any:
        return self._view.chart

    def scene(self) -> Any:
        return self._view.context.GetScene()

    def renderWindow(self) -> Any:
        return self._view.GetRenderWindow()

    def fitToContent(self) -> None:
        self._view.chart.RecalculateBounds()
        self._view.request_render()


class qMRMLPlotWidget(Strict, wrapped("QObject")):
    """``layoutManager().plotWidget(i)``."""

    def __init__(self, view: PlotView) -> None:
        super().__init__()
        self._view = view
        self._plot_view = qMRMLPlotView(view)

    def plotView(self) -> qMRMLPlotView:
        return self._plot_view

    def mrmlPlotViewNode(self) -> Any:
        return self._view.node
