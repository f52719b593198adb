"""Walls that are suddenly thicker or thinner than in the frames before and after, or the slices above and below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.heart.cycle.shapes import SliceShapes, expected_from_neighbours

#: A jump of a quarter is a fault.
JUMP = 0.25
#: Over a sixth of the ring from a quarter and 1.6 mm on, over a quarter of the ring, whose mean is better known, from
#: a little less on: readers' own scatter between frames stays below both.
LIMITS = {"sixth_wall_mm": (JUMP, 1.6), "quarter_wall_mm": (0.88 * JUMP, 1.2)}
#: Along the heart, smaller differences are between readers' usual ones.
MIN_CHANGE_MM = 1.2


def check_thickness_jump(drawn: SliceShapes) -> list[Finding]:
    """The worst of twelve overlapping sectors in every frame."""
    worst: dict[int, tuple[float, float, float, float]] = {}
    for name, (limit, least_mm) in LIMITS.items():
        wall = drawn.measure(name)
        expected = expected_from_neighbours(wall, drawn.closes)
        change = wall / np.maximum(expected, 1e-6) - 1
        jumps = (np.abs(change) >= limit) & (np.abs(wall - expected) >= least_mm)
        for t in np.flatnonzero(jumps.any(axis=1)):
            sector = int(np.argmax(np.where(jumps[t], np.abs(change[t]), 0)))
            worst[int(t)] = (float(change[t, sector]), float(wall[t, sector]), float(expected[t, sector]), limit)
    return [_finding(drawn, t, *worst[t]) for t in sorted(worst)]


def _finding(drawn: SliceShapes, frame: int, change: float, wall: float, expected: float, limit: float) -> Finding:
    sentence = (
        f"The wall is {abs(100 * change):.0f} % {'thicker' if change > 0 else 'thinner'} in places than in the frames "
        f"before and after ({wall:.1f} mm against {expected:.1f} mm)."
    )
    return drawn.finding(Fault.THICKNESS_JUMP, Light.LOOK, frame, sentence, 100 * change, 100 * limit, "%")


def check_thickness_along_heart(slices: Sequence[SliceShapes]) -> list[Finding]:
    """Mean wall thickness at end-diastole against the mean of the slices above and below, one finding a slice."""
    walls = [float(np.mean(drawn.measure("wall_mm")[drawn.reference_frame])) for drawn in slices]
    found = []
    for k in range(1, len(slices) - 1):
        expected = 0.5 * (walls[k - 1] + walls[k + 1])
        change = walls[k] / expected - 1 if expected > 0 else np.nan
        if not np.isfinite(change) or abs(change) < JUMP or abs(walls[k] - expected) < MIN_CHANGE_MM:
            continue
        sentence = (
            f"The wall is {abs(100 * change):.0f} % {'thicker' if change > 0 else 'thinner'} than the mean of the "
            f"slices above and below ({walls[k]:.1f} mm against {expected:.1f} mm)."
        )
        drawn = slices[k]
        found.append(
            drawn.finding(
                Fault.THICKNESS_JUMP, Light.LOOK, drawn.reference_frame, sentence, 100 * change, 100 * JUMP, "%"
            )
        )
    return found
