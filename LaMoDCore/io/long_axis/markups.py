"""Long-axis contours as Slicer markups (.mrk.json): open curves, closed curves, and points of annulus and apex.

Curves are named by contour and frame ("endo 0", "epi 0"). Open curves run along the wall from annulus to annulus.
Closed curves are the outlines of blood pool and ventricle, both closed along the valve. Points of a point list are
named "annulus 0" (two per frame) and "apex 0".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.checks import annulus_fault
from LaMoDCore.heart.long_axis.open_curve import through
from LaMoDCore.heart.long_axis.wall_lines import WallLines, wall_lines
from LaMoDCore.io.contours.curves import IN_PLANE_MM, FrameCurves, masks_of_curves
from LaMoDCore.io.contours.markups import contour_kind
from LaMoDCore.io.files.timing import timing_of
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.long_axis.drawn import DrawnView
from LaMoDCore.io.long_axis.masks import lines_of_mask
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json

#: Limits of a curve: number of points, and distance from the origin of the patient's coordinates.
_MOST_POINTS, _FARTHEST_MM = 5000, 1e5
#: Curves with more points were traced, not drawn by control points.
_MOST_CONTROL_POINTS = 30
_FEWEST_POINTS = 3
_ANNULUS = re.compile(r"annul|mitral|valve", re.IGNORECASE)
_APEX = re.compile(r"apex", re.IGNORECASE)
_REMEDY = "save the curves in Slicer as .mrk.json"


@dataclass
class _Frame:
    """What a file holds of one frame, LPS mm."""

    open: dict[str, Array] = field(default_factory=dict)
    closed: dict[str, Array] = field(default_factory=dict)
    annulus: list[Array] = field(default_factory=list)
    apex: Array | None = None


def read_curves(path: Path, cines: Sequence[FrameStack], rr_ms: float | None = None) -> DrawnView:
    """The long-axis slice of a markups file, on the cine in its plane.

    Raises:
        LaMoDInputError: the file is not readable, or curves are missing or do not fit.
    """
    frames = _frames(path)
    every = [p for f in frames.values() for p in (*f.open.values(), *f.closed.values())]
    if not every:
        raise LaMoDInputError(
            path, "it contains no open or closed curve", "draw endocardium and epicardium as open curves"
        )
    points = np.concatenate(every)
    near = [cine for cine in cines if np.abs(cine.slice_grid(0).distance_mm(points)).max() <= IN_PLANE_MM]
    if not near:
        reason = "its curves lie in the plane of no cine" if cines else "it has no pixel grid"
        raise LaMoDInputError(path, reason, "give the long-axis cine on which they were drawn")
    cine = near[0]
    lines = {t: _lines(each, t, cine, path) for t, each in sorted(frames.items()) if each.open or each.closed}
    beyond = [t for t in lines if not 0 <= t < cine.frames.shape[0]]
    if beyond:
        raise LaMoDInputError(
            path,
            f"it has contours of frame {beyond[0]}, but the cine has {cine.frames.shape[0]} frames",
            "give the cine of the contours",
        )
    timing = timing_of(cine, None, path, rr_ms)
    images = np.ascontiguousarray(cine.frames[:, 0], dtype=np.float32)
    name = path.name.split(".")[0]
    return DrawnView(name, cine.slice_grid(0), lines, timing.frame_times_ms, timing.rr_ms, images)


def _frames(path: Path) -> dict[int, _Frame]:
    try:
        markups = read_json(path, _REMEDY)["markups"]
        frames: dict[int, _Frame] = {}
        for markup in markups:
            kind, name = markup.get("type"), str(markup.get("name") or path.name.split(".")[0])
            if kind in ("OpenCurve", "ClosedCurve"):
                contour = contour_kind(name)
                if contour is None:
                    raise LaMoDInputError(
                        path, f"the name '{name}' contains neither endo nor epi", "name it “endo 0” or “epi 0”"
                    )
                target = frames.setdefault(_frame(name), _Frame())
                curves = target.open if kind == "OpenCurve" else target.closed
                curves[contour] = _positions(markup, markup["controlPoints"])
            elif kind == "Fiducial":
                for point in markup["controlPoints"]:
                    label = str(point.get("label") or name)
                    place = _positions(markup, [point])
                    target = frames.setdefault(_frame(label), _Frame())
                    if _APEX.search(label) and len(place):
                        target.apex = place[0]
                    elif _ANNULUS.search(label) and len(place):
                        target.annulus.append(place[0])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LaMoDInputError(path, "it is not a markups file", _REMEDY) from error
    return frames


def _frame(name: str) -> int:
    numbers = re.findall(r"\d+", name)
    return int(numbers[-1][:9]) if numbers else 0


def _positions(markup: Mapping[str, Any], control: Sequence[Mapping[str, Any]]) -> Array:
    points = np.array([p["position"] for p in control if p.get("positionStatus") != "undefined"])
    points = points.reshape(-1, 3).astype(np.float64)
    if not np.isfinite(points).all() or len(points) > _MOST_POINTS or np.abs(points).max(initial=0) > _FARTHEST_MM:
        raise ValueError("its points are not finite positions in a patient")
    if str(markup.get("coordinateSystem", "LPS")).upper() == "RAS":
        points[:, :2] *= -1
    return points


def _lines(drawn: _Frame, frame: int, cine: FrameStack, path: Path) -> WallLines:
    curves = drawn.open or drawn.closed
    if len(curves) < 2:
        missing = "epicardium" if "endo" in curves else "endocardium"
        raise LaMoDInputError(path, f"frame {frame} has no {missing}", "draw both contours of a frame")
    short = [name for name, points in curves.items() if len(points) < _FEWEST_POINTS]
    if short:
        raise LaMoDInputError(
            path, f"the {short[0]}cardium of frame {frame} has {len(curves[short[0]])} points", "draw at least three"
        )
    grid = cine.slice_grid(0)
    scale = np.array(grid.spacing_mm)
    annulus = None
    if not drawn.open:
        masks = masks_of_curves({0: FrameCurves(curves["endo"], curves["epi"])}, 1, grid, path.name)
        lines = lines_of_mask(masks[0][0], grid.spacing_mm, frame, path)
        endo, epi, traced = lines.endo_mm, lines.epi_mm, True
    else:
        endo, epi = (grid.lps_to_pixel(curves[name]) * scale for name in ("endo", "epi"))
        traced = max(len(endo), len(epi)) > _MOST_CONTROL_POINTS
        if not traced:
            endo, epi = through(endo), through(epi)
    if drawn.annulus:
        annulus = grid.lps_to_pixel(np.stack(drawn.annulus)) * scale
        fault = annulus_fault(endo, annulus)
        if fault:
            raise LaMoDInputError(path, f"frame {frame}: {fault}", "place two annulus points and the apex")
    apex = None if drawn.apex is None else grid.lps_to_pixel(drawn.apex) * scale
    if not drawn.open and annulus is None and apex is None:
        return lines
    return wall_lines(endo, epi, annulus_mm=annulus, apex_mm=apex, traced=traced)
