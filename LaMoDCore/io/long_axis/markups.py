"""Long-axis contours as Slicer markups (.mrk.json): open curves, closed curves, and points of annulus and apex.

Curves are named by contour and frame ("endo 0", "epi 0"). Open curves run along the wall from annulus to annulus.
Closed curves are the outlines of blood pool and ventricle, both closed along the valve. Points of a point list are
labelled "annulus 0" (two per frame) and "apex 0"; points with Slicer's own labels belong to a list of such a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.checks import annulus_fault, apex_fault
from LaMoDCore.heart.long_axis.open_curve import through
from LaMoDCore.heart.long_axis.wall_lines import WallLines, wall_lines
from LaMoDCore.heart.notes import Note
from LaMoDCore.io.contours.curves import FrameCurves, masks_of_curves
from LaMoDCore.io.contours.drawn_cine import cine_of_contours
from LaMoDCore.io.contours.markups import contour_kind, frame_in_name, positions_lps, refuse_twice
from LaMoDCore.io.files.timing import timing_of
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.long_axis.drawn import DrawnView
from LaMoDCore.io.long_axis.masks import lines_of_mask
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json

#: Curves with more points were traced, not drawn by control points.
_MOST_CONTROL_POINTS = 30
_FEWEST_POINTS = 3
_ANNULUS = re.compile(r"annul|mitral|valve", re.IGNORECASE)
_APEX = re.compile(r"apex", re.IGNORECASE)
_DESCRIBED = re.compile(r"(annulus|apex) \d+")
_REMEDY = "save the curves in Slicer as .mrk.json"


@dataclass
class DrawnFrame:
    """What a file holds of one frame, LPS mm; `others` are the labels of points that are neither annulus nor apex."""

    open: dict[str, Array] = field(default_factory=dict)
    closed: dict[str, Array] = field(default_factory=dict)
    annulus: list[Array] = field(default_factory=list)
    apex: Array | None = None
    others: list[str] = field(default_factory=list)


def read_curves(path: Path, cines: Sequence[FrameStack], notes: list[Note], rr_ms: float | None = None) -> DrawnView:
    """The long-axis slice of a markups file, on the cine in its plane.

    Raises:
        LaMoDInputError: the file is not readable, or curves are missing or do not fit.
    """
    frames = read_frames(path)
    every = [p for f in frames.values() for p in (*f.open.values(), *f.closed.values())]
    if not every:
        raise LaMoDInputError(
            path, "it contains no open or closed curve", "draw endocardium and epicardium as open curves"
        )
    points = np.concatenate(every)
    cine, more = cine_of_contours(points, [t for t, each in frames.items() if each.open or each.closed], cines)
    if cine is None:
        reason = "its curves lie in the plane of no cine" if cines else "it has no pixel grid"
        raise LaMoDInputError(path, reason, "give the long-axis cine on which they were drawn")
    notes += more
    lines = {t: _lines(each, t, cine, path) for t, each in sorted(frames.items()) if each.open or each.closed}
    alone = [t for t, each in sorted(frames.items()) if t not in lines and (each.annulus or each.apex is not None)]
    if alone:
        raise LaMoDInputError(
            path,
            f"frame {alone[0]} has points of the annulus or the apex, but no curves",
            "draw its curves, or name the points by the frame of their curves, as in “annulus 0”",
        )
    beyond = [t for t in lines if not 0 <= t < cine.frames.shape[0]]
    if beyond:
        raise LaMoDInputError(
            path,
            f"it has contours of frame {beyond[0]}, but the cine has {cine.frames.shape[0]} frames",
            "give the cine of the contours",
        )
    timing = timing_of(cine, None, path, rr_ms)
    notes += timing.notes
    images = np.ascontiguousarray(cine.frames[:, 0], dtype=np.float32)
    name = path.name.split(".")[0]
    return DrawnView(
        name, cine.slice_grid(0), lines, timing.frame_times_ms, timing.rr_ms, images, located=cine.is_located
    )


def read_frames(path: Path) -> dict[int, DrawnFrame]:
    """What a markups file holds of each frame, counted from 0.

    Raises:
        LaMoDInputError: it is not a markups file, a curve is named for neither contour, or two are named for the same
            contour and frame.
    """
    try:
        markups = read_json(path, _REMEDY)["markups"]
        frames: dict[int, DrawnFrame] = {}
        names: dict[tuple[str, int], str] = {}
        for markup in markups:
            kind, name = markup.get("type"), str(markup.get("name") or path.name.split(".")[0])
            if kind in ("OpenCurve", "ClosedCurve"):
                contour = contour_kind(name)
                if contour is None:
                    raise LaMoDInputError(
                        path, f"the name '{name}' contains neither endo nor epi", "name it “endo 0” or “epi 0”"
                    )
                refuse_twice(names, contour, name, path)
                target = frames.setdefault(frame_in_name(name), DrawnFrame())
                curves = target.open if kind == "OpenCurve" else target.closed
                curves[contour] = positions_lps(markup, markup["controlPoints"])
            elif kind == "Fiducial":
                for point in markup["controlPoints"]:
                    label = _label(point, name)
                    place = positions_lps(markup, [point])
                    if _APEX.search(label) and len(place):
                        refuse_twice(names, "apex", label, path)
                        frames.setdefault(frame_in_name(label), DrawnFrame()).apex = place[0]
                    elif _ANNULUS.search(label) and len(place):
                        frames.setdefault(frame_in_name(label), DrawnFrame()).annulus.append(place[0])
                    elif len(place):
                        own = str(point.get("label") or name)
                        frames.setdefault(frame_in_name(label), DrawnFrame()).others.append(own)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LaMoDInputError(path, "it is not a markups file", _REMEDY) from error
    return frames


def _label(point: Mapping[str, Any], name: str) -> str:
    """What a point is and its frame: its label, or the list's name where Slicer made the label of name and number.

    Points that LaMoD shows in Slicer have short labels, and this text as their description.
    """
    described = str(point.get("description") or "")
    if _DESCRIBED.fullmatch(described):
        return described
    label = str(point.get("label") or name)
    is_default = label.startswith(f"{name}-") and label[len(name) + 1 :].isdecimal()
    return name if is_default or not (_APEX.search(label) or _ANNULUS.search(label)) else label


def _lines(drawn: DrawnFrame, frame: int, cine: FrameStack, path: Path) -> WallLines:
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
    annulus = None if not drawn.annulus else grid.lps_to_pixel(np.stack(drawn.annulus)) * scale
    apex = None if drawn.apex is None else grid.lps_to_pixel(drawn.apex) * scale
    if not drawn.open:
        masks = masks_of_curves({0: FrameCurves(curves["endo"], curves["epi"])}, 1, grid, path.name)
        lines = lines_of_mask(masks[0][0], grid.spacing_mm, frame, path)
        endo, epi, traced = lines.endo_mm, lines.epi_mm, True
    else:
        endo, epi = (grid.lps_to_pixel(curves[name]) * scale for name in ("endo", "epi"))
        traced = max(len(endo), len(epi)) > _MOST_CONTROL_POINTS
        if not traced:
            endo, epi = through(endo), through(epi)
    fault = "" if annulus is None else annulus_fault(endo, annulus)
    if not fault and apex is not None:
        fault = apex_fault(endo, epi, apex)
    if fault:
        raise LaMoDInputError(path, f"frame {frame}: {fault}", "place two annulus points and the apex")
    if not drawn.open and annulus is None and apex is None:
        return lines
    return wall_lines(endo, epi, annulus_mm=annulus, apex_mm=apex, traced=traced)
