"""The anterior RV insertion point of a heart and of single slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.pose import contradictions
from LaMoDCore.heart.ring.mask import epicardial_region
from LaMoDCore.heart.rv_insertion import both_in_order, insertion_from_label
from LaMoDCore.strain.segments import SegmentMap, label_segments


def insertion_from_septum(septum_lps: npt.ArrayLike, slices: Sequence[CineSlice], reference_frame: int = 0) -> Array:
    """Find the anterior end of points along the septum: that from which it runs counter-clockwise seen from the apex.

    Args:
        septum_lps: [N, 3] mm, along the wall between both ventricles.
        slices: slices of the heart.
        reference_frame: the frame whose contours are used.

    Returns:
        [3] mm.

    Raises:
        ValueError: fewer than three points.
    """
    points = np.asarray(septum_lps, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) < 3:
        raise ValueError(f"septum_lps must be [N, 3] with N of at least 3, got {points.shape}")
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    ends = np.unravel_index(int(np.argmax(distances)), distances.shape)
    return np.asarray(both_in_order(points[list(ends)], slices, reference_frame)[0])


@dataclass(frozen=True, eq=False)
class InsertionPoints:
    """The points at which the segments of each slice start.

    Attributes:
        shared_lps: [3] mm, the point of all slices without a point of their own; None if there is no such point.
        own_lps: points [3] of single slices, by slice index.
    """

    shared_lps: Array | None = None
    own_lps: Mapping[int, Array] = field(default_factory=dict)

    @classmethod
    def found(
        cls, slices: Sequence[CineSlice], reference_frame: int = 0, septum_lps: npt.ArrayLike | None = None
    ) -> InsertionPoints:
        """Find the shared point from points [N, 3] along the septum if given, else from the RV label.

        Slices with `rv_insertion_lps` keep that point as their own. The shared point is None if there is neither.

        Raises:
            ValueError: fewer than three septal points.
        """
        own = {k: s.rv_insertion_lps for k, s in enumerate(slices) if s.rv_insertion_lps is not None}
        if septum_lps is not None:
            return cls(insertion_from_septum(septum_lps, slices, reference_frame), own)
        found = insertion_from_label(slices, reference_frame)
        return cls(None if found is None else found[0], own)

    def at(self, slice_index: int, slice_: CineSlice, frame: int = 0) -> Array | None:
        """Project the slice's point onto its plane and epicardium, along the ray from the centre: [3] mm, or None."""
        point = self.own_lps.get(slice_index, self.shared_lps)
        if point is None:
            return None
        region = epicardial_region(slice_.myocardium[frame])
        rows, columns = np.nonzero(region)
        center = np.array([columns.mean(), rows.mean()])
        spacing = np.array(slice_.grid.spacing_mm)
        arm = (slice_.grid.lps_to_pixel(point) - center) * spacing
        length = float(np.linalg.norm(arm))
        if length < 1e-6:
            return slice_.grid.pixel_to_lps(center)
        steps = np.arange(0.0, 80.0, 0.25)
        path = center + steps[:, None] * (arm / length) / spacing
        at = np.rint(path).astype(int)
        on_grid = ((at >= 0) & (at < np.array(region.shape)[::-1])).all(axis=1)
        inside = np.zeros(len(steps), dtype=bool)
        inside[on_grid] = region[at[on_grid, 1], at[on_grid, 0]]
        last = int(np.flatnonzero(inside)[-1]) if inside.any() else 0
        return slice_.grid.pixel_to_lps(path[last])

    def moved(self, point_lps: npt.ArrayLike, slice_index: int | None = None) -> InsertionPoints:
        """Return a copy with the shared point, or that of one slice, replaced.

        Raises:
            ValueError: not three finite numbers.
        """
        point = np.asarray(point_lps, dtype=np.float64)
        if point.shape != (3,) or not np.isfinite(point).all():
            raise ValueError(f"an insertion point must be three finite numbers, got {point_lps!r}")
        if slice_index is None:
            return InsertionPoints(point, self.own_lps)
        return InsertionPoints(self.shared_lps, {**self.own_lps, slice_index: point})

    def segments(self, slice_index: int, slice_: CineSlice, frame: int = 0) -> SegmentMap:
        """Label the slice's segments, starting at its point; unnamed if the slice's RV contradicts its orientation."""
        point = self.at(slice_index, slice_, frame)
        known = not contradictions([slice_], frame)
        return label_segments(slice_.myocardium[frame], slice_.grid, slice_.level, point, walls_known=known)
