"""Orients and zooms the slice views."""

from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS, VolumeGeometry

#: Attribute of a slice node: its slab oversampling factor before `letResliceBeFast`.
_SAMPLING = "LaMoD.SlabOversampling"
#: Attribute of the display node of masks that lines replace for a while.
REPLACED_BY_LINES = "LaMoD.ReplacedByLines"
#: Size of the visible region relative to the heart.
_ZOOM_MARGIN = 2.0


def lookAt(volumeNode: Any) -> None:
    """Show a volume in all views and align the red view with its plane, seen from the apex."""
    layouts = slicer.app.layoutManager()
    if layouts is None or volumeNode is None:
        return
    for name in layouts.sliceViewNames():
        composite = layouts.sliceWidget(name).mrmlSliceCompositeNode()
        composite.SetBackgroundVolumeID(volumeNode.GetID())
        composite.SetLabelVolumeID(None)
        letResliceBeFast(layouts.sliceWidget(name))
    red = layouts.sliceWidget("Red")
    if red is not None:
        turn(red.mrmlSliceNode(), VolumeGeometry.ofVolume(volumeNode))
        red.sliceLogic().FitSliceToBackground()
        red.sliceLogic().SnapSliceOffsetToIJK()
        letResliceBeFast(red)


def letResliceBeFast(sliceWidget: Any) -> None:
    """Enable VTK's fast reslicing, which is five times faster if image rows and screen rows are parallel.

    vtkImageReslice uses it only if the samples of a slab are one voxel apart, even without a slab. Slicer sets this
    distance to the slice spacing divided by the oversampling factor. `restoreSampling` restores the factor.
    """
    spacing = sliceWidget.sliceLogic().GetLowestVolumeSliceSpacing()[2]
    node = sliceWidget.mrmlSliceNode()
    if spacing <= 0:
        return
    if node.GetAttribute(_SAMPLING) is None:
        node.SetAttribute(_SAMPLING, f"{node.GetSlabReconstructionOversamplingFactor():g}")
    node.SetSlabReconstructionOversamplingFactor(spacing)


def letAllResliceBeFast() -> None:
    """As `letResliceBeFast`, for every slice view."""
    layouts = slicer.app.layoutManager()
    for name in layouts.sliceViewNames() if layouts is not None else ():
        letResliceBeFast(layouts.sliceWidget(name))


def restoreSampling() -> None:
    """Undo `letResliceBeFast` in every view, as other modules may reconstruct slabs."""
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        factor = node.GetAttribute(_SAMPLING)
        if factor is not None:
            node.SetSlabReconstructionOversamplingFactor(float(factor))
            node.SetAttribute(_SAMPLING, None)


def turn(sliceNode: Any, geometry: VolumeGeometry) -> None:
    """Align a view with a plane, seen from the apex, and rotate it by multiples of 90° towards patient left = right.

    Multiples of 90° keep image rows and columns parallel to the screen, so the images appear as acquired and are
    drawn fastest (see `letResliceBeFast`).
    """
    from LaMoDCore.heart.geometry import SliceGrid, canonical_grid

    plane = SliceGrid(geometry.shape[1:], geometry.sliceIjkToLps(geometry.shape[0] // 2))
    upright = canonical_grid(plane, (np.array(geometry.shape[:0:-1]) - 1) / 2)
    towardsLeft, towardsBelow = upright.directions.T
    sides = np.concatenate([plane.directions.T, -plane.directions.T])  # of the image, LPS
    nearest = int(np.argmax(sides @ towardsLeft))
    across = sides[(nearest + 1) % 2 :: 2]
    right, down = sides[nearest], across[np.argmax(across @ towardsBelow)]
    align(sliceNode, right, down, plane.center_lps)


def align(sliceNode: Any, rightLps: np.ndarray, downLps: np.ndarray, centerLps: np.ndarray) -> None:
    """Turn a view so that a direction [3] points right and a second one [3] down, through a point [3] in mm."""
    normal = np.cross(rightLps, -downLps)
    axes = RAS_LPS[:3, :3] @ np.column_stack([rightLps, np.cross(normal, rightLps), normal])
    position = RAS_LPS[:3, :3] @ centerLps
    sliceToRas = sliceNode.GetSliceToRAS()
    for i in range(3):
        for j in range(3):
            sliceToRas.SetElement(i, j, axes[i, j])
        sliceToRas.SetElement(i, 3, position[i])
    sliceNode.UpdateMatrices()


def refresh() -> None:
    """Update the plane of every view: after a scene was loaded, models are still cut by the previous plane."""
    layouts = slicer.app.layoutManager()
    for name in layouts.sliceViewNames() if layouts is not None else ():
        layouts.sliceWidget(name).mrmlSliceNode().Modified()


def hideMasks(masksNode: Any) -> None:
    """Hide a segmentation, or a labelmap in every view: its fill would tint the colours of strain."""
    display = masksNode.GetDisplayNode()
    if display is not None and display.IsA("vtkMRMLSegmentationDisplayNode"):
        display.SetVisibility(False)
        display.SetAttribute(REPLACED_BY_LINES, None)  # otherwise it is shown again with the end of the lines
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetLabelVolumeID() == masksNode.GetID():
            composite.SetLabelVolumeID(None)


def zoomTo(modelNode: Any) -> None:
    """Centre the red view and the 3-D view on a model and zoom the red view to it."""
    layouts = slicer.app.layoutManager()
    red = layouts.sliceWidget("Red") if layouts is not None else None
    if red is None or modelNode is None or modelNode.GetPolyData() is None:
        return
    bounds = np.array(modelNode.GetPolyData().GetBounds()).reshape(3, 2)
    zoomAt(bounds.mean(axis=1), float(np.linalg.norm(np.diff(bounds, axis=1))))
    red.mrmlSliceNode().SetSliceVisible(True)
    if layouts.threeDViewCount:
        layouts.threeDWidget(0).threeDView().resetFocalPoint()


def zoomAt(centerRas: np.ndarray, sizeMm: float) -> None:
    """Centre the red view on a point and enlarge its contents, if they are smaller, to show a region around it.

    Args:
        centerRas: [3] mm.
        sizeMm: diagonal of the region.
    """
    layouts = slicer.app.layoutManager()
    red = layouts.sliceWidget("Red") if layouts is not None else None
    if red is None:
        return
    node = red.mrmlSliceNode()
    node.JumpSliceByCentering(*(float(v) for v in centerRas))
    width, height, depth = node.GetFieldOfView()
    zoom = min(1.0, _ZOOM_MARGIN * sizeMm / np.sqrt(2) / min(width, height))
    node.SetFieldOfView(width * zoom, height * zoom, depth)
    if red.mrmlSliceCompositeNode().GetBackgroundVolumeID() is not None:
        red.sliceLogic().SnapSliceOffsetToIJK()
