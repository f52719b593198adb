"""Some of many, evenly over their order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def spread_evenly(count: int, most: int) -> npt.NDArray[np.int64]:
    """Numbers, int [min(count, most)], of at most `most` out of `count` things, evenly, ends included."""
    if count <= most:
        return np.arange(count)
    return np.asarray(np.linspace(0, count - 1, most).round().astype(int))
