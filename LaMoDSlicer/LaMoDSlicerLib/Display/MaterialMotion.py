from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MaterialMotion:
    """In-plane displacement of end-diastolic wall points in Z slices of equal size, over T frames.

    Attributes:
        displacementMm: [Z, T, 2, H, W], in-plane (x, y) = (column, row) mm, finite everywhere.
        myocardium: bool [Z, H, W] at the reference frame.
        ijkToLps: [Z, 4, 4], one per slice.
    """

    displacementMm: np.ndarray
    myocardium: np.ndarray
    ijkToLps: np.ndarray

    @classmethod
    def ofWall(cls, displacementMm: np.ndarray, myocardium: np.ndarray, ijkToLps: np.ndarray) -> "MaterialMotion":
        """Create the motion from displacements in the wall; other pixels get the value of the nearest wall pixel."""
        from scipy.ndimage import distance_transform_edt

        slices = []
        for field, wall in zip(displacementMm, myocardium, strict=True):
            rows, columns = distance_transform_edt(~wall, return_distances=False, return_indices=True)
            slices.append(field[..., rows, columns])
        return cls(np.stack(slices), myocardium, ijkToLps)

    @property
    def numberOfSlices(self) -> int:
        return len(self.ijkToLps)

    @property
    def numberOfFrames(self) -> int:
        return int(self.displacementMm.shape[1])

    def spacingMm(self, k: int) -> tuple[float, float]:
        """Pixel spacing (dx, dy) of a slice."""
        dx, dy = np.linalg.norm(self.ijkToLps[k][:3, :2], axis=0)
        return float(dx), float(dy)

    def spreadPoints(self, k: int, spacingMm: float) -> np.ndarray:
        """Select the wall pixels of slice k nearest to the points of a regular grid: int [N, 2] (column, row)."""
        rows, columns = np.nonzero(self.myocardium[k])
        cells = np.column_stack([columns, rows]) * self.spacingMm(k) / spacingMm
        cell, offset = np.floor(cells), np.abs(cells - np.floor(cells) - 0.5).max(axis=1)
        nearestFirst = np.argsort(offset, kind="stable")
        _, first = np.unique(cell[nearestFirst], axis=0, return_index=True)
        chosen = nearestFirst[first]
        return np.column_stack([columns[chosen], rows[chosen]])

    def carried(self, xy: np.ndarray, k: int, frame: int) -> np.ndarray:
        """Move pixel coordinates [N, 2] (x, y) from end-diastole to a frame: X + u(X), u interpolated bilinearly."""
        from scipy.ndimage import map_coordinates

        u = self.displacementMm[k, frame]
        moved = [map_coordinates(component, xy[:, ::-1].T, order=1, mode="nearest") for component in u]
        return xy + np.column_stack(moved) / self.spacingMm(k)
