"""Read 3D Slicer's closed-curve markups (.mrk.json, markups schema v1.0.x)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.contours.curves import FrameCurves
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json

#: Limits of a contour: number of points, and distance from the origin of the patient's coordinates.
_MOST_POINTS, _FARTHEST_MM = 5000, 1e5
_ENDO = re.compile(r"endo|cavity|\blv\b|blood", re.IGNORECASE)
_RIGHT = re.compile(r"right|\brv\b|^rv", re.IGNORECASE)
_EPI = re.compile(r"epi|outer|myo", re.IGNORECASE)
_WORDS = {"endo": "endocardium", "epi": "epicardium"}


@dataclass(frozen=True, eq=False)
class ClosedCurve:
    """A closed curve: name, and control points [N, 3] in LPS mm."""

    name: str
    points_lps: Array


def read_closed_curves(path: str | Path) -> tuple[ClosedCurve, ...]:
    """Read the closed curves of a markups file.

    Raises:
        LaMoDInputError: it is not a markups file, or contains no closed curve.
    """
    path = Path(path)
    try:
        content = read_json(path, "save the curve in Slicer as .mrk.json")
        markups = content["markups"]
        curves = tuple(_curve(m, path) for m in markups if m.get("type") == "ClosedCurve")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LaMoDInputError(path, "it is not a markups file", "save the curve in Slicer as .mrk.json") from error
    if not curves:
        raise LaMoDInputError(path, "it contains no closed curve", "draw endocardium and epicardium as closed curves")
    return curves


def _curve(markup: Mapping[str, Any], path: Path) -> ClosedCurve:
    points = positions_lps(markup, markup["controlPoints"])
    name = markup.get("name") or path.name.removesuffix(".json").removesuffix(".mrk")
    return ClosedCurve(str(name), points)


def positions_lps(markup: Mapping[str, Any], control: Sequence[Mapping[str, Any]]) -> Array:
    """Positions [N, 3] of the placed points among control points of a markup, LPS mm.

    Raises:
        ValueError: they are not finite positions in a patient, or too many.
    """
    points = np.array([p["position"] for p in control if p.get("positionStatus") != "undefined"])
    points = points.reshape(-1, 3).astype(np.float64)
    if not np.isfinite(points).all() or len(points) > _MOST_POINTS or np.abs(points).max(initial=0) > _FARTHEST_MM:
        raise ValueError("its points are not finite positions in a patient")
    if str(markup.get("coordinateSystem", "LPS")).upper() == "RAS":
        points[:, :2] *= -1
    return points


def frame_in_name(name: str) -> int:
    """The frame that the last number of a name gives, as in "endo 3"; 0 without a number."""
    numbers = re.findall(r"\d+", name)
    return int(numbers[-1][:9]) if numbers else 0


def contour_kind(name: str) -> str | None:
    """``endo`` or ``epi`` by the name of a contour of the left ventricle; None if it is neither, or the right one's."""
    if _RIGHT.search(name):
        return None
    if re.search("endo", name, re.IGNORECASE):
        return "endo"
    return "epi" if _EPI.search(name) else "endo" if _ENDO.search(name) else None


def refuse_twice(names: dict[tuple[str, int], str], what: str, name: str, source: str | Path) -> None:
    """Record the name of a drawn object by what it is and its frame, and refuse a second one.

    Args:
        names: of the objects so far, changed in place.
        what: endo, epi or another kind.
        name: gives the frame.
        source: the file.

    Raises:
        LaMoDInputError: there are two of one kind on one frame, as with "endo" and its copy "endo Copy".
    """
    key = what, frame_in_name(name)
    if key in names:
        raise LaMoDInputError(
            source,
            f"“{names[key]}” and “{name}” are both the {_WORDS.get(what, what)} of frame {key[1]}",
            "remove one of them, or name it by its frame, as in “endo 3”",
        )
    names[key] = name


def curves_by_frame(curves: Sequence[ClosedCurve], source: str) -> dict[int, FrameCurves]:
    """Pair endocardium and epicardium of each frame by name: "endo 3" and "epi 3", or "endo" and "epi" for frame 0.

    Raises:
        LaMoDInputError: a name identifies neither contour, or one contour of a frame is missing.
    """
    found: dict[int, dict[str, Array]] = {}
    names: dict[tuple[str, int], str] = {}
    for curve in curves:
        kind = contour_kind(curve.name)
        if kind is None:
            raise LaMoDInputError(
                source, f"the name '{curve.name}' contains neither endo nor epi", "name it “endo 0” or “epi 0”"
            )
        refuse_twice(names, kind, curve.name, source)
        found.setdefault(frame_in_name(curve.name), {})[kind] = curve.points_lps
    alone = [t for t, pair in found.items() if len(pair) < 2]
    if alone:
        missing = "epicardium" if "endo" in found[alone[0]] else "endocardium"
        raise LaMoDInputError(source, f"frame {alone[0]} has no {missing}", "draw both contours of a frame")
    return {t: FrameCurves(pair["endo"], pair["epi"]) for t, pair in sorted(found.items())}
