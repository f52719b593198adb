"""Walls that are thicker or thinner than in the frames before and after, or than in the slices above and below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.contours.checks.places import place_at
from LaMoDCore.contours.findings import Fault, Finding, Light, Place, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes, expected_from_neighbours
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.heart.ring.shape import RAYS, SECTORS

#: A jump of 25 % is a fault.
JUMP = 0.25
#: Limits (relative, mm) over a sixth and over a quarter of the ring; the mean over a quarter is more accurate, so its
#: limit is lower. The scatter of one reader between frames stays below both.
LIMITS = {"sixth_wall_mm": (JUMP, 1.6), "quarter_wall_mm": (0.88 * JUMP, 1.2)}
#: Smaller differences along the heart are usual.
MIN_CHANGE_MM = 1.2


def check_thickness_jump(drawn: SliceShapes) -> list[Finding]:
    """Report the worst of twelve overlapping sectors in every frame."""
    worst: dict[int, tuple[int, float, float, float, float]] = {}
    for name, (limit, least_mm) in LIMITS.items():
        wall = drawn.measure(name)
        expected = expected_from_neighbours(wall, drawn.closes)
        change = wall / np.maximum(expected, 1e-6) - 1
        jumps = (np.abs(change) >= limit) & (np.abs(wall - expected) >= least_mm)
        for t in np.flatnonzero(jumps.any(axis=1)):
            sector = int(np.argmax(np.where(jumps[t], np.abs(change[t]), 0)))
            found = (float(change[t, sector]), float(wall[t, sector]), float(expected[t, sector]))
            worst[int(t)] = (sector, *found, limit)
    return [_finding(drawn, t, *worst[t]) for t in sorted(worst)]


def _finding(
    drawn: SliceShapes, frame: int, sector: int, change: float, wall: float, expected: float, limit: float
) -> Finding:
    text = (
        f"The wall is {abs(100 * change):.0f} % {'thicker' if change > 0 else 'thinner'} in places than in the frames "
        f"before and after ({wall:.1f} mm against {expected:.1f} mm)."
    )
    places = [_place(drawn, frame, sector)]
    return finding(drawn, Fault.THICKNESS_JUMP, Light.LOOK, frame, text, 100 * change, 100 * limit, "%", places)


def _place(drawn: SliceShapes, frame: int, sector: int) -> Place:
    """The middle of the wall in the direction of a sector."""
    shape = drawn.shapes[frame]
    rows, columns = np.nonzero(cavity(shape.ring))
    ray = sector * RAYS // SECTORS
    endo, epi = shape.radii_mm[:, ray]
    middle, angle = (endo + epi) / 2, ray * 2 * np.pi / RAYS
    dx, dy = shape.spacing_mm
    xy = float(columns.mean() + middle * np.cos(angle) / dx), float(rows.mean() + middle * np.sin(angle) / dy)
    return place_at(drawn, shape, xy, (epi - endo) / 2 + 1.5 * max(dx, dy))


def check_thickness_along_heart(slices: Sequence[SliceShapes]) -> list[Finding]:
    """Compare wall thickness at end-diastole with the mean of the slices above and below; one finding per slice."""
    walls = [float(np.mean(drawn.measure("wall_mm")[drawn.reference_frame])) for drawn in slices]
    found = []
    for k in range(1, len(slices) - 1):
        expected = 0.5 * (walls[k - 1] + walls[k + 1])
        change = walls[k] / expected - 1 if expected > 0 else np.nan
        if not np.isfinite(change) or abs(change) < JUMP or abs(walls[k] - expected) < MIN_CHANGE_MM:
            continue
        text = (
            f"The wall is {abs(100 * change):.0f} % {'thicker' if change > 0 else 'thinner'} than the mean of the "
            f"slices above and below ({walls[k]:.1f} mm against {expected:.1f} mm)."
        )
        drawn = slices[k]
        found.append(
            finding(drawn, Fault.THICKNESS_JUMP, Light.LOOK, drawn.reference_frame, text, 100 * change, 100 * JUMP, "%")
        )
    return found
