from itertools import pairwise
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS
from LaMoDSlicerLib.Worker.SlicedWork import Steps


class WallSurface:
    """The wall of every slice as a closed ring as thick as the slice, for the 3-D view.

    Its points follow the myocardium. The values of every quantity are arrays of the points, so that another quantity
    can be shown without another mesh. `steps` makes it.

    Args:
        motion: of the wall.
        fields: name -> [T, Z, H, W] in display units on the end-diastolic wall, NaN outside.
    """

    #: Distance of points along the contours, mm.
    SPACING_MM = 1.5

    def __init__(self, motion: MaterialMotion, fields: dict[str, np.ndarray]) -> None:
        self._motion = motion
        self._rings: list[_Ring] = []
        self._pixels: list[np.ndarray] = []
        self._fields = fields

    @classmethod
    def steps(cls, motion: MaterialMotion, fields: dict[str, np.ndarray]) -> Steps:
        """Make the surface in one step per slice; its filters of VTK do not belong in a thread."""
        surface = cls(motion, fields)
        for k in range(motion.numberOfSlices):
            surface._rings.append(_Ring(surface._loops(k)))
            surface._pixels.append(surface._wallPixels(k))
            yield None
        return surface

    def _loops(self, k: int) -> list[np.ndarray]:
        """Closed contours [N, 2] of slice k, pixel coordinates (x, y)."""
        from LaMoDSlicerLib.Contours.ContourMeshes import outlineOf

        spacing = np.array(self._motion.spacingMm(k))
        return [_evenly(loop, spacing, self.SPACING_MM) for loop in _joined(outlineOf(self._motion.myocardium[k]))]

    def _wallPixels(self, k: int) -> np.ndarray:
        """int [N, 2] (row, column): the wall pixel nearest to each point of the ring."""
        from scipy.ndimage import distance_transform_edt

        wall = self._motion.myocardium[k]
        nearest = distance_transform_edt(~wall, return_distances=False, return_indices=True)
        at = np.rint(self._rings[k].points).astype(int)
        column, row = np.clip(at[:, 0], 0, wall.shape[1] - 1), np.clip(at[:, 1], 0, wall.shape[0] - 1)
        return nearest[:, row, column].T

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm."""
        points, polygons, count = [], [], 0
        for k, ring in enumerate(self._rings):
            ijkToRas = RAS_LPS @ self._motion.ijkToLps[k]
            plane = self._motion.carried(ring.points, k, frame) @ ijkToRas[:3, :2].T + ijkToRas[:3, 3]
            half = ijkToRas[:3, 2] / 2
            points += [plane - half, plane + half]
            polygons += ring.polygons(count)
            count += 2 * len(plane)
        mesh, corners = vtk.vtkPolyData(), vtk.vtkPoints()
        found = np.concatenate(points) if points else np.empty((0, 3))
        corners.SetData(numpy_to_vtk(np.ascontiguousarray(found, np.float32), deep=True))
        mesh.SetPoints(corners)
        cells = vtk.vtkCellArray()
        ids = np.concatenate(polygons).astype(np.int64) if polygons else np.empty(0, np.int64)
        cells.ImportLegacyFormat(numpy_to_vtkIdTypeArray(ids, deep=True))
        mesh.SetPolys(cells)
        for name, field in self._fields.items():
            values = numpy_to_vtk(self._valuesOf(field[frame]), deep=True)
            values.SetName(name)
            mesh.GetPointData().AddArray(values)
        return mesh

    def _valuesOf(self, field: np.ndarray) -> np.ndarray:
        """float32 [N] of the field [Z, H, W] at the points of `mesh`."""
        found = [np.tile(field[k][tuple(pixels.T)], 2) for k, pixels in enumerate(self._pixels)]
        return np.nan_to_num(np.concatenate(found) if found else np.empty(0)).astype(np.float32)


class _Ring:
    """Topology of one slice: the sides along each contour, and the area between them at the top and the bottom."""

    def __init__(self, loops: list[np.ndarray]) -> None:
        self.points = np.concatenate(loops) if loops else np.empty((0, 2))
        starts = np.cumsum([0, *map(len, loops)])
        rings = [np.arange(a, b) for a, b in pairwise(starts)]
        self._edges = np.concatenate([np.column_stack([r, np.roll(r, -1)]) for r in rings]) if rings else None
        self._area = _between(self.points, rings)

    def polygons(self, first: int) -> list[np.ndarray]:
        """Cells in VTK's legacy form; the points of the top follow those of the bottom, which begin at `first`."""
        if self._edges is None:
            return []
        count = len(self.points)
        start, end = self._edges.T + first
        sides = np.column_stack([np.full(len(start), 4), start, end, end + count, start + count])
        caps = [
            np.column_stack([np.full(len(self._area), 3), self._area + first + shift]).ravel() for shift in (0, count)
        ]
        return [sides.ravel(), *caps]


def _joined(segments: np.ndarray) -> list[np.ndarray]:
    """Closed lines [N, 2] from their consecutive segments [M, 2, 2]."""
    if not len(segments):
        return []
    gaps = np.flatnonzero(np.abs(segments[1:, 0] - segments[:-1, 1]).max(axis=1) > 1e-9) + 1
    return [part[:, 0] for part in np.split(segments, gaps) if len(part) > 3]


def _evenly(loop: np.ndarray, spacing: np.ndarray, stepMm: float) -> np.ndarray:
    """A closed line [N, 2] with points at even distances of about `stepMm`."""
    closed = np.concatenate([loop, loop[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0) * spacing, axis=1))])
    count = max(12, round(along[-1] / stepMm))
    wanted = np.linspace(0, along[-1], count, endpoint=False)
    return np.column_stack([np.interp(wanted, along, closed[:, axis]) for axis in range(2)])


def _between(points: np.ndarray, rings: list[np.ndarray]) -> np.ndarray:
    """int [N, 3]: triangles of the area that closed lines enclose, an inner one being a hole."""
    if not rings:
        return np.empty((0, 3), np.int64)
    lines, corners, cells = vtk.vtkPolyData(), vtk.vtkPoints(), vtk.vtkCellArray()
    for x, y in points:
        corners.InsertNextPoint(float(x), float(y), 0.0)
    for ring in rings:
        cells.InsertNextCell(len(ring) + 1)
        for index in [*ring, ring[0]]:
            cells.InsertCellPoint(int(index))
    lines.SetPoints(corners)
    lines.SetLines(cells)
    triangulator = vtk.vtkContourTriangulator()
    triangulator.SetInputData(lines)
    triangulator.Update()
    found = triangulator.GetOutput()
    if not found.GetNumberOfPolys():
        return np.empty((0, 3), np.int64)
    # the filter may add points; triangles with them are left out
    triangles = vtk_to_numpy(found.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return triangles[(triangles < len(points)).all(axis=1)]
