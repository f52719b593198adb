"""Refuse masks whose slice and time axes are exchanged, or whose slices span more than any ventricle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import MIN_FRAMES
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.stated_geometry import has_unit_pixels
from LaMoDCore.runtime.errors import LaMoDInputError

#: No left ventricle is taller than this, from base to apex; dilated ones measure up to 130 mm.
MAX_HEIGHT_MM = 160.0
#: Over this height a ventricle tapers towards the apex.
_TAPERED_MM = 80.0
#: Share by which the outline's area changes: in nine drawn hearts 0.1–0.4 over the cycle, 0.8–1 from base to apex.
_STEADY, _VARYING = 0.5, 0.6
_MIN_SIDE = 16
#: Slice spacing where the file contains none.
_USUAL_SPACING_MM = 6.0
_ORDER = "store it as x, y, slice, time"


def check_axis_order(stack: FrameStack, source: str | Path) -> None:
    """Refuse masks whose axes are not columns, rows, slices and time.

    Args:
        stack: integer labels [T, Z, H, W].
        source: the file, for errors.

    Raises:
        LaMoDInputError: the slice axis shows a cycle and the time axis a ventricle, the drawn slices span more than a
            ventricle, or the images are strips.
    """
    frames, depth, height, width = stack.frames.shape
    if min(height, width) < _MIN_SIDE:
        raise LaMoDInputError(
            source,
            f"it has {frames} frames and {depth} slices of {width} × {height} pixels, so its axes are in another order",
            _ORDER,
        )
    area = _outline_areas(stack.frames)
    drawn = np.flatnonzero(area.any(axis=0))
    steps = int(drawn[-1] - drawn[0]) if drawn.size else 0
    span = steps * stack.slice_grid(0).slice_spacing_mm
    if drawn.size < MIN_FRAMES and span <= MAX_HEIGHT_MM:
        return
    over_slices, over_time = _variation(area.T), _variation(area)
    usual_span = steps * _USUAL_SPACING_MM if has_unit_pixels(stack.ijk_to_lps) else span
    exchanged = (
        drawn.size >= MIN_FRAMES and over_slices < _STEADY and (over_time > _VARYING or usual_span > _TAPERED_MM)
    )
    if exchanged:
        raise LaMoDInputError(
            source,
            f"its slice and time axes are exchanged: its {drawn.size} slices show one cycle, its {frames} frames "
            f"{'a ventricle from base to apex' if frames > 1 else 'one slice'}",
            _ORDER,
        )
    if span > MAX_HEIGHT_MM:
        raise LaMoDInputError(
            source,
            f"its {drawn.size} drawn slices span {span:.0f} mm, more than any ventricle: its slice spacing is wrong, "
            "or its slice and time axes are exchanged",
            f"correct the spacing, or {_ORDER}",
        )


def _outline_areas(labels: Array) -> Array:
    """[T, Z]: area of the rectangle around the labels of each plane, in pixels; it is that of the filled outline."""
    drawn = labels != 0
    return np.asarray(drawn.any(axis=2).sum(axis=-1) * drawn.any(axis=3).sum(axis=-1))


def _variation(area: Array) -> float:
    """Median over the columns of area [N, M] of (largest − smallest drawn) / largest along the first axis."""
    shares = []
    for line in area.T:
        values = line[line > 0]
        if values.size > 1:
            shares.append(float((values.max() - values.min()) / values.max()))
    return float(np.median(shares)) if shares else 0.0
