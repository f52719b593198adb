from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MaterialMotion:
    """How the points of the end-diastolic wall move in the planes of Z slices over T frames.

    Attributes:
        displacementMm: [Z, T, 2, H, W], in-plane (x, y) = (column, row) mm, finite everywhere.
        myocardium: bool [Z, H, W] at the reference frame.
        ijkToLps: [Z, 4, 4] of each slice.
    """

    displacementMm: np.ndarray
    myocardium: np.ndarray
    ijkToLps: np.ndarray

    @property
    def numberOfSlices(self) -> int:
        return len(self.ijkToLps)

    @property
    def numberOfFrames(self) -> int:
        return int(self.displacementMm.shape[1])

    def spacingMm(self, k: int) -> tuple[float, float]:
        """(dx, dy) of a slice."""
        dx, dy = np.linalg.norm(self.ijkToLps[k][:3, :2], axis=0)
        return float(dx), float(dy)

    def spreadPoints(self, k: int, spacingMm: float) -> np.ndarray:
        """int [N, 2] (column, row): the myocardial pixels of slice k that are nearest to a grid of this spacing."""
        rows, columns = np.nonzero(self.myocardium[k])
        cells = np.column_stack([columns, rows]) * self.spacingMm(k) / spacingMm
        cell, offset = np.floor(cells), np.abs(cells - np.floor(cells) - 0.5).max(axis=1)
        nearestFirst = np.argsort(offset, kind="stable")
        _, first = np.unique(cell[nearestFirst], axis=0, return_index=True)
        chosen = nearestFirst[first]
        return np.column_stack([columns[chosen], rows[chosen]])

    def carried(self, xy: np.ndarray, k: int, frame: int) -> np.ndarray:
        """Pixel coordinates [N, 2] (x, y) of a slice at end-diastole, at a frame: X + u(X), u bilinear."""
        from scipy.ndimage import map_coordinates

        u = self.displacementMm[k, frame]
        at = [map_coordinates(component, xy[:, ::-1].T, order=1, mode="nearest") for component in u]
        return xy + np.column_stack(at) / self.spacingMm(k)
