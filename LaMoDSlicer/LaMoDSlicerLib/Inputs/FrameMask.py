"""One structure of one frame of masks as an array on a chosen grid."""

from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


def ofSegment(segmentationNode: Any, segmentId: str, geometry: VolumeGeometry) -> np.ndarray:
    """bool [Z, H, W]: a segment, resampled by nearest neighbour.

    Raises:
        InputError: the segment has no labelmap.
    """
    return _resampled(segmentImage(segmentationNode, segmentId), 1, geometry)


def ofLabel(labelmapNode: Any, label: int, geometry: VolumeGeometry) -> np.ndarray:
    """bool [Z, H, W]: a label of a labelmap, resampled by nearest neighbour."""
    own = VolumeGeometry.ofVolume(labelmapNode)
    if own.isSameAs(geometry):
        return slicer.util.arrayFromVolume(labelmapNode) == label
    image = slicer.vtkOrientedImageData()
    image.DeepCopy(labelmapNode.GetImageData())
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(own.ijkToRas))
    return _resampled(image, label, geometry)


def ownGeometry(frame: Any) -> VolumeGeometry:
    """The grid of a labelmap, or the grid on which a segmentation was drawn.

    Raises:
        InputError: the masks are empty.
    """
    if not frame.IsA("vtkMRMLSegmentationNode"):
        if frame.GetImageData() is None:
            raise InputError(_("“{name}” contains no voxels: select other masks.").format(name=frame.GetName()))
        return VolumeGeometry.ofVolume(frame)
    segmentation = frame.GetSegmentation()
    text = segmentation.GetConversionParameter("Reference image geometry")
    image = slicer.vtkOrientedImageData()
    if text and slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False):
        return VolumeGeometry.ofOrientedImage(image)
    if segmentation.GetNumberOfSegments() == 0:
        raise InputError(_("“{name}” has no segment: draw the myocardium first.").format(name=frame.GetName()))
    return VolumeGeometry.ofOrientedImage(segmentImage(frame, segmentation.GetNthSegmentID(0)))


def segmentImage(segmentationNode: Any, segmentId: str) -> Any:
    """The labelmap of a segment, a vtkOrientedImageData.

    Raises:
        InputError: the segment has none.
    """
    image = slicer.vtkOrientedImageData()
    if not segmentationNode.GetBinaryLabelmapRepresentation(segmentId, image):
        text = _("Segment “{segment}” of “{name}” cannot be converted to a labelmap: draw it in the Segment Editor.")
        raise InputError(text.format(segment=segmentId, name=segmentationNode.GetName()))
    return image


def _resampled(image: Any, value: int, geometry: VolumeGeometry) -> np.ndarray:
    if image.IsEmpty():
        return np.zeros(geometry.shape, bool)
    resampled = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        image, geometry.asOrientedImage(), resampled, False, False
    )
    return vtk_to_numpy(resampled.GetPointData().GetScalars()).reshape(geometry.shape) == value
