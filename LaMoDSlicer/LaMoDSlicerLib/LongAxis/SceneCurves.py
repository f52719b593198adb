"""Long-axis contours that a person draws in Slicer as open or closed curves, named “endo 0”, “epi 0”, “endo 9” …

The number is the frame, counted from 0, as in files of such curves.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS

_CLASSES = {"vtkMRMLMarkupsCurveNode": "OpenCurve", "vtkMRMLMarkupsClosedCurveNode": "ClosedCurve"}


def ofPlane(grid: Any) -> list[Any]:
    """The curves of the left ventricle that lie in a plane.

    Args:
        grid: LaMoDCore SliceGrid.
    """
    from LaMoDCore.io.contours.curves import IN_PLANE_MM
    from LaMoDCore.io.contours.markups import contour_kind

    found = []
    for node in slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode"):
        if node.GetClassName() not in _CLASSES or node.GetAttribute(RoleNodes.ATTRIBUTE) is not None:
            continue
        points = pointsOf(node)
        isDrawn = len(points) > 2 and contour_kind(node.GetName() or "") is not None
        if isDrawn and np.abs(grid.distance_mm(points)).max() <= IN_PLANE_MM:
            found.append(node)
    return found


def pointsOf(node: Any) -> np.ndarray:
    """[N, 3] LPS mm: the placed control points of a markup."""
    points = []
    for i in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(i) == node.PositionDefined:
            ras = [0.0, 0.0, 0.0]
            node.GetNthControlPointPositionWorld(i, ras)
            points.append((RAS_LPS @ [*ras, 1.0])[:3])
    return np.array(points, float).reshape(-1, 3)


def write(nodes: list[Any], folder: Path, name: str) -> Path:
    """Write curves to a file that LaMoDCore reads; returns it."""
    markups = [
        {
            "type": _CLASSES[node.GetClassName()],
            "coordinateSystem": "LPS",
            "name": node.GetName(),
            "controlPoints": [{"position": point} for point in pointsOf(node).tolist()],
        }
        for node in nodes
    ]
    path = folder / f"{name}.mrk.json"
    path.write_text(json.dumps({"markups": markups}), encoding="utf-8")
    return path
