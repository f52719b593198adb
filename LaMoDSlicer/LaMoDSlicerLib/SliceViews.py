from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.VolumeGeometry import RAS_LPS, VolumeGeometry


class SliceViews:
    """The slice views, turned to what is to be seen in them."""

    #: How much is shown round the heart, relative to its size.
    ROOM = 2.0

    @staticmethod
    def lookAt(volumeNode: Any) -> None:
        """Show a volume in every view, and turn the red one into its plane, seen from the apex."""
        layouts = slicer.app.layoutManager()
        if layouts is None or volumeNode is None:
            return
        for name in layouts.sliceViewNames():
            composite = layouts.sliceWidget(name).mrmlSliceCompositeNode()
            composite.SetBackgroundVolumeID(volumeNode.GetID())
            composite.SetLabelVolumeID(None)
        red = layouts.sliceWidget("Red")
        if red is not None:
            SliceViews._turn(red.mrmlSliceNode(), VolumeGeometry.ofVolume(volumeNode))
            red.sliceLogic().FitSliceToBackground()
            red.sliceLogic().SnapSliceOffsetToIJK()

    @staticmethod
    def _turn(sliceNode: Any, geometry: VolumeGeometry) -> None:
        """The same heart looks the same however its pictures are stored: patient's left to the right."""
        CoreLibrary.makeImportable()
        from LaMoDCore.geometry import SliceGrid, canonical_grid

        affine = np.array(geometry.ijkToLps)
        affine[:3, 3] += affine[:3, 2] * (geometry.shape[0] // 2)
        plane = SliceGrid(geometry.shape[1:], affine)
        upright = canonical_grid(plane, (np.array(geometry.shape[:0:-1]) - 1) / 2)
        right, down = upright.directions.T
        axes = RAS_LPS[:3, :3] @ np.column_stack([right, -down, np.cross(right, -down)])
        position = RAS_LPS[:3, :3] @ plane.center_lps
        sliceToRas = sliceNode.GetSliceToRAS()
        for i in range(3):
            for j in range(3):
                sliceToRas.SetElement(i, j, axes[i, j])
            sliceToRas.SetElement(i, 3, position[i])
        sliceNode.UpdateMatrices()

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
