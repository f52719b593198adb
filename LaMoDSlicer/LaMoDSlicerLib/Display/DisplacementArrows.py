from typing import Any

import numpy as np

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.RibbonMesh import RibbonMesh


class DisplacementArrows:
    """Arrows from where points of the wall were at end-diastole to where they are: the head is on the wall.

    Args:
        motion: of the wall.
        spacingMm: distance between arrows at end-diastole.
        scale: length relative to the displacement; the head stays, the tail moves.
    """

    SCALARS = "displacement_mm"
    #: Shorter displacements are points: an arrow would show a direction that is noise.
    SHORTEST_MM = 0.5
    HEAD_MM, HEAD_OF_LENGTH, HEAD_ANGLE = 2.4, 0.45, np.deg2rad(27)

    def __init__(self, motion: MaterialMotion, spacingMm: float, scale: float = 1.0) -> None:
        self._motion, self._scale = motion, scale
        self._points = [motion.spreadPoints(k, spacingMm) for k in range(motion.numberOfSlices)]

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm; its scalars are the displacement in mm. First come all shafts of a slice."""
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
            left, right = (head + back @ self._rotation(angle).T for angle in (self.HEAD_ANGLE, -self.HEAD_ANGLE))
            ends = [np.stack(pair, axis=1) for pair in ((tail, head), (head, left), (head, right))]
            lines.append(np.concatenate(ends) / spacing)
            sizes.append(np.tile(size, 3))
        return RibbonMesh.ofSlices(lines, self._motion.ijkToLps, sizes, self.SCALARS)

    @staticmethod
    def _rotation(angle: float) -> np.ndarray:
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
