from typing import Any

import numpy as np

from LaMoDSlicerLib.Display.RibbonMesh import RibbonMesh
from LaMoDSlicerLib.Inputs.MaskOutline import MaskOutline
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


class DrawnContours:
    """The outlines of the masks from which the motion was predicted.

    They stand in for the segmentation's own display: a slice view reslices that once a segment and frame, which
    takes longer than everything else that is shown together.

    Args:
        myocardium: bool [T, Z, H, W].
        geometry: the masks' grid.
    """

    def __init__(self, myocardium: np.ndarray, geometry: VolumeGeometry) -> None:
        self._myocardium = myocardium
        self._drawn = np.flatnonzero(myocardium.any(axis=(0, 2, 3)))
        self._ijkToLps = np.stack([geometry.sliceIjkToLps(k) for k in self._drawn])

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm."""
        outlines = [MaskOutline.of(self._myocardium[frame, k]) for k in self._drawn]
        return RibbonMesh.ofSlices(outlines, self._ijkToLps)
