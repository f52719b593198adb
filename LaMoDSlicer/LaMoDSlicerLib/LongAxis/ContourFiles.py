"""Long-axis contours that files contain, as text nodes of the scene: guide points, and curves saved by Slicer.

Each node has the contours of one slice. It belongs to the cine in whose plane they lie, which may arrive later.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene import RoleNodes

ROLE = "longAxisContours"
_ENDOCARDIUM = "LAX_LV_ENDOCARDIAL"


def isContourFile(path: Path) -> bool:
    """Whether a path has contours as points or curves: a guide-point file, a folder of them, or .mrk.json."""
    if path.is_dir():
        return any(path.glob("GPFile*.txt"))
    return path.name.lower().endswith((".txt", ".mrk.json"))


def add(path: Path) -> list[Any]:
    """Add the long-axis contours of a file or folder to the scene; earlier ones of the same file are replaced.

    Returns:
        The text nodes, one per slice.

    Raises:
        LaMoDInputError: the file cannot be read, or has no long-axis contours.
    """
    contents = _curves(path) if path.name.lower().endswith(".json") else _guidePoints(path)
    for node in all():
        if node.GetAttribute("LaMoD.File") == str(path):
            slicer.mrmlScene.RemoveNode(node)
    nodes = []
    for name, content in contents.items():
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", name)
        node.SetAttribute(RoleNodes.ATTRIBUTE, ROLE)
        node.SetAttribute("LaMoD.File", str(path))
        node.SetForceCreateStorageNode(True)
        node.SetText(json.dumps(content))
        nodes.append(node)
    return nodes


def all() -> list[Any]:
    """Every text node with long-axis contours."""
    return RoleNodes.all("vtkMRMLTextNode", ROLE)


def ofPlane(grid: Any) -> Any:
    """The node whose contours lie in a plane, the last one of several, or None.

    Args:
        grid: LaMoDCore SliceGrid.
    """
    inside = [node for node in all() if liesIn(node, grid)]
    return inside[-1] if inside else None


def liesIn(node: Any, grid: Any) -> bool:
    """Whether the contours of a node lie in a plane."""
    from LaMoDCore.io.contours.curves import IN_PLANE_MM

    return bool(np.abs(grid.distance_mm(_pointsOf(node))).max() <= IN_PLANE_MM)


def write(node: Any, folder: Path, name: str) -> Path:
    """Write the contours of a node as LaMoDCore reads them; returns the file or folder."""
    content = json.loads(node.GetText())
    if "markups" in content:
        path = folder / f"{name}.mrk.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path
    path = folder / name
    path.mkdir()
    title = "\t".join(["x", "y", "z", "contour type", "frameID", "weight", "time frame"])
    for frame, kinds in content["points"].items():
        rows = [
            "\t".join([*(repr(v) for v in point), kind, str(content["series"]), "1", str(frame)])
            for kind, points in kinds.items()
            for point in points
        ]
        file = path / f"GPFile_{int(frame):03d}.txt"
        file.write_text("\n".join([title, *rows]) + "\n", encoding="utf-8")
    return path


def _guidePoints(path: Path) -> dict[str, dict[str, Any]]:
    from LaMoDCore.io.contours.guide_points import read_guide_points

    found = {}
    for series, points in sorted(read_guide_points(path).items()):
        frames = {t: kinds for t, kinds in points.points_lps.items() if _ENDOCARDIUM in kinds}
        if frames:
            plain = {t: {kind: lps.tolist() for kind, lps in kinds.items()} for t, kinds in sorted(frames.items())}
            found[_("series {number} contours").format(number=series)] = {"series": series, "points": plain}
    if not found:
        raise InputError(_("“{name}” has no long-axis contours ({kind}).").format(name=path.name, kind=_ENDOCARDIUM))
    return found


def _curves(path: Path) -> dict[str, dict[str, Any]]:
    from LaMoDCore.io.long_axis.markups import read_frames
    from LaMoDCore.runtime.json_file import read_json

    if not any(frame.open or frame.closed for frame in read_frames(path).values()):
        text = _("“{name}” has no curves: draw endocardium and epicardium as open curves.")
        raise InputError(text.format(name=path.name))
    return {path.name.split(".")[0]: dict(read_json(path, "save the curves in Slicer as .mrk.json"))}


#: ID of a node -> its modification time and contour points.
_points: dict[str, tuple[int, np.ndarray]] = {}
_MOST_NODES = 32


def _pointsOf(node: Any) -> np.ndarray:
    """[N, 3] LPS mm: all contour points of a node, read once until it changes."""
    known = _points.get(node.GetID())
    if known is None or known[0] != node.GetMTime():
        if len(_points) >= _MOST_NODES:
            _points.clear()
        known = (node.GetMTime(), _read(node))
        _points[node.GetID()] = known
    return known[1]


def _read(node: Any) -> np.ndarray:
    content = json.loads(node.GetText())
    if "points" in content:
        kinds = [each for frame in content["points"].values() for kind, each in frame.items() if kind == _ENDOCARDIUM]
        return np.concatenate([np.array(points, float) for points in kinds])
    from LaMoDCore.io.contours.markups import positions_lps

    curves = [each for each in content["markups"] if each.get("type") in ("OpenCurve", "ClosedCurve")]
    return np.concatenate([positions_lps(each, each["controlPoints"]) for each in curves])
