"""Myocardial or cavity areas that differ from the frames before and after, or from the slices above and below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes, expected_from_neighbours
from LaMoDCore.heart.geometry import Array

#: A jump of 25 % is a fault. Areas of masks are accurate to a few per cent, so the limit is slightly lower.
JUMP = 0.25
LIMIT = 0.8 * JUMP
#: The area of a small cavity changes by 25 % when its contour moves by less than a reader's accuracy; such changes
#: are not reported.
MIN_SHIFT_MM = 1.0

_WORDS = {"area_mm2": "myocardial area", "cavity_mm2": "cavity"}


def check_area_jump(drawn: SliceShapes) -> list[Finding]:
    found = []
    for name, words in _WORDS.items():
        area = drawn.measure(name)
        expected = expected_from_neighbours(area, drawn.closes)
        change = area / np.maximum(expected, 1e-6) - 1
        jumps = np.abs(change) >= LIMIT
        if name == "cavity_mm2":
            jumps &= _contour_shift_mm(area, expected) >= MIN_SHIFT_MM
        for t in np.flatnonzero(jumps):
            text = f"The {words} is {_percent(change[t])} than in the frames before and after."
            found.append(finding(drawn, Fault.AREA_JUMP, Light.LOOK, t, text, 100 * change[t], 100 * LIMIT, "%"))
    return found


def check_area_along_heart(slices: Sequence[SliceShapes]) -> list[Finding]:
    """Compare myocardial area at end-diastole with the mean of the slices above and below; one finding per slice."""
    areas = [float(drawn.measure("area_mm2")[drawn.reference_frame]) for drawn in slices]
    found = []
    for k in range(1, len(slices) - 1):
        expected = 0.5 * (areas[k - 1] + areas[k + 1])
        change = areas[k] / expected - 1 if expected > 0 else np.nan
        if np.isfinite(change) and abs(change) >= JUMP:
            text = f"The myocardial area is {_percent(change)} than the mean of the slices above and below."
            drawn = slices[k]
            found.append(
                finding(drawn, Fault.AREA_JUMP, Light.LOOK, drawn.reference_frame, text, 100 * change, 100 * JUMP, "%")
            )
    return found


def _contour_shift_mm(area: Array, expected: Array) -> Array:
    return np.asarray(np.abs(np.sqrt(area / np.pi) - np.sqrt(np.maximum(expected, 0) / np.pi)))


def _percent(change: float) -> str:
    return f"{abs(100 * change):.0f} % {'larger' if change > 0 else 'smaller'}"
