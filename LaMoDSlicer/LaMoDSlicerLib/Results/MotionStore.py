from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS


class MotionStore:
    """A motion as one model of the scene: the wall's material points at end-diastole, with a vector a frame.

    So a scene that was saved and loaded can draw arrows, contours, grid and tracks anew. The model is found by
    the browser that shows the result.
    """

    ROLE = "motion"
    REFERENCE = "LaMoD.motion"
    _VECTORS = "displacement_mm_{frame:03d}"
    _PIXEL, _AFFINES, _SHAPE = "ijk", "ijkToRas", "shape"

    @classmethod
    def save(cls, motion: MaterialMotion, browserNode: Any, name: str) -> Any:
        """The model node, in the scene; it is not displayed."""
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", name)
        node.SetAttribute(SequenceBuilder.ROLE, cls.ROLE)
        node.SetHideFromEditors(True)
        node.SetAndObserveMesh(cls._mesh(motion))
        browserNode.SetNodeReferenceID(cls.REFERENCE, node.GetID())
        return node

    @classmethod
    def nodeOf(cls, browserNode: Any) -> Any:
        """The model node of a browser's result, or None."""
        return browserNode.GetNodeReference(cls.REFERENCE)

    @classmethod
    def load(cls, browserNode: Any) -> MaterialMotion | None:
        """The motion of a browser's result; None where the scene holds none that can be read."""
        node = cls.nodeOf(browserNode)
        mesh = node.GetPolyData() if node is not None else None
        if mesh is None or mesh.GetFieldData().GetArray(cls._SHAPE) is None:
            return None
        field, points = mesh.GetFieldData(), mesh.GetPointData()
        slices, rows, columns = vtk_to_numpy(field.GetArray(cls._SHAPE)).ravel().tolist()
        ijkToLps = RAS_LPS @ vtk_to_numpy(field.GetArray(cls._AFFINES)).reshape(slices, 4, 4)
        i, j, k = vtk_to_numpy(points.GetArray(cls._PIXEL)).T
        myocardium = np.zeros((slices, rows, columns), bool)
        myocardium[k, j, i] = True
        frames = 0
        while points.GetArray(cls._VECTORS.format(frame=frames)) is not None:
            frames += 1
        wall = np.zeros((slices, frames, 2, rows, columns), np.float32)
        axes = (RAS_LPS @ ijkToLps)[:, :3, :2] / np.linalg.norm(ijkToLps[:, :3, :2], axis=1, keepdims=True)
        for frame in range(frames):
            vectors = vtk_to_numpy(points.GetArray(cls._VECTORS.format(frame=frame)))
            wall[k, frame, :, j, i] = np.einsum("na,nac->nc", vectors, axes[k])
        return MaterialMotion(cls.filled(wall, myocardium), myocardium, ijkToLps)

    @staticmethod
    def filled(displacementMm: np.ndarray, myocardium: np.ndarray) -> np.ndarray:
        """[Z, T, 2, H, W] with the nearest of the wall's values outside the wall."""
        from scipy.ndimage import distance_transform_edt

        slices = []
        for field, wall in zip(displacementMm, myocardium, strict=True):
            rows, columns = distance_transform_edt(~wall, return_distances=False, return_indices=True)
            slices.append(field[..., rows, columns])
        return np.stack(slices)

    @classmethod
    def _mesh(cls, motion: MaterialMotion) -> Any:
        k, j, i = np.nonzero(motion.myocardium)
        ijkToRas = RAS_LPS @ motion.ijkToLps
        # a slice's own affine has its plane at k = 0
        ras = np.einsum("nac,nc->na", ijkToRas[k][:, :3, :2], np.column_stack([i, j])) + ijkToRas[k][:, :3, 3]
        axes = ijkToRas[:, :3, :2] / np.linalg.norm(ijkToRas[:, :3, :2], axis=1, keepdims=True)
        mesh, points = vtk.vtkPolyData(), vtk.vtkPoints()
        points.SetData(numpy_to_vtk(np.ascontiguousarray(ras, np.float32), deep=True))
        mesh.SetPoints(points)
        cls._add(mesh.GetPointData(), cls._PIXEL, np.column_stack([i, j, k]).astype(np.int32))
        for frame in range(motion.numberOfFrames):
            vectors = np.einsum("nac,nc->na", axes[k], motion.displacementMm[k, frame, :, j, i])
            cls._add(mesh.GetPointData(), cls._VECTORS.format(frame=frame), vectors.astype(np.float32))
        cls._add(mesh.GetFieldData(), cls._AFFINES, ijkToRas.reshape(-1, 16))
        cls._add(mesh.GetFieldData(), cls._SHAPE, np.array(motion.myocardium.shape, np.int32)[None])
        return mesh

    @staticmethod
    def _add(attributes: Any, name: str, values: np.ndarray) -> None:
        array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
        array.SetName(name)
        attributes.AddArray(array)
