from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

#: Converts RAS to LPS and back; the scene uses RAS, LaMoDCore and its files LPS.
RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class VolumeGeometry:
    """The grid of a volume in patient coordinates.

    Attributes:
        shape: (slices, rows, columns), the shape of the NumPy array.
        ijkToLps: [4, 4], (column, row, slice) to LPS mm.
    """

    shape: tuple[int, int, int]
    ijkToLps: np.ndarray

    @classmethod
    def ofVolume(cls, volumeNode: Any) -> "VolumeGeometry":
        matrix = vtk.vtkMatrix4x4()
        volumeNode.GetIJKToRASMatrix(matrix)
        columns, rows, slices = volumeNode.GetImageData().GetDimensions()
        return cls((slices, rows, columns), RAS_LPS @ slicer.util.arrayFromVTKMatrix(matrix))

    @classmethod
    def ofOrientedImage(cls, image: Any) -> "VolumeGeometry":
        """The grid of a vtkOrientedImageData; its extent may start at any index."""
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        extent = image.GetExtent()
        ijkToRas = slicer.util.arrayFromVTKMatrix(matrix)
        ijkToRas[:, 3] = ijkToRas @ [extent[0], extent[2], extent[4], 1]
        columns, rows, slices = image.GetDimensions()
        return cls((slices, rows, columns), RAS_LPS @ ijkToRas)

    @property
    def ijkToRas(self) -> np.ndarray:
        return RAS_LPS @ self.ijkToLps

    def sliceIjkToLps(self, k: int) -> np.ndarray:
        """[4, 4] of a single slice."""
        affine = np.array(self.ijkToLps)
        affine[:3, 3] += affine[:3, 2] * k
        return affine

    def isSameAs(self, other: "VolumeGeometry", toleranceMm: float = 0.01) -> bool:
        return self.shape == other.shape and np.allclose(self.ijkToLps, other.ijkToLps, atol=toleranceMm)

    def sliceIndexOf(self, sliceIjkToLps: np.ndarray, toleranceMm: float = 0.5) -> int:
        """Index of a single slice in this volume.

        Raises:
            ValueError: it is not a slice of this volume.
        """
        index = np.linalg.solve(self.ijkToLps, sliceIjkToLps[:, 3])
        nearest = np.rint(index)
        offset = np.linalg.norm((self.ijkToLps @ (index - nearest))[:3])
        if offset > toleranceMm or not 0 <= nearest[2] < self.shape[0] or abs(nearest[:2]).max() > 0:
            raise ValueError("a slice of the result is not on the cine's grid: predict again")
        return int(nearest[2])

    def asOrientedImage(self) -> Any:
        """An empty vtkOrientedImageData of uint8 on this grid."""
        image = slicer.vtkOrientedImageData()
        slices, rows, columns = self.shape
        image.SetDimensions(columns, rows, slices)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        image.GetPointData().GetScalars().Fill(0)
        image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(self.ijkToRas))
        return image
