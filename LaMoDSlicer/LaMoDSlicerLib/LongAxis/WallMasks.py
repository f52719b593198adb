"""The open wall in the masks of a long-axis slice."""

import hashlib
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs import FrameMask
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: Frames whose shape is examined to find the wall among several labels.
_EXAMINED = 3
#: (mask, spacing) -> WallLines, or the text of an error.
_lines: dict[Any, Any] = {}
_MOST_LINES = 2000


def read(masksNode: Any, geometry: VolumeGeometry | None, depth: int) -> tuple[VolumeGeometry, np.ndarray]:
    """The grid, and bool [T, H, W]: the wall of one slice, resampled to a grid.

    Args:
        masksNode: segmentation or labelmap.
        geometry: grid of the cine; None for the masks' own grid.
        depth: index of the slice in the grid.

    Raises:
        InputError: the wall cannot be identified.
    """
    source = MaskSource(masksNode)
    frames = source.sequence.frames()
    geometry = geometry or FrameMask.geometryOf(frames)
    wanted = _chosen(source)
    choices = [wanted] if wanted else list(source.choices())
    found = {c: np.stack([source.maskOf(c, t, geometry)[depth] for t in range(len(frames))]) for c in choices}
    drawn = {choice: wall for choice, wall in found.items() if wall.any()}
    if not drawn:
        raise InputError(_("“{name}” has no myocardium in this slice.").format(name=masksNode.GetName()))
    if len(drawn) > 1:
        spacing = spacingOf(geometry)
        drawn = {choice: wall for choice, wall in drawn.items() if isOpen(wall, spacing)}
    if len(drawn) != 1:
        text = _("Select the myocardium of “{name}”: it cannot be identified by name or shape.")
        raise InputError(text.format(name=masksNode.GetName()))
    return geometry, next(iter(drawn.values()))


def _chosen(source: MaskSource) -> str:
    """The myocardium by choice of a person or by its name; empty if it is to be found by shape."""
    choices = source.choices()
    name = source.chosen().get("myocardium", "")
    chosen = next((choice for choice, text in choices.items() if text == name), "") if name else ""
    return chosen or (source.named().get("myocardium", "") if source.isSegmentation else "")


def isOpen(wall: np.ndarray, spacing: tuple[float, float]) -> bool:
    """Whether a few drawn frames [T, H, W] show a wall that is open at the base."""
    drawn = [frame for frame in wall if frame.any()]
    step = max(1, len(drawn) // _EXAMINED)
    return bool(drawn) and all(not isinstance(_linesOf(frame, spacing), str) for frame in drawn[::step])


def linesOf(wall: np.ndarray, spacing: tuple[float, float]) -> dict[int, Any]:
    """The LaMoDCore WallLines of every drawn frame of a wall [T, H, W].

    Raises:
        InputError: a frame shows no open wall.
    """
    found = {}
    for t in np.flatnonzero(wall.any(axis=(1, 2))).tolist():
        lines = _linesOf(wall[t], spacing)
        if isinstance(lines, str):
            text = _("Frame {frame}: {reason}. Draw the wall from the mitral annulus over the apex to the annulus.")
            raise InputError(text.format(frame=t + 1, reason=lines))
        found[t] = lines
    return found


def _linesOf(frame: np.ndarray, spacing: tuple[float, float]) -> Any:
    from LaMoDCore.heart.long_axis.outline import OutlineError, outline_of
    from LaMoDCore.heart.long_axis.wall_lines import wall_lines

    key = (hashlib.sha256(np.packbits(frame).tobytes()).digest(), frame.shape, spacing)
    if key not in _lines:
        if len(_lines) >= _MOST_LINES:
            _lines.clear()
        try:
            traced = outline_of(frame, spacing)
            _lines[key] = wall_lines(traced.endo_mm, traced.epi_mm)
        except OutlineError as error:
            _lines[key] = str(error)
    return _lines[key]


def spacingOf(geometry: VolumeGeometry) -> tuple[float, float]:
    """(dx, dy) in mm."""
    across, down = np.linalg.norm(geometry.ijkToLps[:3, :2], axis=0).tolist()
    return across, down
