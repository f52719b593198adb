"""Some of many, evenly over their order."""

from __future__ import annotations

import numpy as np

from LaMoDCore.geometry import Array


def spread_evenly(count: int, most: int) -> Array:
    """Numbers, int [min(count, most)], of at most `most` out of `count` things, evenly, ends included."""
    if count <= most:
        return np.arange(count)
    return np.asarray(np.linspace(0, count - 1, most).round().astype(int))
