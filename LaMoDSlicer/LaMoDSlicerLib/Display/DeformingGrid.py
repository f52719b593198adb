from typing import Any

import numpy as np

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.RibbonMesh import RibbonMesh


class DeformingGrid:
    """A square grid on the end-diastolic wall, moving with it as the tag lines of tagged MRI do.

    Args:
        motion: carries the grid.
        spacingMm: distance between lines at end-diastole.
    """

    #: Length of the straight pieces that a line is made of, in pixels.
    PIECE = 0.5

    def __init__(self, motion: MaterialMotion, spacingMm: float) -> None:
        self._motion = motion
        self._pieces = [self._piecesOf(k, spacingMm) for k in range(motion.numberOfSlices)]

    def _piecesOf(self, k: int, spacingMm: float) -> np.ndarray:
        """[N, 2, 2]: pieces of the grid's lines that lie in the wall, pixel coordinates (x, y)."""
        wall = self._motion.myocardium[k]
        rows, columns = np.nonzero(wall)
        if not len(rows):
            return np.empty((0, 2, 2))
        low, high = np.array([columns.min(), rows.min()]) - 0.5, np.array([columns.max(), rows.max()]) + 0.5
        pieces = []
        for across, spacing in enumerate(spacingMm / np.array(self._motion.spacingMm(k))):
            along = 1 - across
            middle = (low[across] + high[across]) / 2
            reach = np.floor((high[across] - middle) / spacing)
            for at in middle + spacing * np.arange(-reach, reach + 1):
                steps = np.arange(low[along], high[along] + self.PIECE, self.PIECE)
                line = np.empty((len(steps), 2))
                line[:, across], line[:, along] = at, steps
                pieces.append(np.stack([line[:-1], line[1:]], axis=1))
        found = np.concatenate(pieces)
        return found[self._inside(found, wall).all(axis=1)]

    @staticmethod
    def _inside(xy: np.ndarray, wall: np.ndarray) -> np.ndarray:
        column, row = np.moveaxis(np.rint(xy).astype(int), -1, 0)
        within = (column >= 0) & (row >= 0) & (column < wall.shape[1]) & (row < wall.shape[0])
        return within & wall[np.clip(row, 0, wall.shape[0] - 1), np.clip(column, 0, wall.shape[1] - 1)]

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm."""
        carried = [
            self._motion.carried(pieces.reshape(-1, 2), k, frame).reshape(-1, 2, 2)
            for k, pieces in enumerate(self._pieces)
        ]
        return RibbonMesh.ofSlices(carried, self._motion.ijkToLps)
