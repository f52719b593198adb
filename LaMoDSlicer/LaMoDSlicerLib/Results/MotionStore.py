"""Stores a motion in the scene as one model: the end-diastolic points of the wall with one vector per frame.

A scene that was saved and loaded can therefore draw arrows, contours, grid and tracks again. The browser that shows the
result refers to the model.
"""

from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS

ROLE = "motion"
REFERENCE = "LaMoD.motion"
_VECTORS = "displacement_mm_{frame:03d}"
_PIXEL, _AFFINES, _SHAPE = "ijk", "ijkToRas", "shape"


def save(motion: MaterialMotion, browserNode: Any, name: str) -> Any:
    """Add the model node to the scene; it is not displayed."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", name)
    node.SetAttribute(RoleNodes.ATTRIBUTE, ROLE)
    node.SetHideFromEditors(True)
    node.SetAndObserveMesh(_mesh(motion))
    browserNode.SetNodeReferenceID(REFERENCE, node.GetID())
    return node


def nodeOf(browserNode: Any) -> Any:
    """The model node of a browser's result, or None."""
    return browserNode.GetNodeReference(REFERENCE)


def load(browserNode: Any) -> MaterialMotion | None:
    """The motion of a browser's result; None if the scene does not contain it."""
    node = nodeOf(browserNode)
    mesh = node.GetPolyData() if node is not None else None
    if mesh is None or mesh.GetFieldData().GetArray(_SHAPE) is None:
        return None
    field, points = mesh.GetFieldData(), mesh.GetPointData()
    slices, rows, columns = vtk_to_numpy(field.GetArray(_SHAPE)).ravel().tolist()
    ijkToLps = RAS_LPS @ vtk_to_numpy(field.GetArray(_AFFINES)).reshape(slices, 4, 4)
    i, j, k = vtk_to_numpy(points.GetArray(_PIXEL)).T
    myocardium = np.zeros((slices, rows, columns), bool)
    myocardium[k, j, i] = True
    frames = 0
    while points.GetArray(_VECTORS.format(frame=frames)) is not None:
        frames += 1
    wall = np.zeros((slices, frames, 2, rows, columns), np.float32)
    axes = (RAS_LPS @ ijkToLps)[:, :3, :2] / np.linalg.norm(ijkToLps[:, :3, :2], axis=1, keepdims=True)
    for frame in range(frames):
        vectors = vtk_to_numpy(points.GetArray(_VECTORS.format(frame=frame)))
        wall[k, frame, :, j, i] = np.einsum("na,nac->nc", vectors, axes[k])
    return MaterialMotion.ofWall(wall, myocardium, ijkToLps)


def _mesh(motion: MaterialMotion) -> Any:
    k, j, i = np.nonzero(motion.myocardium)
    ijkToRas = RAS_LPS @ motion.ijkToLps
    # the affine of a single slice has its plane at k = 0
    ras = np.einsum("nac,nc->na", ijkToRas[k][:, :3, :2], np.column_stack([i, j])) + ijkToRas[k][:, :3, 3]
    axes = ijkToRas[:, :3, :2] / np.linalg.norm(ijkToRas[:, :3, :2], axis=1, keepdims=True)
    mesh, points = vtk.vtkPolyData(), vtk.vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(ras, np.float32), deep=True))
    mesh.SetPoints(points)
    _add(mesh.GetPointData(), _PIXEL, np.column_stack([i, j, k]).astype(np.int32))
    for frame in range(motion.numberOfFrames):
        vectors = np.einsum("nac,nc->na", axes[k], motion.displacementMm[k, frame, :, j, i])
        _add(mesh.GetPointData(), _VECTORS.format(frame=frame), vectors.astype(np.float32))
    _add(mesh.GetFieldData(), _AFFINES, ijkToRas.reshape(-1, 16))
    _add(mesh.GetFieldData(), _SHAPE, np.array(motion.myocardium.shape, np.int32)[None])
    return mesh


def _add(attributes: Any, name: str, values: np.ndarray) -> None:
    array = numpy_to_vtk(np.ascontiguousarray(values), deep=True)
    array.SetName(name)
    attributes.AddArray(array)
