"""Evenly spaced indices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def spread_evenly(count: int, most: int) -> npt.NDArray[np.int64]:
    """Select at most `most` evenly spaced indices out of `count`, including both ends: int [min(count, most)]."""
    if count <= most:
        return np.arange(count)
    return np.asarray(np.linspace(0, count - 1, most).round().astype(int))
