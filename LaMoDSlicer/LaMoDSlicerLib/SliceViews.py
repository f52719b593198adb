from typing import Any

import numpy as np
import slicer


class SliceViews:
    """The slice views, turned to what is to be seen in them."""

    #: How much is shown round the heart, relative to its size.
    ROOM = 1.7

    @staticmethod
    def lookAt(volumeNode: Any) -> None:
        """Show a volume in every view, and turn the red one into its plane: hearts are cut obliquely."""
        layouts = slicer.app.layoutManager()
        if layouts is None or volumeNode is None:
            return
        for name in layouts.sliceViewNames():
            composite = layouts.sliceWidget(name).mrmlSliceCompositeNode()
            composite.SetBackgroundVolumeID(volumeNode.GetID())
            composite.SetLabelVolumeID(None)
        red = layouts.sliceWidget("Red")
        if red is not None:
            red.mrmlSliceNode().RotateToVolumePlane(volumeNode)
            red.sliceLogic().FitSliceToBackground()
            red.sliceLogic().SnapSliceOffsetToIJK()

    @classmethod
    def zoomTo(cls, modelNode: Any) -> None:
        """Centre the red view on a model and zoom in on it; the 3-D view turns about it."""
        layouts = slicer.app.layoutManager()
        red = layouts.sliceWidget("Red") if layouts is not None else None
        if red is None or modelNode is None or modelNode.GetPolyData() is None:
            return
        bounds = np.array(modelNode.GetPolyData().GetBounds()).reshape(3, 2)
        center, size = bounds.mean(axis=1), float(np.linalg.norm(np.diff(bounds, axis=1)))
        node = red.mrmlSliceNode()
        node.JumpSliceByCentering(*center)
        width, height, depth = node.GetFieldOfView()
        zoom = min(1.0, cls.ROOM * size / np.sqrt(2) / min(width, height))
        node.SetFieldOfView(width * zoom, height * zoom, depth)
        red.sliceLogic().SnapSliceOffsetToIJK()
        node.SetSliceVisible(True)
        if layouts.threeDViewCount:
            layouts.threeDWidget(0).threeDView().resetFocalPoint()
