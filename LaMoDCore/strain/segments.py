"""The segments of a short-axis slice in the AHA model: Cerqueira et al., Circulation 105 (2002)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.strain.frame import ventricle_center

#: Assumed direction of the anterior RV insertion when none is given: right-anterior of the ventricle's centre, in LPS.
#: It is perpendicular to the expected base–apex axis (+1, −1, −1).
DEFAULT_INSERTION_DIRECTION_LPS = np.array([-1.0, -1.0, 0.0]) / np.sqrt(2.0)

SIX_NAMES = ("anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral", "anterior")
FOUR_NAMES = ("anterior", "septal", "inferior", "lateral")
AHA_NUMBERS: dict[Level, tuple[int, ...]] = {
    "base": (2, 3, 4, 5, 6, 1),
    "mid": (8, 9, 10, 11, 12, 7),
    "apex": (13, 14, 15, 16),
}
#: Names of segments where the walls are not known.
NUMBERED_NAMES = tuple(f"segment {number}" for number in range(1, 7))
#: The apical septal segment begins this angle counter-clockwise of the insertion point.
APICAL_SEPTUM_START_DEGREES = 15.0


@dataclass(frozen=True, eq=False)
class SegmentMap:
    """The segments of one slice.

    Attributes:
        labels: int16 [H, W], 0 = none, else 1…6, or 1…4 at the apex.
        names: one name per segment, in order; `NUMBERED_NAMES` where walls are not known.
        aha: AHA-16 number of each segment; None where walls are not known.
        center_xy: pixels (x, y): the centroid about which angles are measured.
        insertion_angle: angle of the anterior RV insertion, radians counter-clockwise seen from the apex.
        default_used: True if no insertion point was given and its expected direction was assumed.
    """

    labels: Array
    names: tuple[str, ...]
    aha: tuple[int | None, ...]
    center_xy: tuple[float, float]
    insertion_angle: float
    default_used: bool


def label_segments(
    myocardium: Array,
    grid: SliceGrid,
    level: Level,
    rv_insertion_lps: npt.ArrayLike | None = None,
    *,
    walls_known: bool = True,
) -> SegmentMap:
    """Divide the wall into equal angles about the centroid of the epicardial region, from the anterior RV insertion.

    Counter-clockwise as seen from the apex: anteroseptal, inferoseptal, inferior, inferolateral, anterolateral,
    anterior; at the apex anterior, septal, inferior, lateral, of which the septal one spans 15°…105°.

    Args:
        myocardium: bool [H, W].
        grid: the slice's grid.
        level: base, mid or apex.
        rv_insertion_lps: [3] in LPS mm, projected onto the plane of the slice.
        walls_known: whether the orientation is reliable enough to name the walls; see `Case.walls_known`.

    Raises:
        ValueError: the insertion point is not three finite numbers.
    """
    inside = np.asarray(myocardium, dtype=bool)
    center = ventricle_center(inside)
    angle = _insertion_angle(grid, center, rv_insertion_lps)
    rows, columns = np.nonzero(inside)
    angles = pixel_angles(grid, center, np.stack((columns, rows), axis=1))
    labels = np.zeros(inside.shape, dtype=np.int16)
    names: tuple[str, ...]
    if level == "apex":
        start, width, names = np.radians(APICAL_SEPTUM_START_DEGREES - 90), np.pi / 2, FOUR_NAMES
    else:
        start, width, names = 0.0, np.pi / 3, SIX_NAMES
    turned = np.mod(angles - angle - start, 2 * np.pi)
    labels[rows, columns] = np.minimum((turned / width).astype(np.int16), len(names) - 1) + 1
    aha: tuple[int | None, ...] = AHA_NUMBERS[level]
    if not walls_known:
        names, aha = NUMBERED_NAMES[: len(names)], (None,) * len(names)
    return SegmentMap(labels, names, aha, center, angle, default_used=rv_insertion_lps is None)


def pixel_angles(grid: SliceGrid, center_xy: tuple[float, float], pixels_xy: npt.ArrayLike) -> Array:
    """Angles of pixels [..., 2] about a centre, radians counter-clockwise seen from the apex."""
    arm = (np.asarray(pixels_xy, dtype=np.float64) - np.asarray(center_xy)) * np.asarray(grid.spacing_mm)
    return grid.angles_from_apex(arm)


def sector_labels(
    myocardium: Array,
    grid: SliceGrid,
    center_xy: tuple[float, float],
    insertion_angle: float,
    sectors: int = 24,
) -> Array:
    """Label equal sectors 1…``sectors`` counter-clockwise from the insertion: int16 [H, W], 0 = none."""
    inside = np.asarray(myocardium, dtype=bool)
    rows, columns = np.nonzero(inside)
    angles = pixel_angles(grid, center_xy, np.stack((columns, rows), axis=1)) - insertion_angle
    turned = np.mod(angles, 2 * np.pi) / (2 * np.pi) * sectors
    labels = np.zeros(inside.shape, dtype=np.int16)
    labels[rows, columns] = np.minimum(turned.astype(np.int16), sectors - 1) + 1
    return labels


def _insertion_angle(grid: SliceGrid, center_xy: tuple[float, float], rv_insertion_lps: npt.ArrayLike | None) -> float:
    if rv_insertion_lps is not None:
        point = np.asarray(rv_insertion_lps, dtype=np.float64)
        if point.shape != (3,) or not np.isfinite(point).all():
            raise ValueError(f"rv_insertion_lps must be three finite numbers, got {rv_insertion_lps!r}")
        return float(pixel_angles(grid, center_xy, grid.lps_to_pixel(point)))
    direction = grid.vectors_from_lps(DEFAULT_INSERTION_DIRECTION_LPS)
    if np.linalg.norm(direction) < 0.3:  # the slice faces right-anterior: use anterior instead
        direction = grid.vectors_from_lps(np.array([0.0, -1.0, 0.0]))
    return float(grid.angles_from_apex(direction))
