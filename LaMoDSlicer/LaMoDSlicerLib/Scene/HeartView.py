from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS, VolumeGeometry


class HeartView:
    """A slice view that shows one slice of one result, seen from the apex.

    Args:
        name: layout name: Red, Yellow or Green.
    """

    #: Margin around the outermost point of the wall, mm.
    MARGIN_MM = 22.0

    def __init__(self, name: str) -> None:
        self._name = name

    def _widget(self) -> Any:
        layouts = slicer.app.layoutManager()
        return layouts.sliceWidget(self._name) if layouts is not None else None

    def show(self, result: ResultScene, centerLps: np.ndarray) -> None:
        """Show a slice of a result.

        Args:
            result: provides the background images.
            centerLps: [3] mm, centre of the slice's myocardium.
        """
        widget = self._widget()
        background = result.background() if result.browserNode is not None else None
        if widget is None or background is None:
            return
        composite, node = widget.mrmlSliceCompositeNode(), widget.mrmlSliceNode()
        composite.SetBackgroundVolumeID(background.GetID())
        composite.SetLabelVolumeID(None)
        SliceViews.turn(node, VolumeGeometry.ofVolume(background))
        widget.sliceLogic().FitSliceToBackground()
        SliceViews.letResliceBeFast(widget)
        center = RAS_LPS[:3, :3] @ centerLps
        node.JumpSliceByCentering(*center)
        reach = self.reachOf(result) + self.MARGIN_MM
        width, height, depth = node.GetFieldOfView()
        zoom = min(1.0, 2 * reach / min(width, height))
        node.SetFieldOfView(width * zoom, height * zoom, depth)
        node.SetSliceVisible(False)  # in the 3-D view an image would hide the slices behind it

    def nodeId(self) -> str:
        """ID of the slice node; "" if the layout does not contain the view."""
        widget = self._widget()
        return widget.mrmlSliceNode().GetID() if widget is not None else ""

    @staticmethod
    def reachOf(result: ResultScene) -> float:
        """Largest distance of the end-diastolic wall from its centre, mm."""
        motion = result.motion
        if motion is None:
            return 45.0
        farthest = 0.0
        for wall, affine in zip(motion.myocardium, motion.ijkToLps, strict=True):
            y, x = np.nonzero(wall)
            spacing = np.linalg.norm(affine[:3, :2], axis=0)
            if x.size:
                offset = (np.stack([x, y], axis=1) - [x.mean(), y.mean()]) * spacing
                farthest = max(farthest, float(np.linalg.norm(offset, axis=1).max()))
        return farthest
