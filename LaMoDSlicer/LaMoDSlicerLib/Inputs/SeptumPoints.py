from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS


class SeptumPoints:
    """Points along the septum that somebody drew: a curve markup, or a segment, whose name says so."""

    WORD = "septum"

    @classmethod
    def find(cls, contours: Any, frame: int) -> np.ndarray | None:
        """[N, 3] LPS mm, or None where no septum was drawn.

        Args:
            contours: the ContourSlices.
            frame: end-diastole.
        """
        points = cls._ofCurve()
        return points if points is not None else cls._ofSegment(contours, frame)

    @classmethod
    def _ofCurve(cls) -> np.ndarray | None:
        for node in slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode"):
            if cls.WORD in node.GetName().lower() and node.GetNumberOfControlPoints() >= 3:
                ras = slicer.util.arrayFromMarkupsControlPoints(node, world=True)
                return ras * np.diag(RAS_LPS)[:3]
        return None

    @classmethod
    def _ofSegment(cls, contours: Any, frame: int) -> np.ndarray | None:
        for choice, name in contours.source.choices().items():
            if cls.WORD in name.lower() and "myo" not in name.lower():
                mask = contours.source.maskOf(choice, frame, contours.frames.geometry)
                k, j, i = np.nonzero(mask)
                if len(i) >= 3:
                    ijk = np.stack([i, j, k, np.ones_like(i)])
                    return (contours.frames.geometry.ijkToLps @ ijk)[:3].T
        return None
