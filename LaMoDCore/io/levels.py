"""Base, mid or apex: named by the person, or proposed by position along the heart's axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.case import LEVELS, Level
from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.geometry import BASE_TO_APEX_LPS, Array, SliceGrid

_NAMES: dict[str, Level] = {
    "base": "base",
    "basal": "base",
    "mid": "mid",
    "middle": "mid",
    "apex": "apex",
    "apical": "apex",
}


def parse_levels(levels: str | Sequence[str] | None) -> tuple[Level, ...] | None:
    """Read ``base,mid,apex`` or a sequence of these words.

    Raises:
        LaMoDInputError: another word.
    """
    if levels is None:
        return None
    words = levels.split(",") if isinstance(levels, str) else list(levels)
    parsed: list[Level] = []
    for word in words:
        name: Level | None = _NAMES.get(str(word).strip().lower())
        if name is None:
            raise LaMoDInputError(
                "--levels", f"'{str(word).strip()}' is no level", f"use {', '.join(LEVELS)}, one a slice"
            )
        parsed.append(name)
    return tuple(parsed)


def base_to_apex_order(centers_lps: Sequence[Array], grids: Sequence[SliceGrid]) -> list[int]:
    """Indices of the slices from base to apex.

    Along the slices' common normal, turned towards the apex; where several normals differ, along their mean.

    Args:
        centers_lps: [3] centre of the ventricle in each slice.
        grids: the slices.
    """
    normals = [-grid.normal * grid.view_sign for grid in grids]
    axis = np.mean(normals, axis=0)
    axis = axis / np.linalg.norm(axis) if np.linalg.norm(axis) > 1e-3 else BASE_TO_APEX_LPS
    depth = [float(center @ axis) for center in centers_lps]
    return sorted(range(len(depth)), key=lambda i: depth[i])


def propose_levels(count: int) -> tuple[Level, ...]:
    """Levels of ``count`` slices from base to apex: thirds (four: base, mid, mid, apex).

    One or two slices say nothing about how far the ventricle reaches: mid, the level where most are taken.
    """
    if count <= 2:
        middle: Level = "mid"
        return (middle,) * count
    return tuple(LEVELS[min(2, int(3 * (index + 0.5) / count))] for index in range(count))
