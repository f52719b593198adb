"""Landmarks of a long-axis slice as a point list: both annulus points and the apex, at the frame that is shown.

A point that a person moves is stored for its frame, and used instead of the one that the contours give. Deleting the
list restores the landmarks of the contours.
"""

import json
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.LongAxis.LongAxisSlice import LongAxisSlice
from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS

ROLE = "longAxisLandmarks"
#: Attribute: frame, counted from 0 -> [3, 3] LPS mm of the placed points.
_PLACED = "LaMoD.Placed"
#: Attribute: index of the slice in its grid.
_DEPTH = "LaMoD.Depth"
#: Reference: the cine or the masks, whichever arrived first.
_OWNER = "LaMoD.LongAxisSeries"
COLOR = (0.21, 0.88, 0.77)
#: The points of a list in files, where the frame follows, counted from 0.
NAMES = ("annulus", "annulus", "apex")


def find(one: LongAxisSlice) -> Any:
    """The point list of a slice, or None."""
    owners = {node.GetID() for node in (one.series.cine, one.series.masks) if node is not None}
    for node in all():
        if node.GetAttribute(_DEPTH) == str(one.depth) and node.GetNodeReferenceID(_OWNER) in owners:
            return node
    return None


def all() -> list[Any]:
    """Every point list of landmarks."""
    return RoleNodes.all("vtkMRMLMarkupsFiducialNode", ROLE)


def create(one: LongAxisSlice, name: str) -> Any:
    """Add the point list of a slice, with three points whose places follow with `show`."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAttribute(RoleNodes.ATTRIBUTE, ROLE)
    node.SetAttribute(_DEPTH, str(one.depth))
    owner = one.series.cine if one.series.cine is not None else one.series.masks
    node.SetNodeReferenceID(_OWNER, owner.GetID())
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSelectedColor(*COLOR)
    display.SetColor(*COLOR)
    display.SetGlyphScale(2.2)
    display.SetTextScale(2.6)
    display.SetVisibility3D(False)
    for label in (_("MV"), _("MV"), _("apex")):  # mitral valve, a short text that fits into small views
        index = node.AddControlPointWorld(0.0, 0.0, 0.0)
        node.SetNthControlPointLabel(index, label)
    node.SetFixedNumberOfControlPoints(True)
    return node


def show(node: Any, pointsLps: np.ndarray, frame: int) -> None:
    """Move the points of a list [3, 3] to those of a frame without storing them as placed.

    Their descriptions name point and frame, so that LaMoD can read the list from a file: labels are short.
    """
    for index, lps in enumerate(pointsLps):
        ras = (RAS_LPS @ [*lps, 1.0])[:3]
        node.SetNthControlPointPositionWorld(index, *(float(v) for v in ras))
        node.SetNthControlPointDescription(index, f"{NAMES[index]} {frame}")


def keep(node: Any, frame: int) -> None:
    """Store the points of a list as placed by a person at a frame."""
    placed = _stored(node)
    points = []
    for index in range(3):
        ras = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(index, ras)
        points.append((RAS_LPS @ [*ras, 1.0])[:3].tolist())
    placed[str(frame)] = points
    node.SetAttribute(_PLACED, json.dumps(placed, sort_keys=True))


def isPlaced(node: Any) -> bool:
    """Whether a person moved a point of a list."""
    return bool(_stored(node))


def placedIn(one: LongAxisSlice) -> dict[int, np.ndarray]:
    """By frame, counted from 0: [3, 3] LPS mm of the points that a person placed, in the plane of the slice."""
    node = find(one)
    if node is None:
        return {}
    grid = one.grid
    points = {int(frame): np.array(placed, float) for frame, placed in _stored(node).items()}
    return {t: grid.pixel_to_lps(grid.lps_to_pixel(lps)) for t, lps in points.items() if 0 <= t < one.frames}


def _stored(node: Any) -> dict[str, Any]:
    from LaMoDCore.runtime.json_file import parse_json

    try:
        stored = parse_json(node.GetAttribute(_PLACED) or "{}")
    except ValueError:
        return {}
    return stored if isinstance(stored, dict) else {}
