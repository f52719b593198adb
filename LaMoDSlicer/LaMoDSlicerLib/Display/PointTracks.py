from typing import Any

import numpy as np

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.RibbonMesh import RibbonMesh


class PointTracks:
    """Points of the end-diastolic wall: the path of each over the whole beat, and a ring where it is now.

    Args:
        motion: of the wall.
        spacingMm: distance between points at end-diastole.
    """

    RING_MM, RING_SIDES = 0.8, 8

    def __init__(self, motion: MaterialMotion, spacingMm: float) -> None:
        self._motion = motion
        self._paths = [self._pathsOf(k, spacingMm) for k in range(motion.numberOfSlices)]

    def _pathsOf(self, k: int, spacingMm: float) -> np.ndarray:
        """[T, N, 2]: where each point is at each frame, pixel coordinates (x, y)."""
        points = self._motion.spreadPoints(k, spacingMm)
        u = self._motion.displacementMm[k][:, :, points[:, 1], points[:, 0]]
        return points + np.moveaxis(u, 1, 2) / self._motion.spacingMm(k)

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm. First come all paths of a slice."""
        angles = np.linspace(0, 2 * np.pi, self.RING_SIDES + 1)
        circle = self.RING_MM * np.column_stack([np.cos(angles), np.sin(angles)])
        lines = []
        for k, paths in enumerate(self._paths):
            ring = paths[frame][None] + (circle / self._motion.spacingMm(k))[:, None]
            lines.append(np.concatenate([self._pieces(paths), self._pieces(ring)]))
        return RibbonMesh.ofSlices(lines, self._motion.ijkToLps)

    @staticmethod
    def _pieces(lines: np.ndarray) -> np.ndarray:
        """[(M − 1) N, 2, 2] pieces of N lines [M, N, 2]."""
        return np.stack([lines[:-1], lines[1:]], axis=2).reshape(-1, 2, 2)
