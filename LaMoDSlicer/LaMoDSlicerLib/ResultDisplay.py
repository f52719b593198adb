from typing import Any

import slicer

from LaMoDSlicerLib.ColorScales import ColorScales
from LaMoDSlicerLib.DisplacementArrows import DisplacementArrows
from LaMoDSlicerLib.GlyphColor import GlyphColor
from LaMoDSlicerLib.OverlayQuantity import OverlayQuantity
from LaMoDSlicerLib.ResultScene import ResultScene
from LaMoDSlicerLib.SpatialFields import SpatialFields


class ResultDisplay:
    """Shows a result as the parameter node says: overlay, legend, contours, arrows.

    Args:
        result: what is in the scene.
    """

    CONTOUR_RGB = (0.2, 0.95, 0.6)
    LINE_WIDTH = 2

    def __init__(self, result: ResultScene) -> None:
        self._result = result
        self._drawnArrows: tuple[float, float] | None = None

    def update(self, parameters: Any) -> None:
        """Args: parameters: the ParameterNode."""
        if not self._result.isShown:
            self.hide()
            return
        self._showOverlay(parameters)
        self._showContours(parameters.showContours)
        self._showArrows(parameters)

    def hide(self) -> None:
        """No colours and no legend in any view."""
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            volume = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "")
            if volume is None or self._isOverlay(volume):
                composite.SetForegroundVolumeID(None)
        for legend in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
            if self._isOverlay(legend.GetDisplayableNode()):
                legend.SetVisibility(False)

    @staticmethod
    def _isOverlay(node: Any) -> bool:
        return node is not None and node.GetAttribute("LaMoD.Role") in {q.value for q in ResultScene.QUANTITIES}

    def _showOverlay(self, parameters: Any) -> None:
        quantity = parameters.quantity
        self.hide()
        if quantity is OverlayQuantity.NONE:
            return
        volume = self._result.proxy(quantity.value)
        low, high = (
            (-parameters.strainRange, parameters.strainRange)
            if quantity.isStrain
            else (0.0, parameters.displacementRange)
        )
        display = volume.GetDisplayNode()
        display.SetAndObserveColorNodeID(ColorScales.nodeFor(quantity).GetID())
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(low, high)
        display.SetInterpolate(False)  # interpolating towards `OUTSIDE` would leave a rim round the wall
        display.SetAutoThreshold(False)
        display.SetThreshold(SpatialFields.OUTSIDE / 2, 1e6)
        display.SetApplyThreshold(True)
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            composite.SetForegroundVolumeID(volume.GetID())
            composite.SetForegroundOpacity(parameters.opacity / 100.0)
        self._showLegend(volume, quantity, parameters.showLegend)

    @staticmethod
    def _showLegend(volume: Any, quantity: OverlayQuantity, shown: bool) -> None:
        logic = slicer.modules.colors.logic()
        legend = logic.GetColorLegendDisplayNode(volume) or logic.AddDefaultColorLegendDisplayNode(volume)
        legend.SetTitleText(quantity.legendTitle)
        legend.SetLabelFormat("%.0f")
        legend.SetNumberOfLabels(3)
        legend.SetMaxNumberOfColors(256)
        legend.SetSize(0.10, 0.35)
        legend.GetTitleTextProperty().SetFontSize(16)
        legend.GetLabelTextProperty().SetFontSize(14)
        legend.SetVisibility(shown)

    def _showContours(self, shown: bool) -> None:
        display = self._result.proxy(ResultScene.CONTOURS).GetDisplayNode()
        display.SetVisibility(shown)
        display.SetVisibility2D(shown)
        display.SetVisibility3D(shown)
        display.SetScalarVisibility(False)
        display.SetColor(*self.CONTOUR_RGB)
        display.SetLighting(False)  # a ribbon's two sides look the same
        display.SetSliceIntersectionThickness(self.LINE_WIDTH)

    def _showArrows(self, parameters: Any) -> None:
        shape = (parameters.glyphSpacing, parameters.glyphScale)
        if parameters.showGlyphs and shape != self._drawnArrows and self._result.canRedrawArrows:
            self._result.drawArrows(*shape)
            self._drawnArrows = shape
        display = self._result.proxy(ResultScene.ARROWS).GetDisplayNode()
        display.SetVisibility(parameters.showGlyphs)
        display.SetVisibility2D(parameters.showGlyphs)
        display.SetVisibility3D(False)
        display.SetSliceIntersectionThickness(self.LINE_WIDTH)
        display.SetColor(*parameters.glyphColor.rgb)
        byMagnitude = parameters.glyphColor is GlyphColor.MAGNITUDE
        display.SetScalarVisibility(byMagnitude)
        if byMagnitude:
            display.SetActiveScalarName(DisplacementArrows.SCALARS)
            display.SetAndObserveColorNodeID(ColorScales.nodeFor(OverlayQuantity.DISPLACEMENT).GetID())
            display.SetScalarRangeFlag(display.UseManualScalarRange)
            display.SetScalarRange(0.0, parameters.displacementRange)
