"""The shapes of a slice's frames, to compare each with its neighbours in time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.shape import RingShape, measure_frames

#: The cycle closes if the time from the last to the first frame is at most this many median steps.
_CLOSING_STEPS = 1.8


@dataclass(frozen=True, eq=False)
class SliceShapes:
    """Measured shapes of a drawn slice, which may have any fault: empty frames, open rings.

    Attributes:
        slice: the slice as drawn.
        index: number of the slice, from 0.
        reference_frame: end-diastole.
        shapes: one per frame.
    """

    slice: CineSlice
    index: int
    reference_frame: int
    shapes: tuple[RingShape, ...]

    @classmethod
    def of(cls, slice_: CineSlice, index: int = 0, reference_frame: int = 0) -> SliceShapes:
        return cls(slice_, index, reference_frame, measure_frames(slice_.myocardium, slice_.grid.spacing_mm))

    @cached_property
    def is_whole(self) -> Array:
        """bool [T]: whether the frame is a closed ring in one piece, up to islands, so that it can be compared."""
        return np.array([s.is_closed and s.ring.sum() > 0.9 * s.mask.sum() for s in self.shapes])

    @cached_property
    def closes(self) -> bool:
        """Whether the last frame is followed by the first."""
        times = self.slice.frame_times_ms
        if times.size < 3:
            return False
        gap = times[0] + self.slice.rr_ms - times[-1]
        return bool(gap <= _CLOSING_STEPS * float(np.median(np.diff(times))))

    def measure(self, name: str) -> Array:
        """An attribute of `RingShape` over the frames, [T, ...]; NaN if the frame is not whole."""
        values = np.array([np.asarray(getattr(s, name), dtype=np.float64) for s in self.shapes])
        values[~self.is_whole] = np.nan
        return values


def expected_from_neighbours(values: Array, closes: bool) -> Array:
    """Expected value of each frame: the median of the two frames before it and the two after, [T, ...].

    For a quantity that rises or falls steadily this is the mean of the nearest two. One faulty neighbour does not
    change it, so a fault is not reported for the frames next to it. NaN if fewer than two neighbours are known.

    Args:
        values: [T, ...], NaN where unknown.
        closes: whether the last frame is followed by the first.
    """
    frames = len(values)
    around = []
    for step in (-2, -1, 1, 2):
        shifted = np.roll(np.asarray(values, dtype=np.float64), -step, axis=0)
        if not closes:
            beyond = np.arange(frames) + step
            shifted[(beyond < 0) | (beyond >= frames)] = np.nan
        around.append(shifted)
    stacked = np.stack(around)
    known = np.isfinite(stacked).sum(axis=0)
    filled = np.where(np.isfinite(stacked), stacked, np.inf)
    ordered = np.sort(filled, axis=0)
    low = np.take_along_axis(ordered, np.maximum((known - 1) // 2, 0)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(known // 2, 3)[None], axis=0)[0]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known >= 2, 0.5 * (low + high), np.nan))
