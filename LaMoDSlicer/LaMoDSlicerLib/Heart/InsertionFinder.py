"""Finds the point list in the scene that is the RV insertion of the heart."""

from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Heart.HeartRecord import HeartRecord
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Heart.SeriesFacts import SeriesFacts
from LaMoDSlicerLib.Inputs.InsertionNode import InsertionNode
from LaMoDSlicerLib.Scene import RoleNodes

#: A point that is farther from every wall is not the insertion of this heart, mm.
REACH_MM = 30.0


#: Role of the point list that the field showed last.
_SHOWN = "LaMoD.Insertion"


def follow(parameters: Any) -> None:
    """Notice that a person emptied the field: its point list is not selected again by itself."""
    record, node = HeartRecord(parameters.parameterNode), parameters.parameterNode
    chosen, before = parameters.rvInsertion, node.GetNodeReference(_SHOWN)
    if chosen is before:
        return
    if chosen is None:
        record.dismiss(before)
    else:
        record.welcome(chosen)
    node.SetNodeReferenceID(_SHOWN, chosen.GetID() if chosen is not None else None)


def fill(parameters: Any, series: list[HeartSeries]) -> None:
    """Select the only point list near a wall, unless a person emptied the field."""
    if parameters.rvInsertion is not None:
        return
    dismissed = HeartRecord(parameters.parameterNode).dismissed()
    near = [node for node in _lists() if node.GetID() not in dismissed and isNear(node, series)]
    if len(near) == 1:
        parameters.rvInsertion = near[0]
        follow(parameters)


def state() -> tuple[Any, ...]:
    """Changes when a point list is added, removed or moved."""
    return tuple((node.GetID(), node.GetMTime()) for node in _lists())


def isNear(node: Any, series: list[HeartSeries]) -> bool:
    """Whether the first point of a list is near a wall of the heart."""
    point = InsertionNode(node).sharedLps()
    return point is not None and any(_distanceMm(point, one) <= REACH_MM for one in series)


def _distanceMm(point: np.ndarray, series: HeartSeries) -> float:
    """Distance to the nearest pixel of the wall."""
    facts = SeriesFacts.of(series)
    least = np.inf
    for depth, wall in facts.walls.items():
        j, i = np.nonzero(wall)
        voxels = np.stack([i, j, np.full_like(i, depth), np.ones_like(i)])
        places = (facts.geometry.ijkToLps @ voxels)[:3].T
        least = min(least, float(np.linalg.norm(places - point, axis=1).min()))
    return least


def _lists() -> list[Any]:
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    return [node for node in nodes if not node.GetHideFromEditors() and node.GetAttribute(RoleNodes.ATTRIBUTE) is None]
