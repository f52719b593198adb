"""Base, mid or apex: named by the person, or proposed by position along the heart's axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.case import LEVELS, Level
from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, Array, SliceGrid
from LaMoDCore.runtime.errors import LaMoDInputError

#: A left ventricle is 75–100 mm long: slices this far apart are not all from its middle.
_VENTRICLE_MM = 40.0
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


def depths_towards_apex(centers_lps: Sequence[Array], grids: Sequence[SliceGrid]) -> list[float]:
    """How far each slice lies towards the apex, mm from an arbitrary origin.

    Along the slices' common normal, turned towards the apex; where normals differ, along their mean.

    Args:
        centers_lps: [3] centre of the ventricle in each slice.
        grids: the slices.
    """
    normals = [-grid.normal * grid.view_sign for grid in grids]
    axis = np.mean(normals, axis=0)
    axis = axis / np.linalg.norm(axis) if np.linalg.norm(axis) > 1e-3 else BASE_TO_APEX_LPS
    return [float(center @ axis) for center in centers_lps]


def propose_levels(depths_mm: Sequence[float]) -> tuple[Level, ...]:
    """Levels of slices in order from base to apex: thirds of the way (four even slices: base, mid, mid, apex).

    One slice is called mid, the level where most are taken. Two are base and mid: to call one apical, with its own
    segments, takes slices that span the ventricle.

    Args:
        depths_mm: rising, towards the apex.
    """
    count = len(depths_mm)
    span = depths_mm[-1] - depths_mm[0]
    if count <= 2 or span <= 0:
        few: tuple[Level, ...] = ("mid",) if count == 1 else ("base", "mid")
        return few if count <= 2 else few[1:] * count
    # each slice stands for a stretch of the ventricle around it, so the first and the last reach beyond
    step = span / (count - 1)
    shares = [(depth - depths_mm[0] + step / 2) / (span + step) for depth in depths_mm]
    return tuple(LEVELS[min(2, int(3 * share))] for share in shares)


def spans_the_ventricle(depths_mm: Sequence[float]) -> bool:
    """Whether slices at these depths reach so far that thirds of the way mean base, mid and apex."""
    return len(depths_mm) >= 3 and max(depths_mm) - min(depths_mm) >= _VENTRICLE_MM
