"""Base, mid or apex: named by the person, or proposed by position along the heart's axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.case import LEVELS, Level
from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.geometry import BASE_TO_APEX_LPS, Array, SliceGrid

#: Two slices this far apart cannot both be mid-ventricular.
_FAR_APART_MM = 25.0
#: An apical cavity is at most this share of the basal one.
_APICAL_SHARE = 0.7

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


def propose_levels(depths_mm: Sequence[float], cavity_areas_mm2: Sequence[float]) -> tuple[Level, ...]:
    """Levels of slices in order from base to apex: thirds of the way (four even slices: base, mid, mid, apex).

    One slice is called mid, the level where most are taken. Two are base and apex only where they are far apart
    or the ventricle narrows between them as it does towards the apex; else both are mid.

    Args:
        depths_mm: rising, towards the apex.
        cavity_areas_mm2: at end-diastole.
    """
    count = len(depths_mm)
    span = depths_mm[-1] - depths_mm[0]
    narrow = cavity_areas_mm2[-1] < _APICAL_SHARE * cavity_areas_mm2[0]
    if count == 1 or span <= 0 or (count == 2 and span < _FAR_APART_MM and not narrow):
        middle: Level = "mid"
        return (middle,) * count
    # each slice stands for a stretch of the ventricle around it, so the first and the last reach beyond
    step = span / (count - 1)
    shares = [(depth - depths_mm[0] + step / 2) / (span + step) for depth in depths_mm]
    return tuple(LEVELS[min(2, int(3 * share))] for share in shares)
