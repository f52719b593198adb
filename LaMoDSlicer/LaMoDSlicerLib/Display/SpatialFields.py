import numpy as np

from LaMoDSlicerLib.Display.OverlayQuantity import OverlayQuantity
from LaMoDSlicerLib.Results.ResultFiles import ResultFiles
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


class SpatialFields:
    """A result's fields where the wall is at each frame, in the units of the screen.

    Args:
        result: material fields.
        geometry: the volume on which they are shown.
    """

    #: What a voxel outside the wall holds. Not NaN: Slicer's nearest colour lookup paints NaN.
    OUTSIDE = -1000.0

    def __init__(self, result: ResultFiles, geometry: VolumeGeometry) -> None:
        from LaMoDCore.heart.spatial import material_coordinates

        self._result, self._geometry = result, geometry
        self.sliceIndices = [geometry.sliceIndexOf(affine) for affine in result.ijkToLps]
        self._materialXy = [
            material_coordinates(result.displacementMm[k], result.myocardium[k], result.spacingMm(k))
            for k in range(len(result.ijkToLps))
        ]

    def of(self, quantity: OverlayQuantity) -> np.ndarray:
        """float32 [T, Z, H, W]: strain in per cent, displacement in mm; `OUTSIDE` where there is no wall."""
        from LaMoDCore.heart.spatial import push_forward

        shown = np.full((self._result.numberOfFrames, *self._geometry.shape), self.OUTSIDE, np.float32)
        for k, index in enumerate(self.sliceIndices):
            material = self._material(quantity, k)
            spatial = push_forward(material, self._materialXy[k], self._result.myocardium[k])
            shown[:, index] = np.where(np.isfinite(spatial), spatial, self.OUTSIDE)
        return shown

    @property
    def quantities(self) -> tuple[OverlayQuantity, ...]:
        """What the result holds."""
        return tuple(
            q
            for q in OverlayQuantity
            if q is OverlayQuantity.DISPLACEMENT or (q is not OverlayQuantity.NONE and q.field in self._result.fields)
        )

    def _material(self, quantity: OverlayQuantity, k: int) -> np.ndarray:
        if quantity is OverlayQuantity.DISPLACEMENT:
            return np.linalg.norm(self._result.displacementMm[k], axis=1)
        return 100.0 * self._result.fields[quantity.field][:, k]
