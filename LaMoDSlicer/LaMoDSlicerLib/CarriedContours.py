from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LaMoDSlicerLib.ResultFiles import ResultFiles
from LaMoDSlicerLib.RibbonMesh import RibbonMesh
from LaMoDSlicerLib.VolumeGeometry import RAS_LPS


class CarriedContours:
    """The end-diastolic contours, carried to every frame by the motion.

    Args:
        result: the motion.
    """

    def __init__(self, result: ResultFiles) -> None:
        self._result = result
        self._segments = [self._outline(mask) for mask in result.myocardium]

    @staticmethod
    def _outline(mask: np.ndarray) -> np.ndarray:
        """[N, 2, 2]: line segments (start, end) of the mask's outline in pixel coordinates (x, y), smoothed."""
        rows, columns = mask.shape
        image = vtk.vtkImageData()
        image.SetDimensions(columns, rows, 1)
        image.GetPointData().SetScalars(numpy_to_vtk(mask.astype(np.float32).ravel(), deep=True))
        outline = vtk.vtkFlyingEdges2D()
        outline.SetInputData(image)
        outline.SetValue(0, 0.5)
        strips = vtk.vtkStripper()
        strips.SetInputConnection(outline.GetOutputPort())
        strips.JoinContiguousSegmentsOn()
        smooth = vtk.vtkWindowedSincPolyDataFilter()  # takes off the pixels' stairs and keeps the size
        smooth.SetInputConnection(strips.GetOutputPort())
        smooth.SetNumberOfIterations(60)
        smooth.SetPassBand(0.01)
        smooth.Update()
        lines = smooth.GetOutput()
        if lines.GetNumberOfLines() == 0:
            return np.empty((0, 2, 2))
        points = vtk_to_numpy(lines.GetPoints().GetData())[:, :2]
        segments, ids = [], vtk.vtkIdList()
        lines.GetLines().InitTraversal()
        while lines.GetLines().GetNextCell(ids):
            order = [ids.GetId(i) for i in range(ids.GetNumberOfIds())]
            segments.append(np.stack([points[order[:-1]], points[order[1:]]], axis=1))
        return np.concatenate(segments)

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm."""
        starts, ends, through = [], [], []
        for k, affine in enumerate(self._result.ijkToLps):
            ijkToRas = RAS_LPS @ affine
            carried = self._carry(self._segments[k].reshape(-1, 2), k, frame)
            ras = (carried @ ijkToRas[:3, :2].T + ijkToRas[:3, 3]).reshape(-1, 2, 3)
            starts.append(ras[:, 0])
            ends.append(ras[:, 1])
            through.append(np.tile(ijkToRas[:3, 2], (len(ras), 1)))
        count = sum(map(len, starts))
        if count == 0:
            return vtk.vtkPolyData()
        return RibbonMesh.fromSegments(
            np.concatenate(starts), np.concatenate(ends), np.concatenate(through), np.zeros(count), "contour"
        )

    def _carry(self, xy: np.ndarray, k: int, frame: int) -> np.ndarray:
        """Pixel coordinates [N, 2] at a frame: X + u(X), u bilinear."""
        from scipy.ndimage import map_coordinates

        u = self._result.displacementMm[k, frame]
        at = [map_coordinates(component, xy[:, ::-1].T, order=1, mode="nearest") for component in u]
        return xy + np.column_stack(at) / self._result.spacingMm(k)
