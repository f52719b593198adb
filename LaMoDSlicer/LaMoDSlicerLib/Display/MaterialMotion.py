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

    def carried(self, xy: np.ndarray, k: int, frame: int) -> np.ndarray:
        """Pixel coordinates [N, 2] (x, y) of a slice at end-diastole, at a frame: X + u(X), u bilinear."""
        from scipy.ndimage import map_coordinates

        u = self.displacementMm[k, frame]
        at = [map_coordinates(component, xy[:, ::-1].T, order=1, mode="nearest") for component in u]
        return xy + np.column_stack(at) / self.spacingMm(k)
