"""One structure of one frame of masks as an array on a chosen grid."""

import hashlib
from collections.abc import Sequence
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


#: Empty pixels around segments that are stored on their own extents, so that they do not touch the border.
_MARGIN = 8


#: Modification times of all frames, which VTK gives only once -> grid of these segmentations.
_geometries: dict[tuple[tuple[int, ...], ...], VolumeGeometry] = {}
_MOST_GEOMETRIES = 64


def geometryOf(frames: Sequence[Any]) -> VolumeGeometry:
    """The grid of labelmaps, or the grid on which segmentations were drawn.

    If the segmentations do not contain their grid, it is the smallest one around the segments of all frames, because
    each may be stored on the part of the image that it covers.

    Raises:
        InputError: the masks are empty.
    """
    if not frames[0].IsA("vtkMRMLSegmentationNode"):
        return _ownGeometry(next((frame for frame in frames if frame.GetImageData() is not None), frames[0]))
    state = tuple(modificationTimes(frame) for frame in frames)
    if state not in _geometries:
        known = (_referenceGeometry(frame) for frame in frames)
        found = next((geometry for geometry in known if geometry is not None), None)
        geometry = found if found is not None else _around(frames)
        if len(_geometries) >= _MOST_GEOMETRIES:
            _geometries.clear()
        _geometries[state] = geometry
    return _geometries[state]


def _around(frames: Sequence[Any]) -> VolumeGeometry:
    grids = []
    for frame in frames:
        segmentation = frame.GetSegmentation()
        for i in range(segmentation.GetNumberOfSegments()):
            image = segmentImage(frame, segmentation.GetNthSegmentID(i))
            if not image.IsEmpty():
                grids.append(VolumeGeometry.ofOrientedImage(image))
    if not grids:
        text = _("“{name}” has no segment: draw the myocardium first.")
        raise InputError(text.format(name=frames[0].GetName()))
    if all(grid.isSameAs(grids[0]) for grid in grids):
        return grids[0]
    toFirst = np.linalg.inv(grids[0].ijkToLps)
    starts = np.array([np.rint((toFirst @ grid.ijkToLps[:, 3])[:3]) for grid in grids])
    ends = starts + [grid.shape[::-1] for grid in grids]
    margin = np.array([_MARGIN, _MARGIN, 0])
    low = starts.min(axis=0) - margin
    columns, rows, slices = (int(v) for v in ends.max(axis=0) + margin - low)
    affine = np.array(grids[0].ijkToLps)
    affine[:3, 3] += affine[:3, :3] @ low
    return VolumeGeometry((slices, rows, columns), affine)


def identity(frame: Any) -> str:
    """The address of a frame's node. The Python objects of nodes in a sequence are made again at each access."""
    return str(frame.GetAddressAsString(frame.GetClassName()))


def modificationTimes(frame: Any) -> tuple[int, ...]:
    """Times that change whenever the masks of a frame change."""
    if not frame.IsA("vtkMRMLSegmentationNode"):
        image = frame.GetImageData()
        scalars = image.GetPointData().GetScalars() if image is not None else None
        return tuple(each.GetMTime() for each in (frame, image, scalars) if each is not None)
    segmentation = frame.GetSegmentation()
    times = [segmentation.GetMTime()]
    for i in range(segmentation.GetNumberOfSegments()):
        image = segmentation.GetNthSegment(i).GetRepresentation("Binary labelmap")
        times.append(image.GetMTime() if image is not None else 0)
    return tuple(times)


def _ownGeometry(frame: Any) -> VolumeGeometry:
    if frame.GetImageData() is None:
        raise InputError(_("“{name}” contains no voxels: select other masks.").format(name=frame.GetName()))
    return VolumeGeometry.ofVolume(frame)


def _referenceGeometry(frame: Any) -> VolumeGeometry | None:
    """The grid of the image on which a segmentation was drawn, if it is known."""
    text = frame.GetSegmentation().GetConversionParameter("Reference image geometry")
    image = slicer.vtkOrientedImageData()
    if text and slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False):
        return VolumeGeometry.ofOrientedImage(image)
    return None


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


def digest(mask: np.ndarray) -> str:
    """A hash of a mask, to find out whether a contour changed."""
    return hashlib.sha256(np.packbits(mask.astype(bool)).tobytes()).hexdigest()[:16]
