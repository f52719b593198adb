from typing import Any

import slicer

from LaMoDSlicerLib.Display.ColorScales import ColorScales
from LaMoDSlicerLib.Display.LineDisplay import LineDisplay
from LaMoDSlicerLib.Display.OverlayQuantity import OverlayQuantity
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Results.ResultScene import ResultScene


class ResultDisplay:
    """Shows a result as the parameter node says: overlay, legend, and its lines.

    Args:
        result: what is in the scene.
    """

    def __init__(self, result: ResultScene) -> None:
        self._result = result
        self._lines = LineDisplay(result)

    def update(self, parameters: Any) -> None:
        """Args: parameters: the ParameterNode."""
        if not self._result.isShown:
            self.hide()
            return
        self._showOverlay(parameters)
        self._lines.update(parameters)

    def hide(self, besides: Any = None) -> None:
        """No colours and no legend in any view, but those of one volume."""
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            volume = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "")
            if volume is None or (volume is not besides and self._isOverlay(volume)):
                composite.SetForegroundVolumeID(None)
        for legend in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
            volume = legend.GetDisplayableNode()
            if volume is not besides and self._isOverlay(volume):
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
        self.hide(besides=volume)
        display = self._result.displayOf(quantity.value)
        display.SetAndObserveColorNodeID(ColorScales.nodeFor(quantity).GetID())
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(*self._range(quantity, parameters))
        display.SetInterpolate(False)  # interpolating towards `OUTSIDE` would leave a rim round the wall
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
        # in 3-D it would be the same legend again, and a legend costs more time to draw than the lines
        legend.SetViewNodeIDs([node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")])
        legend.SetVisibility(shown)
