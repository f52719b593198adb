"""Reads the long-axis slices of series from the scene, once until their nodes change."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart import SeriesFacts
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Inputs import FrameMask
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.LongAxis import ContourFiles, SceneCurves, WallMasks
from LaMoDSlicerLib.LongAxis.LongAxisSlice import LongAxisSlice
from LaMoDSlicerLib.LongAxis.ViewNames import VIEWS
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Widgets import Numbering

_cache: dict[Any, tuple[Any, list[LongAxisSlice]]] = {}
_MOST_SERIES = 32


def of(series: HeartSeries) -> list[LongAxisSlice]:
    """The slices of a long-axis series: those with contours, or all without any."""
    key = tuple(node.GetID() if node is not None else "" for node in (series.cine, series.masks))
    state = stateOf(series)
    known = _cache.get(key)
    if known is None or known[0] != state:
        if len(_cache) >= _MOST_SERIES:
            _cache.clear()
        known = (state, _read(series))
        _cache[key] = known
    return [replace(each, series=series) for each in known[1]]


def stateOf(series: HeartSeries) -> Any:
    """Changes with everything that `of` reads, but not with the frame that is shown."""
    return SeriesFacts.stateOf(series), contoursState()


def contoursState() -> Any:
    """Changes when contours of files or curves in the scene change."""
    files = tuple((node.GetID(), node.GetMTime()) for node in ContourFiles.all())
    curves = slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode")
    return files, tuple((node.GetID(), node.GetName(), SceneCurves.pointsOf(node).tobytes()) for node in curves)


def split(series: list[HeartSeries]) -> tuple[list[HeartSeries], list[HeartSeries]]:
    """The short-axis and the long-axis series."""
    grids = {id(one): gridOf(one) for one in series}
    long = [one for one in series if _isLongAxis(one, grids)]
    return [one for one in series if one not in long], long


def gridOf(series: HeartSeries) -> Any:
    """The LaMoDCore SliceGrid of the middle slice, or None."""
    from LaMoDCore.heart.geometry import SliceGrid

    try:
        geometry = _geometryOf(series)
    except (InputError, AttributeError):  # no images, or none that can be read
        return None
    return SliceGrid(geometry.shape[1:], geometry.sliceIjkToLps(geometry.shape[0] // 2))


#: Planes of short and long axis are perpendicular up to this cosine between their normals (60°).
_ACROSS = 0.5


def _geometryOf(series: HeartSeries) -> VolumeGeometry:
    if series.cine is not None:
        return CineSource(series.cine).geometry()
    return FrameMask.geometryOf(FrameSequence(series.masks).frames())


def _isLongAxis(series: HeartSeries, grids: dict[int, Any]) -> bool:
    """By a chosen view or level, then by the plane; where that is oblique, by contours and the other series."""
    from LaMoDCore.heart.geometry import MIN_AXIS_COSINE, SHORT_AXIS_COSINE

    chosen, grid = set(series.levels.values()), grids[id(series)]
    if chosen or grid is None:
        return bool(chosen & set(VIEWS))
    cosine = abs(grid.axis_cosine)
    if cosine > SHORT_AXIS_COSINE or cosine < MIN_AXIS_COSINE:
        return cosine < MIN_AXIS_COSINE
    if series.cine is not None and (ContourFiles.ofPlane(grid) is not None or SceneCurves.ofPlane(grid)):
        return True
    if series.masks is not None:
        return _isOpenWall(series)
    others = [other for other in grids.values() if other is not None]
    short = [other for other in others if abs(other.axis_cosine) > SHORT_AXIS_COSINE]
    return any(abs(float(grid.normal @ other.normal)) < _ACROSS for other in short)


#: State of masks -> whether they show a wall that is open at the base.
_openWalls: dict[Any, bool] = {}


def _isOpenWall(series: HeartSeries) -> bool:
    frames = FrameSequence(series.masks).frames()
    state = tuple((FrameMask.identity(frame), FrameMask.modificationTimes(frame)) for frame in frames)
    if state not in _openWalls:
        if len(_openWalls) >= _MOST_SERIES:
            _openWalls.clear()
        _openWalls[state] = _showsOpenWall(series)
    return _openWalls[state]


def _showsOpenWall(series: HeartSeries) -> bool:
    try:
        own = FrameMask.geometryOf(FrameSequence(series.masks).frames())
        spacing = WallMasks.spacingOf(own)
        walls = [WallMasks.read(series.masks, own, depth)[1] for depth in range(own.shape[0])]
    except InputError:
        return False
    return all(WallMasks.isOpen(wall, spacing) for wall in walls)


def _read(series: HeartSeries) -> list[LongAxisSlice]:
    try:
        geometry = _geometryOf(series)
        images = CineSource(series.cine) if series.cine is not None else None
        if images is not None:
            images.check()
    except (InputError, AttributeError) as error:
        return [LongAxisSlice(series, 0, None, problem=str(error))]
    timed = images.timesMs() if images is not None else FrameSequence(series.masks).timesMs()
    frames = images.numberOfFrames() if images is not None else len(FrameSequence(series.masks).frames())
    rr = SeriesFacts.storedRr(series)
    found = [_slice(LongAxisSlice(series, k, geometry, frames, timed, rr), images) for k in range(geometry.shape[0])]
    found = [replace(each, problem=each.problem or _missingFrames(each)) for each in found]
    drawn = [each for each in found if each.hasContours]
    return drawn or found


def _missingFrames(one: LongAxisSlice) -> str:
    """Why contours of some frames cannot be carried to the others; empty if they can, or if none is missing."""
    from LaMoDCore.io.long_axis.drawn import PARTIAL_SHARE

    missing = [t for t in range(one.frames) if t not in one.lines]
    if not one.lines or not missing:
        return ""
    if len(missing) <= PARTIAL_SHARE * one.frames:
        text = _("There are no contours at {frames}: draw them, or do not use this slice.")
        return text.format(frames=Numbering.frames(missing))
    if one.series.cine is None:
        text = _("There are contours at {frames} only: add the cine with the motion of the wall, or draw all frames.")
        return text.format(frames=Numbering.frames(one.lines))
    if len(one.lines) < 2:
        text = _("There are contours at {frames} only: draw them at end-diastole and end-systole, or at all frames.")
        return text.format(frames=Numbering.frames(one.lines))
    return ""


def _slice(one: LongAxisSlice, images: CineSource | None) -> LongAxisSlice:
    """A slice with its contours: those of files, then masks, then curves."""
    holder = ContourFiles.ofPlane(one.grid) if images is not None else None
    try:
        if holder is not None:
            return _withHolders(one, (holder,), images)
        if one.series.masks is not None:
            return _withMasks(one, images)
        curves = SceneCurves.ofPlane(one.grid) if images is not None else []
        return _withHolders(one, tuple(curves), images) if curves else one
    except InputError as error:
        return replace(one, problem=str(error))


def _withMasks(one: LongAxisSlice, images: CineSource | None) -> LongAxisSlice:
    geometry = one.geometry if images is not None else None
    try:
        _grid, wall = WallMasks.read(one.series.masks, geometry, one.depth)
    except InputError as error:
        return replace(one, problem=str(error))
    one = replace(one, wall=wall)
    if len(wall) != one.frames:
        text = _("The cine has {cine} frames and the masks have {masks}.").format(cine=one.frames, masks=len(wall))
        return replace(one, problem=text)
    try:
        return replace(one, lines=WallMasks.linesOf(wall, WallMasks.spacingOf(one.geometry)))
    except InputError as error:
        return replace(one, problem=str(error))


def _withHolders(one: LongAxisSlice, holders: tuple[Any, ...], images: CineSource) -> LongAxisSlice:
    """The slice with points or curves, as LaMoDCore reads them."""
    from LaMoDCore.io.images.frame_stack import FrameStack
    from LaMoDCore.io.long_axis.guide_points import read_long_axis_points
    from LaMoDCore.io.long_axis.markups import read_curves
    from LaMoDCore.runtime.errors import LaMoDInputError

    one = replace(one, holders=holders)
    affine = one.geometry.sliceIjkToLps(one.depth)
    empty = np.zeros((one.frames, 1, *one.geometry.shape[1:]), np.uint8)  # the lines do not depend on the images
    stack = FrameStack(one.series.name, empty, affine, one.timesMs)
    try:
        with tempfile.TemporaryDirectory(prefix="LaMoD-long-axis-", dir=slicer.app.temporaryPath) as folder:
            path = one.writeContours(Path(folder), "contours")
            drawn = read_curves(path, [stack], []) if path.is_file() else read_long_axis_points(path, [stack], [])[0]
        return replace(one, lines=dict(drawn.lines))
    except LaMoDInputError as error:
        reason = Numbering.fromOne(error.reason)
        return replace(one, problem=f"{Numbering.capitalized(reason)}: {error.remedy}.")
