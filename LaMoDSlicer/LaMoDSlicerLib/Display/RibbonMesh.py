from collections.abc import Sequence
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS


class RibbonMesh:
    """Line segments in slices, drawn out through the slices' thickness.

    A slice view shows where a model cuts its plane, so a ribbon appears as the line itself, in its own slice
    only, whatever the plane's exact offset; in 3-D it stands as a wall.
    """

    @staticmethod
    def ofSlices(
        segments: Sequence[np.ndarray],
        ijkToLps: np.ndarray,
        scalars: Sequence[np.ndarray] | None = None,
        scalarName: str = "",
    ) -> Any:
        """vtkPolyData in RAS mm with one quad a segment.

        Args:
            segments: of each slice [N, 2, 2]: (start, end) in pixel coordinates (x, y).
            ijkToLps: [Z, 4, 4] of each slice.
            scalars: of each slice [N], one value a segment.
            scalarName: what they are called.
        """
        quads = [RibbonMesh._quads(lines, RAS_LPS @ affine) for lines, affine in zip(segments, ijkToLps, strict=True)]
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

    @staticmethod
    def _quads(segments: np.ndarray, ijkToRas: np.ndarray) -> np.ndarray:
        """[N, 4, 3] from [N, 2, 2]; half the thickness on either side of the plane."""
        ends = segments @ ijkToRas[:3, :2].T + ijkToRas[:3, 3]
        half = ijkToRas[:3, 2] / 2
        return np.stack([ends[:, 0] - half, ends[:, 1] - half, ends[:, 1] + half, ends[:, 0] + half], axis=1)
