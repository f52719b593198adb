import numpy as np

from LaMoDSlicerLib.Display.Quantities import OverlayQuantity
from LaMoDSlicerLib.Results.ResultStack import ResultStack
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


class SpatialFields:
    """The fields of a result on the deformed wall of each frame, in display units.

    Args:
        result: fields on the end-diastolic wall.
        geometry: the volume on which they are shown.
    """

    #: Value of voxels outside the wall. Not NaN, because Slicer's nearest colour lookup paints NaN.
    OUTSIDE = -1000.0

    def __init__(self, result: ResultStack, geometry: VolumeGeometry) -> None:
        from LaMoDCore.heart.spatial import material_coordinates

        self._result, self._geometry = result, geometry
        motion = result.motion
        self.sliceIndices = [geometry.sliceIndexOf(affine) for affine in motion.ijkToLps]
        self._materialXy = [
            material_coordinates(motion.displacementMm[k], motion.myocardium[k], motion.spacingMm(k))
            for k in range(motion.numberOfSlices)
        ]

    def of(self, quantity: OverlayQuantity) -> np.ndarray:
        """float32 [T, Z, H, W]: strain in per cent, displacement in mm; `OUTSIDE` outside the wall."""
        from LaMoDCore.heart.spatial import push_forward

        motion = self._result.motion
        shown = np.full((motion.numberOfFrames, *self._geometry.shape), self.OUTSIDE, np.float32)
        for k, index in enumerate(self.sliceIndices):
            material = self._material(quantity, k)
            spatial = push_forward(material, self._materialXy[k], motion.myocardium[k])
            shown[:, index] = np.where(np.isfinite(spatial), spatial, self.OUTSIDE)
        return shown

    @property
    def quantities(self) -> tuple[OverlayQuantity, ...]:
        """The quantities that the result contains."""
        return tuple(
            q
            for q in OverlayQuantity
            if q is OverlayQuantity.DISPLACEMENT or (q is not OverlayQuantity.NONE and q.field in self._result.fields)
        )

    def material(self) -> dict[str, np.ndarray]:
        """[T, Z, H, W] of each quantity on the end-diastolic wall, by the quantity's value."""
        slices = range(self._result.motion.numberOfSlices)
        return {q.value: np.stack([self._material(q, k) for k in slices], axis=1) for q in self.quantities}

    def _material(self, quantity: OverlayQuantity, k: int) -> np.ndarray:
        if quantity is OverlayQuantity.DISPLACEMENT:
            return np.linalg.norm(self._result.motion.displacementMm[k], axis=1)
        return 100.0 * self._result.fields[quantity.field][:, k]
