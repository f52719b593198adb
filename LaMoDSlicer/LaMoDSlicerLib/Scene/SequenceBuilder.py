from collections.abc import Iterable
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Worker.SlicedWork import Steps, completed

_SEGMENT_COLORS = ((0.85, 0.35, 0.30), (0.80, 0.60, 0.35), (0.35, 0.55, 0.85))


class SequenceBuilder:
    """Creates sequence nodes with one volume, model or segmentation per frame.

    Args:
        indexValues: of each frame; equal to those of the browser's master sequence.
        indexUnit: "ms" if the values are times, else empty.
    """

    ROLE = RoleNodes.ATTRIBUTE

    def __init__(self, indexValues: tuple[str, ...], indexUnit: str) -> None:
        self._indexValues, self._indexUnit = indexValues, indexUnit

    @classmethod
    def ofBrowser(cls, browserNode: Any) -> "SequenceBuilder":
        """Makes sequences with the index values of a browser's master sequence."""
        master = browserNode.GetMasterSequenceNode()
        values = tuple(master.GetNthIndexValue(i) for i in range(master.GetNumberOfDataNodes()))
        return cls(values, master.GetIndexUnit() or "")

    def matches(self, other: "SequenceBuilder") -> bool:
        """Whether both make sequences with the same index values."""
        return self._indexValues == other._indexValues

    def volumes(self, name: str, role: str, frames: np.ndarray, geometry: VolumeGeometry) -> Any:
        """Sequence of scalar volumes from [T, Z, H, W]."""
        return self.inScene(completed(self.volumeSteps(name, role, frames, geometry)))

    def volumeSteps(self, name: str, role: str, frames: np.ndarray, geometry: VolumeGeometry) -> Steps:
        """As `volumes`, in one step per frame; the sequence is not in the scene."""
        return self._volumes(slicer.vtkMRMLScalarVolumeNode(), name, role, frames, geometry)

    def labelmaps(self, name: str, role: str, frames: np.ndarray, geometry: VolumeGeometry) -> Any:
        """Sequence of labelmaps from [T, Z, H, W]."""
        steps = self._volumes(slicer.vtkMRMLLabelMapVolumeNode(), name, role, frames, geometry)
        return self.inScene(completed(steps))

    def _volumes(self, volume: Any, name: str, role: str, frames: np.ndarray, geometry: VolumeGeometry) -> Steps:
        volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(geometry.ijkToRas))
        return self._steps(name, role, (self._filled(volume, frame) for frame in frames))

    @staticmethod
    def _filled(volume: Any, frame: np.ndarray) -> Any:
        slices, rows, columns = frame.shape
        image = vtk.vtkImageData()
        image.SetDimensions(columns, rows, slices)
        image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(frame).ravel(), deep=True))
        volume.SetAndObserveImageData(image)
        return volume

    def models(self, name: str, role: str, meshes: Iterable[Any]) -> Any:
        """Sequence of models from one vtkPolyData per frame."""
        return self.inScene(completed(self.modelSteps(name, role, meshes)))

    def modelSteps(self, name: str, role: str, meshes: Iterable[Any]) -> Steps:
        """As `models`, in one step per frame; the sequence is not in the scene."""
        return self._steps(name, role, self._modelsOf(meshes))

    @staticmethod
    def _modelsOf(meshes: Iterable[Any]) -> Iterable[Any]:
        model = slicer.vtkMRMLModelNode()
        for mesh in meshes:
            model.SetAndObserveMesh(mesh)
            yield model

    def replaceModels(self, sequenceNode: Any, meshes: Iterable[Any]) -> None:
        """Replace the meshes of an existing sequence of models."""
        completed(self.replaceModelSteps(sequenceNode, meshes))

    def replaceModelSteps(self, sequenceNode: Any, meshes: Iterable[Any]) -> Steps:
        """As `replaceModels`, in one step per frame."""
        for value, model in zip(self._indexValues, self._modelsOf(meshes), strict=True):
            sequenceNode.SetDataNodeAtValue(model, value)
            yield None

    def segmentations(self, name: str, structures: dict[str, np.ndarray], geometry: VolumeGeometry) -> Any:
        """Sequence of segmentations from bool [T, Z, H, W] per segment name."""
        frames = range(len(self._indexValues))
        steps = self._steps(name, "", (self._segmentation(structures, t, geometry) for t in frames))
        return self.inScene(completed(steps))

    @staticmethod
    def _segmentation(structures: dict[str, np.ndarray], frame: int, geometry: VolumeGeometry) -> Any:
        node = slicer.vtkMRMLSegmentationNode()
        for (name, masks), color in zip(structures.items(), _SEGMENT_COLORS, strict=False):
            image = geometry.asOrientedImage()
            vtk_to_numpy(image.GetPointData().GetScalars())[:] = masks[frame].ravel()
            node.AddSegmentFromBinaryLabelmapRepresentation(image, name, color, name)
        return node

    @staticmethod
    def inScene(sequence: Any) -> Any:
        """Add a sequence to the scene."""
        sequence.SetName(slicer.mrmlScene.GenerateUniqueName(sequence.GetName()))
        return slicer.mrmlScene.AddNode(sequence)

    def _steps(self, name: str, role: str, nodes: Iterable[Any]) -> Steps:
        """Fill a sequence with one node per step."""
        sequence = slicer.vtkMRMLSequenceNode()
        sequence.SetName(name)
        sequence.SetIndexName("time" if self._indexUnit else "frame")
        sequence.SetIndexUnit(self._indexUnit)
        sequence.SetAttribute(self.ROLE, role or None)
        for value, node in zip(self._indexValues, nodes, strict=True):
            node.SetName(name)
            node.SetAttribute(self.ROLE, role or None)
            sequence.SetDataNodeAtValue(node, value)
            yield None
        return sequence
