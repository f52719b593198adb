from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS, VolumeGeometry
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


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
            SliceViews.letResliceBeFast(layouts.sliceWidget(name))
        red = layouts.sliceWidget("Red")
        if red is not None:
            SliceViews.turn(red.mrmlSliceNode(), VolumeGeometry.ofVolume(volumeNode))
            red.sliceLogic().FitSliceToBackground()
            red.sliceLogic().SnapSliceOffsetToIJK()
            SliceViews.letResliceBeFast(red)

    @staticmethod
    def letResliceBeFast(sliceWidget: Any) -> None:
        """Let VTK take its quick way, five times faster, where rows of picture and screen are parallel.

        vtkImageReslice takes it only where the samples of a slab are one voxel apart, though nobody asked for a slab:
        Slicer sets that distance to the slice spacing over the oversampling factor.
        """
        spacing = sliceWidget.sliceLogic().GetLowestVolumeSliceSpacing()[2]
        if spacing > 0:
            sliceWidget.mrmlSliceNode().SetSlabReconstructionOversamplingFactor(spacing)

    @staticmethod
    def turn(sliceNode: Any, geometry: VolumeGeometry) -> None:
        """Into the plane, seen from the apex, turned by quarters until the patient's left is at the right.

        By quarters: rows and columns of the pictures stay rows and columns of the screen. So they are shown as they
        were acquired, and are drawn fastest (see `letResliceBeFast`).
        """
        CoreLibrary.makeImportable()
        from LaMoDCore.heart.geometry import SliceGrid, canonical_grid

        plane = SliceGrid(geometry.shape[1:], geometry.sliceIjkToLps(geometry.shape[0] // 2))
        upright = canonical_grid(plane, (np.array(geometry.shape[:0:-1]) - 1) / 2)
        towardsLeft, towardsBelow = upright.directions.T
        sides = np.concatenate([plane.directions.T, -plane.directions.T])  # of the picture, LPS
        nearest = int(np.argmax(sides @ towardsLeft))
        across = sides[(nearest + 1) % 2 :: 2]
        right, down = sides[nearest], across[np.argmax(across @ towardsBelow)]
        normal = np.cross(right, -down)
        axes = RAS_LPS[:3, :3] @ np.column_stack([right, np.cross(normal, right), normal])
        position = RAS_LPS[:3, :3] @ plane.center_lps
        sliceToRas = sliceNode.GetSliceToRAS()
        for i in range(3):
            for j in range(3):
                sliceToRas.SetElement(i, j, axes[i, j])
            sliceToRas.SetElement(i, 3, position[i])
        sliceNode.UpdateMatrices()

    @staticmethod
    def refresh() -> None:
        """Let every view take its plane anew: where a scene was read, lines are cut by the plane before it."""
        layouts = slicer.app.layoutManager()
        for name in layouts.sliceViewNames() if layouts is not None else ():
            layouts.sliceWidget(name).mrmlSliceNode().Modified()

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
