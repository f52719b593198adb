from typing import Any, ClassVar

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from LaMoDSlicerLib.Results.ResultNumbers import SliceNumbers
from LaMoDSlicerLib.Scene import RoleNodes


class StrainCurvesPlot:
    """Plots strain over the cycle in Slicer: segments, whole slice, intervals and the current frame.

    The chart, series and table nodes are saved with the scene.
    """

    NAMES: ClassVar = {"ecc": "Ecc", "err": "Err"}
    SEGMENTS = 6
    #: Slicer's plots cannot fill areas: a band consists of this number of strokes of this width in pixels, from its
    #: lower to its upper limit. Twice as many strokes take 1.5 times as long to draw at every frame.
    STROKES, STROKE_WIDTH = 160, 5
    PALE = 0.78
    #: Width for the legend relative to the curves; with two results the plot is narrower.
    LEGEND_SHARE, LEGEND_SHARE_OF_TWO = 0.85, 1.0
    INK = (0.13, 0.15, 0.18)
    #: Names of the lines at end-diastole and end-systole in the legend.
    MOMENTS = ("ED", "ES")

    def __init__(self) -> None:
        from LaMoDCore.report.style import WALL_COLOURS

        self._colors = {wall: self._rgb(color) for wall, color in WALL_COLOURS.items()}
        self._markTable = RoleNodes.get("vtkMRMLTableNode", "markTable", "LaMoD current frame", hidden=True)
        self._curveTable = RoleNodes.get("vtkMRMLTableNode", "curveTable", "LaMoD strain curves")
        self._bandTable = RoleNodes.get("vtkMRMLTableNode", "bandTable", "LaMoD curve intervals", hidden=True)
        self._momentTable = RoleNodes.get(
            "vtkMRMLTableNode", "momentTable", "LaMoD end-diastole and end-systole", hidden=True
        )
        self.chartNode = RoleNodes.get("vtkMRMLPlotChartNode", "curves", "LaMoD strain over the cycle")
        self._mark = self._series("mark", self._markTable)
        self._moments = [self._series(name, self._momentTable) for name in self.MOMENTS]
        self._momentFrames = (0, 0)
        # a chart draws its series in order: the most important ones come last
        self._bands = [self._series(f"band{i}", self._bandTable) for i in range(self.SEGMENTS)]
        self._others = [self._series(f"other{i}", self._curveTable) for i in range(2)]
        self._curves = [self._series(f"curve{i}", self._curveTable) for i in range(self.SEGMENTS)]
        self._mean = self._series("mean", self._curveTable)
        for node in (*self._bands, *self._moments, self._mark, *self._others, *self._curves, self._mean):
            if not self.chartNode.HasPlotSeriesNodeID(node.GetID()):
                self.chartNode.AddAndObservePlotSeriesNodeID(node.GetID())

    @staticmethod
    def _rgb(color: str) -> tuple[float, float, float]:
        return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))

    @staticmethod
    def _series(role: str, tableNode: Any) -> Any:
        node = RoleNodes.get("vtkMRMLPlotSeriesNode", role, f"LaMoD {role}", hidden=True)
        node.SetAndObserveTableNodeID(tableNode.GetID())
        node.SetPlotType(node.PlotTypeScatter)
        node.SetMarkerStyle(node.MarkerStyleNone)
        node.SetLineStyle(node.LineStyleSolid)
        return node

    def setMoments(self, referenceFrame: int, endSystole: int) -> None:
        """Set the frames of end-diastole and end-systole, which `show` marks."""
        self._momentFrames = (referenceFrame, endSystole)

    def show(
        self,
        slice_: SliceNumbers,
        name: str,
        frame: int,
        chosen: int | None = None,
        withBands: bool = True,
        other: SliceNumbers | None = None,
        hasLegend: bool = True,
    ) -> None:
        """Draw one slice.

        Args:
            slice_: the slice.
            name: "ecc" or "err".
            frame: position of the mark.
            chosen: index of the highlighted segment, or None.
            withBands: draw the 90 % intervals, only that of the highlighted segment if there is one.
            other: the same slice of a second result: its mean and highlighted segment are dashed.
            hasLegend: whether there is room for a legend.
        """
        wasModifying = self.chartNode.StartModify()
        bands = [s for s in range(len(slice_.segmentNames)) if withBands and name in slice_.low and chosen in (None, s)]
        top, bottom = self._limits(slice_, name, other)
        self._fillCurves(slice_, name, chosen, other)
        self._fillBands(slice_, name, bands)
        self._fillMark(slice_.timesMs[frame], bottom, top)
        self._fillMoments(slice_, bottom, top)
        self._styleCurves(slice_, chosen)
        self._styleOther(slice_, chosen, other)
        self._styleChart(slice_, name, bool(bands) and hasLegend, bottom, top)
        self._styleLegend(slice_, hasLegend, other is not None)
        self.chartNode.EndModify(wasModifying)
        self.chartNode.Modified()

    def moveMark(self, timeMs: float) -> None:
        """Move the mark of the current frame to another time without updating the curves."""
        column = self._markTable.GetTable().GetColumn(0)
        column.SetValue(0, timeMs)
        column.SetValue(1, timeMs)
        column.Modified()
        self._markTable.GetTable().Modified()

    def showInLayout(self, force: bool = False) -> None:
        """Show this chart in the first plot view of the layout.

        Args:
            force: set the chart again if the view already refers to its ID, which may belong to the chart of an earlier
                scene.
        """
        layouts = slicer.app.layoutManager()
        if layouts is None or not layouts.plotViewCount:
            return
        viewNode = layouts.plotWidget(0).mrmlPlotViewNode()
        if force:
            viewNode.SetPlotChartNodeID(None)
        viewNode.SetPlotChartNodeID(self.chartNode.GetID())

    @staticmethod
    def _limits(slice_: SliceNumbers, name: str, other: SliceNumbers | None) -> tuple[float, float]:
        """(top, bottom) in per cent: round numbers that enclose all curves."""
        values = [slice_.curves[name], *(side[name] for side in (slice_.low, slice_.high) if name in side)]
        if other is not None:
            values.append(other.curves[name])
        finite = 100 * np.concatenate([v[np.isfinite(v)] for v in values])
        step = 5.0 if np.ptp(finite) < 60 else 10.0
        return step * np.ceil(max(finite.max(), 0) / step + 0.1), step * np.floor(min(finite.min(), 0) / step - 0.1)

    def _fillCurves(self, slice_: SliceNumbers, name: str, chosen: int | None, other: SliceNumbers | None) -> None:
        columns = {"time (ms)": slice_.timesMs}
        for title, values in zip(slice_.segmentTitles, slice_.curves[name], strict=True):
            columns[f"{title} (%)"] = 100 * values
        columns["whole slice (%)"] = 100 * slice_.mean[name]
        # a series without a column would lose its position in the drawing order, so it gets an empty one
        for unused in (*range(len(slice_.segmentNames) + 1, self.SEGMENTS + 1), "second", "second segment"):
            columns[f"{unused} (%)"] = np.full(len(slice_.timesMs), np.nan)
        if other is not None:
            # the times of the second result that have the phases of the first
            phase = slice_.timesMs / slice_.rrMs * other.rrMs
            inside = (phase >= other.timesMs[0] - 1) & (phase <= other.timesMs[-1] + 1)
            curves = {"second": other.mean[name]}
            if chosen is not None and chosen < len(other.curves[name]):
                curves["second segment"] = other.curves[name][chosen]
            for column, values in curves.items():
                columns[f"{column} (%)"] = np.where(inside, 100 * np.interp(phase, other.timesMs, values), np.nan)
        self._fill(self._curveTable, columns)

    def _fillBands(self, slice_: SliceNumbers, name: str, bands: list[int]) -> None:
        times = np.linspace(slice_.timesMs[0], slice_.timesMs[-1], self.STROKES)
        columns = {"time": np.repeat(times, 2)}
        for s in range(self.SEGMENTS):
            zigzag = np.full((self.STROKES, 2), np.nan)
            if s in bands:
                ends = [100 * np.interp(times, slice_.timesMs, side[name][s]) for side in (slice_.low, slice_.high)]
                zigzag = np.stack(ends, axis=1)
                zigzag[1::2] = zigzag[1::2, ::-1]
            columns[f"band{s}"] = zigzag.ravel()
            wall = slice_.segmentNames[s] if s < len(slice_.segmentNames) else ""
            node = self._bands[s]
            node.SetXColumnName("time")
            node.SetYColumnName(f"band{s}")
            node.SetName("")  # a name would appear in the legend
            node.SetLineWidth(self.STROKE_WIDTH)
            node.SetColor(*self._mixed(self._colors.get(wall, self.INK), self.PALE if len(bands) > 1 else 0.6))
        self._fill(self._bandTable, columns)

    def _fillMark(self, timeMs: float, bottom: float, top: float) -> None:
        self._fill(self._markTable, {"time": np.array([timeMs, timeMs]), "frame": np.array([bottom, top])})
        self._mark.SetXColumnName("time")
        self._mark.SetYColumnName("frame")
        self._mark.SetName("")
        self._mark.SetColor(0.45, 0.48, 0.52)
        self._mark.SetLineWidth(2)

    def _fillMoments(self, slice_: SliceNumbers, bottom: float, top: float) -> None:
        """Dotted lines at end-diastole and end-systole; the legend gives their frame, counted from 1, and time."""
        columns = {"height": np.array([bottom, top])}
        for node, name, frame in zip(self._moments, self.MOMENTS, self._momentFrames, strict=True):
            columns[name] = np.full(2, slice_.timesMs[frame])
            node.SetXColumnName(name)
            node.SetYColumnName("height")
            node.SetName(f"{name}, frame {frame + 1}, {slice_.timesMs[frame]:.0f} ms")
            node.SetLineStyle(node.LineStyleDot if name == "ED" else node.LineStyleDash)
            node.SetLineWidth(1)
            node.SetColor(*self.INK)
        self._fill(self._momentTable, columns)

    def _styleCurves(self, slice_: SliceNumbers, chosen: int | None) -> None:
        for s, node in enumerate(self._curves):
            exists = s < len(slice_.segmentNames)
            wall = slice_.segmentNames[s] if exists else ""
            title = slice_.segmentTitles[s] if exists else ""
            node.SetXColumnName("time (ms)")
            node.SetYColumnName(f"{title} (%)" if exists else f"{s + 1} (%)")
            node.SetName(title)
            color = self._colors.get(wall, self.INK)
            node.SetColor(*(color if chosen in (None, s) else self._mixed(color, 0.55)))
            node.SetLineWidth(4 if chosen == s else 2)
        self._mean.SetXColumnName("time (ms)")
        self._mean.SetYColumnName("whole slice (%)")
        self._mean.SetName("whole slice")
        self._mean.SetColor(*self.INK)
        self._mean.SetLineWidth(3)

    def _styleOther(self, slice_: SliceNumbers, chosen: int | None, other: SliceNumbers | None) -> None:
        for node, column in zip(self._others, ("second", "second segment"), strict=True):
            exists = other is not None and (column == "second" or chosen is not None)
            node.SetXColumnName("time (ms)")
            node.SetYColumnName(f"{column} (%)")
            node.SetName(("second result" if column == "second" else "second, segment") if exists else "")
            node.SetLineStyle(node.LineStyleDash)
            node.SetLineWidth(3)
            wall = slice_.segmentNames[chosen] if chosen is not None else ""
            node.SetColor(*(self.INK if column == "second" else self._colors.get(wall, self.INK)))

    def _styleLegend(self, slice_: SliceNumbers, hasLegend: bool, isOfTwo: bool) -> None:
        """Reserve the width of the legend; without it, the axis names the lines at end-diastole and end-systole."""
        chart = self.chartNode
        chart.SetLegendVisibility(hasLegend)
        chart.SetTitleFontSize(14 if hasLegend else 12)
        chart.SetLegendFontSize(11)
        start, end = float(slice_.timesMs[0]), float(slice_.timesMs[-1])
        share = (self.LEGEND_SHARE_OF_TWO if isOfTwo else self.LEGEND_SHARE) if hasLegend else 0.02
        chart.SetXAxisRange(start, end + share * (end - start))
        moments = (f"{n} {slice_.timesMs[f]:.0f}" for n, f in zip(self.MOMENTS, self._momentFrames, strict=True))
        title = "time (ms); dashed: second" if isOfTwo else f"time (ms); {', '.join(moments)}"
        chart.SetXAxisTitle("time after the R wave (ms)" if hasLegend else title)

    def _styleChart(self, slice_: SliceNumbers, name: str, withBands: bool, bottom: float, top: float) -> None:
        chart = self.chartNode
        bands = ", 90 % bands" if withBands else ""
        chart.SetTitle(f"{self.NAMES[name]}, {slice_.label.lower()}{bands}")
        chart.SetTitleVisibility(True)
        chart.SetYAxisTitle(f"{self.NAMES[name]} (%)")
        chart.SetAxisTitleFontSize(13)
        chart.SetAxisLabelFontSize(12)
        chart.SetGridVisibility(True)
        chart.SetXAxisRangeAuto(False)
        chart.SetYAxisRangeAuto(False)
        chart.SetYAxisRange(float(bottom), float(top))

    @staticmethod
    def _mixed(color: tuple[float, float, float], white: float) -> tuple[float, float, float]:
        return tuple(c + (1 - c) * white for c in color)

    @staticmethod
    def _fill(tableNode: Any, columns: dict[str, np.ndarray]) -> None:
        table = vtk.vtkTable()
        for name, values in columns.items():
            array = numpy_to_vtk(np.ascontiguousarray(values, np.float64), deep=True)
            array.SetName(name)
            table.AddColumn(array)
        tableNode.SetAndObserveTable(table)
