"""The part of a slice in which anything is drawn, so that the rest can be skipped."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array


def extent(planes: Array, margin: int = 3) -> tuple[slice, slice]:
    """Rows and columns with all non-zero pixels of planes [N, H, W], and a margin; all if there are none."""
    drawn = np.any(planes, axis=0)
    rows, columns = np.flatnonzero(np.any(drawn, axis=1)), np.flatnonzero(np.any(drawn, axis=0))
    if rows.size == 0:
        return slice(None), slice(None)
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
