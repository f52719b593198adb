"""Points along a drawn septum: a curve markup or a segment with “septum” in its name."""

from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS

WORD = "septum"


def find(contours: Any, frame: int) -> np.ndarray | None:
    """[N, 3] LPS mm, or None if no septum was drawn.

    Args:
        contours: the ContourSlices.
        frame: end-diastole.
    """
    points = _ofCurve()
    return points if points is not None else _ofSegment(contours, frame)


def _ofCurve() -> np.ndarray | None:
    for node in slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode"):
        if WORD in node.GetName().lower() and node.GetNumberOfControlPoints() >= 3:
            ras = slicer.util.arrayFromMarkupsControlPoints(node, world=True)
            return ras * np.diag(RAS_LPS)[:3]
    return None


def _ofSegment(contours: Any, frame: int) -> np.ndarray | None:
    for choice, name in contours.source.choices().items():
        if WORD in name.lower() and "myo" not in name.lower():
            mask = contours.source.maskOf(choice, frame, contours.frames.geometry)
            k, j, i = np.nonzero(mask)
            if len(i) >= 3:
                ijk = np.stack([i, j, k, np.ones_like(i)])
                return (contours.frames.geometry.ijkToLps @ ijk)[:3].T
    return None
