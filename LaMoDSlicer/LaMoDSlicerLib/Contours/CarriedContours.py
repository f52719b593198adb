from typing import Any

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.RibbonMesh import RibbonMesh
from LaMoDSlicerLib.Inputs.MaskOutline import MaskOutline


class CarriedContours:
    """The end-diastolic contours, carried to every frame by the motion.

    Args:
        motion: carries them.
    """

    def __init__(self, motion: MaterialMotion) -> None:
        self._motion = motion
        self._outlines = [MaskOutline.of(mask) for mask in motion.myocardium]

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm."""
        carried = [
            self._motion.carried(outline.reshape(-1, 2), k, frame).reshape(-1, 2, 2)
            for k, outline in enumerate(self._outlines)
        ]
        return RibbonMesh.ofSlices(carried, self._motion.ijkToLps)
