"""Wall thickness at end-diastole and systolic thickening, by AHA segment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.ring.shape import RAYS, measure_frames
from LaMoDCore.strain.segments import APICAL_SEPTUM_START_DEGREES, label_segments


@dataclass(frozen=True)
class SegmentThickness:
    """One segment of one slice.

    Attributes:
        segment: 1…6, or 1…4 at the apex.
        aha: number in the AHA's 17-segment model; None where walls are not known.
        name: name of the segment.
        ed_mm: mean radial distance from endo- to epicardium at end-diastole; NaN for an open ring.
        es_mm: the same at end-systole.
    """

    segment: int
    aha: int | None
    name: str
    ed_mm: float
    es_mm: float

    @property
    def thickening(self) -> float:
        """Systolic thickening (ES − ED) / ED, a fraction; NaN where unknown."""
        return (self.es_mm - self.ed_mm) / self.ed_mm if self.ed_mm > 0 else float("nan")


def wall_thickness(
    slice_: CineSlice,
    ed_frame: int,
    es_frame: int,
    rv_insertion_lps: npt.ArrayLike | None = None,
    *,
    walls_known: bool = True,
) -> tuple[SegmentThickness, ...]:
    """Thickness of each segment of a slice, measured along 48 rays from the cavity's centroid.

    Args:
        slice_: the slice; the thickness is NaN in a frame with an open ring.
        ed_frame: end-diastole.
        es_frame: end-systole.
        rv_insertion_lps: [3] anterior RV insertion in LPS mm, from which the segments are counted.
        walls_known: whether segments are named; see `Case.walls_known`.
    """
    wall = slice_.myocardium[ed_frame]
    map_ = label_segments(wall, slice_.grid, slice_.level, rv_insertion_lps, walls_known=walls_known)
    count = len(map_.names)
    start = np.radians(APICAL_SEPTUM_START_DEGREES - 90) if count == 4 else 0.0
    ray = np.arange(RAYS) * 2 * np.pi / RAYS
    angles = slice_.grid.angles_from_apex(np.stack([np.cos(ray), np.sin(ray)], axis=1))
    turned = np.mod(angles - map_.insertion_angle - start, 2 * np.pi)
    segment = np.minimum((turned / (2 * np.pi / count)).astype(int), count - 1)
    shapes = measure_frames(slice_.myocardium[[ed_frame, es_frame]], slice_.grid.spacing_mm)
    walls = [shape.wall_mm if shape.is_closed else np.full(RAYS, np.nan) for shape in shapes]
    return tuple(
        SegmentThickness(s + 1, aha, name, *(float(wall[segment == s].mean()) for wall in walls))
        for s, (name, aha) in enumerate(zip(map_.names, map_.aha, strict=True))
    )
