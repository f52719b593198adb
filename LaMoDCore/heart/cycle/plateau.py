"""The middle of a plateau: end-diastole and end-systole where several frames have the same cavity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Values that differ by less than this share of their range are equal.
_EQUAL = 1e-6


def middle_of_largest(values: npt.ArrayLike, usable: npt.ArrayLike | None = None) -> int:
    """The frame in the middle of the longest run of frames with the largest value, on a closed cycle.

    The first frame of a plateau would date end-systole too early by half its length. Of an even number of frames, the
    earlier of the two in the middle is used; of runs of equal length, the first.

    Args:
        values: [T], one per frame of a cardiac cycle.
        usable: bool [T], frames that may be chosen; all by default.

    Raises:
        ValueError: no frame is usable.
    """
    curve = np.asarray(values, dtype=np.float64)
    chosen = np.ones(curve.size, dtype=bool) if usable is None else np.asarray(usable, dtype=bool)
    if not chosen.any():
        raise ValueError("no frame is usable")
    tied = chosen & _is_largest(curve, chosen)
    if tied.all():  # nothing moves
        return 0
    starts = np.flatnonzero(tied & ~np.roll(tied, 1))
    lengths = [int(np.argmin(np.roll(tied, -start))) for start in starts]
    longest = int(np.argmax(lengths))
    return int((starts[longest] + (lengths[longest] - 1) // 2) % curve.size)


def first_or_middle_of_largest(values: npt.ArrayLike) -> int:
    """Frame 0 if it has the largest value, as in a triggered cine, else `middle_of_largest`."""
    curve = np.asarray(values, dtype=np.float64)
    return 0 if _is_largest(curve, np.ones(curve.size, dtype=bool))[0] else middle_of_largest(curve)


def _is_largest(curve: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    low, high = float(curve[chosen].min()), float(curve[chosen].max())
    return np.asarray(curve >= high - _EQUAL * max(high - low, 1.0))


def middle_of_smallest(values: npt.ArrayLike, usable: npt.ArrayLike | None = None) -> int:
    """The frame in the middle of the longest run of frames with the smallest value; see `middle_of_largest`."""
    return middle_of_largest(-np.asarray(values, dtype=np.float64), usable)
