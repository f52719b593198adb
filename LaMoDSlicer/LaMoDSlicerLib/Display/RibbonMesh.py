"""Line segments in slices as ribbons that extend through the thickness of the slice.

A slice view shows the intersection of a model with its plane. A ribbon therefore appears as a line in its own slice
only, independent of the exact offset of the plane; in 3-D it appears as a wall.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS


def ofSlices(
    segments: Sequence[np.ndarray],
    ijkToLps: np.ndarray,
    scalars: Sequence[np.ndarray] | None = None,
    scalarName: str = "",
) -> Any:
    """vtkPolyData in RAS mm with one quad per segment.

    Args:
        segments: per slice [N, 2, 2]: (start, end) in pixel coordinates (x, y).
        ijkToLps: [Z, 4, 4], one per slice.
        scalars: per slice [N], one value per segment.
        scalarName: name of the scalars.
    """
    quads = [_quads(lines, RAS_LPS @ affine) for lines, affine in zip(segments, ijkToLps, strict=True)]
    corners = np.concatenate(quads) if quads else np.empty((0, 4, 3))
    mesh = vtk.vtkPolyData()
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(corners.reshape(-1, 3), np.float32), deep=True))
    mesh.SetPoints(points)
    count = len(corners)
    ids = np.column_stack([np.full(count, 4), np.arange(4 * count).reshape(-1, 4)]).ravel()
    cells = vtk.vtkCellArray()
    cells.ImportLegacyFormat(numpy_to_vtkIdTypeArray(ids.astype(np.int64), deep=True))
    mesh.SetPolys(cells)
    if scalars is not None:
        values = numpy_to_vtk(np.repeat(np.concatenate([*scalars]), 4).astype(np.float32), deep=True)
        values.SetName(scalarName)
        mesh.GetPointData().AddArray(values)
        mesh.GetPointData().SetActiveScalars(scalarName)
    return mesh


def _quads(segments: np.ndarray, ijkToRas: np.ndarray) -> np.ndarray:
    """[N, 4, 3] from [N, 2, 2]; half the slice thickness on each side of the plane."""
    ends = segments @ ijkToRas[:3, :2].T + ijkToRas[:3, 3]
    half = ijkToRas[:3, 2] / 2
    return np.stack([ends[:, 0] - half, ends[:, 1] - half, ends[:, 1] + half, ends[:, 0] + half], axis=1)
