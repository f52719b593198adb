"""Lines that follow the myocardium: displacement arrows, a deforming grid and tracked points.

Each class is constructed from the motion and gives one mesh per frame.
"""

from typing import Any

import numpy as np

from LaMoDSlicerLib.Display import RibbonMesh
from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion


class DisplacementArrows:
    """Arrows from the end-diastolic to the current position of points of the wall.

    Args:
        motion: of the wall.
        spacingMm: distance between arrows at end-diastole.
        scale: length relative to the displacement; it moves the tail, the head stays at the current position.
    """

    SCALARS = "displacement_mm"
    #: Shorter displacements get no arrow, because its direction would be noise.
    SHORTEST_MM = 0.5
    HEAD_MM, HEAD_OF_LENGTH, HEAD_ANGLE = 2.4, 0.45, np.deg2rad(27)

    def __init__(self, motion: MaterialMotion, spacingMm: float, scale: float = 1.0) -> None:
        self._motion, self._scale = motion, scale
        self._points = [motion.spreadPoints(k, spacingMm) for k in range(motion.numberOfSlices)]

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm; its scalars are the displacement in mm. Per slice, all shafts precede the heads."""
        lines, sizes = [], []
        for k, (columns, rows) in enumerate(points.T for points in self._points):
            u = self._motion.displacementMm[k, frame, :, rows, columns]
            size = np.linalg.norm(u, axis=1)
            keep = size > self.SHORTEST_MM
            u, size = u[keep], size[keep]
            spacing = np.array(self._motion.spacingMm(k))
            head = np.column_stack([columns[keep], rows[keep]]) * spacing + u
            tail = head - self._scale * u
            barb = np.minimum(self.HEAD_MM, self.HEAD_OF_LENGTH * self._scale * size)
            back = -u / size[:, None] * barb[:, None]
            left, right = (head + back @ _rotation(angle).T for angle in (self.HEAD_ANGLE, -self.HEAD_ANGLE))
            ends = [np.stack(pair, axis=1) for pair in ((tail, head), (head, left), (head, right))]
            lines.append(np.concatenate(ends) / spacing)
            sizes.append(np.tile(size, 3))
        return RibbonMesh.ofSlices(lines, self._motion.ijkToLps, sizes, self.SCALARS)


class DeformingGrid:
    """A grid on the wall that is square at end-diastole and moves with the wall like the tag lines of tagged MRI.

    Args:
        motion: of the wall.
        spacingMm: distance between lines at end-diastole.
    """

    #: Length of the straight segments of a line, pixels.
    SEGMENT = 0.5

    def __init__(self, motion: MaterialMotion, spacingMm: float) -> None:
        self._motion = motion
        self._segments = [self._segmentsOf(k, spacingMm) for k in range(motion.numberOfSlices)]

    def _segmentsOf(self, k: int, spacingMm: float) -> np.ndarray:
        """[N, 2, 2]: segments of the grid's lines inside the wall, pixel coordinates (x, y)."""
        wall = self._motion.myocardium[k]
        rows, columns = np.nonzero(wall)
        if not len(rows):
            return np.empty((0, 2, 2))
        low, high = np.array([columns.min(), rows.min()]) - 0.5, np.array([columns.max(), rows.max()]) + 0.5
        segments = []
        for across, spacing in enumerate(spacingMm / np.array(self._motion.spacingMm(k))):
            along = 1 - across
            middle = (low[across] + high[across]) / 2
            reach = np.floor((high[across] - middle) / spacing)
            for position in middle + spacing * np.arange(-reach, reach + 1):
                steps = np.arange(low[along], high[along] + self.SEGMENT, self.SEGMENT)
                line = np.empty((len(steps), 2))
                line[:, across], line[:, along] = position, steps
                segments.append(np.stack([line[:-1], line[1:]], axis=1))
        found = np.concatenate(segments)
        return found[_inside(found, wall).all(axis=1)]

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm."""
        carried = [
            self._motion.carried(segments.reshape(-1, 2), k, frame).reshape(-1, 2, 2)
            for k, segments in enumerate(self._segments)
        ]
        return RibbonMesh.ofSlices(carried, self._motion.ijkToLps)


class PointTracks:
    """The path of points of the wall over the cardiac cycle, with a ring at the current position.

    Args:
        motion: of the wall.
        spacingMm: distance between points at end-diastole.
    """

    RING_MM, RING_SIDES = 0.8, 8

    def __init__(self, motion: MaterialMotion, spacingMm: float) -> None:
        self._motion = motion
        self._paths = [self._pathsOf(k, spacingMm) for k in range(motion.numberOfSlices)]

    def _pathsOf(self, k: int, spacingMm: float) -> np.ndarray:
        """[T, N, 2]: position of each point at each frame, pixel coordinates (x, y)."""
        points = self._motion.spreadPoints(k, spacingMm)
        u = self._motion.displacementMm[k][:, :, points[:, 1], points[:, 0]]
        return points + np.moveaxis(u, 1, 2) / self._motion.spacingMm(k)

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm. Per slice, all paths precede the rings."""
        angles = np.linspace(0, 2 * np.pi, self.RING_SIDES + 1)
        circle = self.RING_MM * np.column_stack([np.cos(angles), np.sin(angles)])
        lines = []
        for k, paths in enumerate(self._paths):
            ring = paths[frame][None] + (circle / self._motion.spacingMm(k))[:, None]
            lines.append(np.concatenate([_split(paths), _split(ring)]))
        return RibbonMesh.ofSlices(lines, self._motion.ijkToLps)


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _inside(xy: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """Whether points [..., 2] (x, y) lie in the wall [H, W]."""
    column, row = np.moveaxis(np.rint(xy).astype(int), -1, 0)
    within = (column >= 0) & (row >= 0) & (column < wall.shape[1]) & (row < wall.shape[0])
    return within & wall[np.clip(row, 0, wall.shape[0] - 1), np.clip(column, 0, wall.shape[1] - 1)]


def _split(lines: np.ndarray) -> np.ndarray:
    """[(M − 1) N, 2, 2]: the segments of N lines [M, N, 2]."""
    return np.stack([lines[:-1], lines[1:]], axis=2).reshape(-1, 2, 2)
