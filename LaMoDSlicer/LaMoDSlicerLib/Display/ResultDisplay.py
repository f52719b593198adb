from collections.abc import Callable
from typing import Any

import slicer

from LaMoDSlicerLib.Display.MaterialLines import DeformingGrid, DisplacementArrows, PointTracks
from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.Quantities import GlyphColor, OverlayQuantity, colorNode
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Results.ResultScene import ResultScene


class ResultDisplay:
    """Displays a result with the settings of the parameter node: overlay, legend and lines.

    Args:
        result: the result in the scene.
    """

    def __init__(self, result: ResultScene) -> None:
        self._result = result
        self._lines = LineDisplay(result)

    def update(self, parameters: Any) -> None:
        """Apply the settings of the ParameterNode."""
        if not self._result.isShown:
            self.hide()
            return
        self._showOverlay(parameters)
        self._lines.update(parameters)

    def hide(self, exceptOf: Any = None) -> None:
        """Hide overlays and legends in all views, except those of one volume."""
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            volume = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "")
            if volume is None or (volume is not exceptOf and self._isOverlay(volume)):
                composite.SetForegroundVolumeID(None)
        for legend in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
            volume = legend.GetDisplayableNode()
            if volume is not exceptOf and self._isOverlay(volume):
                legend.SetVisibility(False)

    @staticmethod
    def _isOverlay(node: Any) -> bool:
        return node is not None and node.GetAttribute("LaMoD.Role") in {q.value for q in ResultScene.QUANTITIES}

    def _showOverlay(self, parameters: Any) -> None:
        quantity = parameters.quantity
        if quantity is OverlayQuantity.NONE or not self._result.holds(quantity):
            self.hide()
            return
        volume = self._result.proxy(quantity.value)
        self.hide(exceptOf=volume)
        display = self._result.displayOf(quantity.value)
        display.SetAndObserveColorNodeID(colorNode(quantity).GetID())
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(*self._range(quantity, parameters))
        display.SetInterpolate(False)  # interpolation towards `OUTSIDE` would draw a rim around the wall
        display.SetAutoThreshold(False)
        display.SetThreshold(SpatialFields.OUTSIDE / 2, 1e6)
        display.SetApplyThreshold(True)
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            composite.SetForegroundVolumeID(volume.GetID())
            composite.SetForegroundOpacity(parameters.opacity / 100.0)
        self._showLegend(volume, quantity, parameters.showLegend)

    @staticmethod
    def _range(quantity: OverlayQuantity, parameters: Any) -> tuple[float, float]:
        if quantity.isStrain:
            end = parameters.radialRange if quantity.isRadial else parameters.strainRange
            return -end, end
        isDisplacement = quantity is OverlayQuantity.DISPLACEMENT
        return 0.0, parameters.displacementRange if isDisplacement else parameters.uncertaintyRange

    @staticmethod
    def _showLegend(volume: Any, quantity: OverlayQuantity, shown: bool) -> None:
        logic = slicer.modules.colors.logic()
        legend = logic.GetColorLegendDisplayNode(volume) or logic.AddDefaultColorLegendDisplayNode(volume)
        legend.SetTitleText(quantity.legendTitle)
        legend.SetLabelFormat("%.0f")
        legend.SetNumberOfLabels(3)
        legend.SetMaxNumberOfColors(256)
        legend.SetSize(0.07, 0.30)
        legend.GetTitleTextProperty().SetFontSize(16)
        legend.GetLabelTextProperty().SetFontSize(14)
        # the 3-D view would repeat the legend, which takes longer to draw than the lines
        legend.SetViewNodeIDs([node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")])
        legend.SetVisibility(shown)


class LineDisplay:
    """Displays the lines of a result with the settings of the parameter node: contours, arrows, grid, tracks.

    Args:
        result: the result in the scene.
    """

    CARRIED_RGB, DRAWN_RGB = (0.2, 0.95, 0.6), (1.0, 0.55, 0.1)
    GRID_RGB, TRACKS_RGB = (0.95, 0.95, 0.95), (1.0, 0.4, 0.9)
    THICK, THIN = 2, 1

    def __init__(self, result: ResultScene) -> None:
        self._result = result

    def update(self, parameters: Any) -> None:
        """Apply the settings of the ParameterNode."""
        p, scene = parameters, ResultScene
        self._draw(scene.ARROWS, p.showGlyphs, f"{p.glyphSpacing:g} mm × {p.glyphScale:g}", self._arrows(p))
        self._draw(scene.GRID, p.showGrid, f"{p.glyphSpacing:g} mm", lambda m: DeformingGrid(m, p.glyphSpacing))
        self._draw(scene.TRACKS, p.showTracks, f"{p.glyphSpacing:g} mm", lambda m: PointTracks(m, p.glyphSpacing))
        self._show(scene.CONTOURS, p.showContours, self.CARRIED_RGB, self.THICK, in3D=True)
        self._show(scene.DRAWN, p.showDrawn, self.DRAWN_RGB, self.THIN)
        self._show(scene.ARROWS, p.showGlyphs, p.glyphColor.rgb, self.THICK)
        self._show(scene.GRID, p.showGrid, self.GRID_RGB, self.THIN)
        self._show(scene.TRACKS, p.showTracks, self.TRACKS_RGB, self.THIN)
        self._colorArrows(p)

    @staticmethod
    def _arrows(p: Any) -> Callable[[MaterialMotion], Any]:
        return lambda motion: DisplacementArrows(motion, p.glyphSpacing, p.glyphScale)

    def _draw(self, role: str, wanted: bool, shape: str, make: Callable[[MaterialMotion], Any]) -> None:
        """Draw lines that are wanted and not yet drawn with this shape."""
        result = self._result
        if not wanted or result.sequence(role) is None or result.shapeOf(role) == shape:
            return
        motion = result.motion
        if motion is not None:
            result.draw(role, shape, make(motion).mesh)

    def _show(
        self, role: str, shown: bool, rgb: tuple[float, float, float], thickness: int, in3D: bool = False
    ) -> None:
        display = self._result.displayOf(role)
        if display is None:  # in a scene saved by an earlier version
            return
        display.SetVisibility(shown)
        display.SetVisibility2D(shown)
        display.SetVisibility3D(shown and in3D)
        display.SetScalarVisibility(False)
        display.SetColor(*rgb)
        display.SetLighting(in3D)  # without lighting, a stack of rings is a uniform blob
        display.SetSliceIntersectionThickness(thickness)

    def _colorArrows(self, parameters: Any) -> None:
        if parameters.glyphColor is not GlyphColor.MAGNITUDE or not parameters.showGlyphs:
            return
        display = self._result.displayOf(ResultScene.ARROWS)
        if display is None:
            return
        display.SetScalarVisibility(True)
        display.SetActiveScalarName(DisplacementArrows.SCALARS)
        display.SetAndObserveColorNodeID(colorNode(OverlayQuantity.DISPLACEMENT).GetID())
        display.SetScalarRangeFlag(display.UseManualScalarRange)
        display.SetScalarRange(0.0, parameters.displacementRange)
