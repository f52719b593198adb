from typing import Any

import numpy as np
import vtk

from LaMoDSlicerLib.ResultFiles import ResultFiles
from LaMoDSlicerLib.RibbonMesh import RibbonMesh
from LaMoDSlicerLib.VolumeGeometry import RAS_LPS


class DisplacementArrows:
    """Arrows from where points of the wall were at end-diastole to where they are: the head is on the wall.

    Args:
        result: the motion.
        spacingMm: distance between arrows at end-diastole.
        scale: length relative to the displacement; the head stays, the tail moves.
    """

    SCALARS = "displacement_mm"
    #: Shorter displacements are points: an arrow would show a direction that is noise.
    SHORTEST_MM = 0.5
    HEAD_MM, HEAD_OF_LENGTH, HEAD_ANGLE = 2.4, 0.45, np.deg2rad(27)

    def __init__(self, result: ResultFiles, spacingMm: float, scale: float = 1.0) -> None:
        self._result, self._spacingMm, self._scale = result, spacingMm, scale
        self._points = [self._chosenPixels(k) for k in range(len(result.ijkToLps))]

    def _chosenPixels(self, k: int) -> np.ndarray:
        """[N, 2] (column, row): wall pixels nearest to a grid of the wanted spacing."""
        dx, dy = self._result.spacingMm(k)
        rows, columns = np.nonzero(self._result.myocardium[k])
        cells = np.column_stack([columns * dx, rows * dy]) / self._spacingMm
        cell, offset = np.floor(cells), np.abs(cells - np.floor(cells) - 0.5).max(axis=1)
        nearestFirst = np.argsort(offset, kind="stable")
        _, first = np.unique(cell[nearestFirst], axis=0, return_index=True)
        chosen = nearestFirst[first]
        return np.column_stack([columns[chosen], rows[chosen]])

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm; its scalars are the displacement in mm."""
        starts, ends, through, sizes = [], [], [], []
        for k, affine in enumerate(self._result.ijkToLps):
            columns, rows = self._points[k].T
            u = self._result.displacementMm[k, frame, :, rows, columns]
            size = np.linalg.norm(u, axis=1)
            keep = size > self.SHORTEST_MM
            u, size, columns, rows = u[keep], size[keep], columns[keep], rows[keep]
            spacing = np.array(self._result.spacingMm(k))
            head = np.column_stack([columns, rows]) * spacing + u
            tail = head - self._scale * u
            barb = np.minimum(self.HEAD_MM, self.HEAD_OF_LENGTH * self._scale * size)
            back = -u / size[:, None] * barb[:, None]
            barbs = [head + back @ self._rotation(angle).T for angle in (self.HEAD_ANGLE, -self.HEAD_ANGLE)]
            for start, end in ((tail, head), (head, barbs[0]), (head, barbs[1])):
                starts.append(self._toRas(affine, start / spacing))
                ends.append(self._toRas(affine, end / spacing))
                through.append(np.tile((RAS_LPS @ affine)[:3, 2], (len(u), 1)))
                sizes.append(size)
        if not starts:
            return vtk.vtkPolyData()
        return RibbonMesh.fromSegments(
            np.concatenate(starts), np.concatenate(ends), np.concatenate(through), np.concatenate(sizes), self.SCALARS
        )

    @staticmethod
    def _rotation(angle: float) -> np.ndarray:
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    @staticmethod
    def _toRas(affine: np.ndarray, xy: np.ndarray) -> np.ndarray:
        ijkToRas = RAS_LPS @ affine
        return xy @ ijkToRas[:3, :2].T + ijkToRas[:3, 3]
