from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray


class RibbonMesh:
    """Line segments in a slice, drawn out through the slice's thickness.

    A slice view shows where a model cuts its plane, so a ribbon appears as the line itself, in its own slice
    only, whatever the plane's exact offset; in 3-D it stands as a wall.
    """

    @staticmethod
    def fromSegments(
        startRas: np.ndarray, endRas: np.ndarray, throughSliceRas: np.ndarray, scalars: np.ndarray, name: str
    ) -> Any:
        """vtkPolyData with one quad a segment.

        Args:
            startRas, endRas: [N, 3] mm.
            throughSliceRas: [N, 3], one slice thickness along the normal.
            scalars: [N] one value a segment.
            name: of the scalars.
        """
        half = throughSliceRas / 2
        points = np.stack([startRas - half, endRas - half, endRas + half, startRas + half], axis=1).reshape(-1, 3)
        mesh = vtk.vtkPolyData()
        vtkPoints = vtk.vtkPoints()
        vtkPoints.SetData(numpy_to_vtk(np.ascontiguousarray(points, np.float32), deep=True))
        mesh.SetPoints(vtkPoints)
        count = len(startRas)
        quads = np.column_stack([np.full(count, 4), np.arange(4 * count).reshape(-1, 4)]).ravel()
        cells = vtk.vtkCellArray()
        cells.ImportLegacyFormat(numpy_to_vtkIdTypeArray(quads.astype(np.int64), deep=True))
        mesh.SetPolys(cells)
        values = numpy_to_vtk(np.repeat(np.asarray(scalars, np.float32), 4), deep=True)
        values.SetName(name)
        mesh.GetPointData().AddArray(values)
        mesh.GetPointData().SetActiveScalars(name)
        return mesh
