from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Display.OverlayQuantity import OverlayQuantity


class ColorScales:
    """The colour tables of the overlays: made once a scene, found by name afterwards."""

    #: Colours at even steps. Blue shortens, red stretches, white is no strain.
    DIVERGING = ((0.02, 0.19, 0.58), (0.26, 0.58, 0.90), (0.97, 0.97, 0.97), (0.94, 0.45, 0.32), (0.60, 0.02, 0.10))
    #: Dark through purple and orange to yellow.
    SEQUENTIAL = ((0.05, 0.03, 0.25), (0.40, 0.05, 0.45), (0.73, 0.22, 0.33), (0.96, 0.50, 0.15), (0.98, 0.95, 0.40))

    @classmethod
    def nodeFor(cls, quantity: OverlayQuantity) -> Any:
        """The colour node of a quantity."""
        if quantity.isStrain:
            return cls._node("LaMoD diverging", cls.DIVERGING)
        return cls._node("LaMoD sequential", cls.SEQUENTIAL)

    @staticmethod
    def _node(name: str, stops: tuple) -> Any:
        node = slicer.mrmlScene.GetFirstNodeByName(name)
        if node is not None and node.IsA("vtkMRMLColorTableNode"):
            return node
        node = slicer.vtkMRMLColorTableNode()
        node.SetTypeToUser()
        node.SetName(name)
        node.SetNumberOfColors(256)
        positions, colors = np.linspace(0, 255, len(stops)), np.array(stops)
        for i in range(256):
            rgb = [float(np.interp(i, positions, colors[:, channel])) for channel in range(3)]
            node.SetColor(i, str(i), *rgb, 1.0)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(True)
        return slicer.mrmlScene.AddNode(node)
