"""Levels of slices (base, mid, apex): given by the user, or proposed from positions along the heart's axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.case import LEVELS, Level
from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, Array, SliceGrid
from LaMoDCore.runtime.errors import LaMoDInputError

#: Word for the level of a slice that a person leaves to the proposal.
AUTOMATIC = "auto"
#: A left ventricle is 75–100 mm long: slices that span this distance are not all from its middle.
_VENTRICLE_MM = 40.0
_NAMES: dict[str, Level] = {
    "base": "base",
    "basal": "base",
    "mid": "mid",
    "middle": "mid",
    "apex": "apex",
    "apical": "apex",
}


def parse_levels(levels: str | Sequence[str] | None) -> tuple[Level | None, ...] | None:
    """Read ``base,mid,apex`` or a sequence of these words, and ``auto``, which becomes None: propose this level.

    Raises:
        LaMoDInputError: another word.
    """
    if levels is None:
        return None
    words = levels.split(",") if isinstance(levels, str) else list(levels)
    parsed: list[Level | None] = []
    for word in words:
        name = str(word).strip().lower()
        if name not in (*_NAMES, AUTOMATIC):
            known = ", ".join((*LEVELS, AUTOMATIC))
            raise LaMoDInputError("--levels", f"'{str(word).strip()}' is not a level", f"use {known}, one per slice")
        parsed.append(_NAMES.get(name))
    return tuple(parsed)


def depths_towards_apex(centers_lps: Sequence[Array], grids: Sequence[SliceGrid]) -> list[float]:
    """Position of each slice towards the apex, mm from an arbitrary origin.

    Along the slices' common normal towards the apex; along the mean normal if they differ.

    Args:
        centers_lps: [3] each, centre of the ventricle in each slice.
        grids: the slices.
    """
    normals = [-grid.normal * grid.view_sign for grid in grids]
    axis = np.mean(normals, axis=0)
    axis = axis / np.linalg.norm(axis) if np.linalg.norm(axis) > 1e-3 else BASE_TO_APEX_LPS
    return [float(center @ axis) for center in centers_lps]


def propose_levels(depths_mm: Sequence[float]) -> tuple[Level, ...]:
    """Propose levels of slices ordered from base to apex: thirds of their span (four equal: base, mid, mid, apex).

    One slice is mid, the level that is acquired most often. Two are base and mid, because an apical slice, which has
    other segments, needs slices that span the ventricle.

    Args:
        depths_mm: increasing towards the apex.
    """
    count = len(depths_mm)
    span = depths_mm[-1] - depths_mm[0]
    if count <= 2 or span <= 0:
        few: tuple[Level, ...] = ("mid",) if count == 1 else ("base", "mid")
        return few if count <= 2 else few[1:] * count
    # each slice represents the ventricle half a step to both sides, so the span is longer by one step
    step = span / (count - 1)
    shares = [(depth - depths_mm[0] + step / 2) / (span + step) for depth in depths_mm]
    return tuple(LEVELS[min(2, int(3 * share))] for share in shares)


def completed_levels(chosen: Sequence[Level | None], depths_mm: Sequence[float]) -> tuple[Level, ...]:
    """The chosen levels, and proposed ones where none was chosen, between those of the chosen neighbours.

    Args:
        chosen: of each slice from base to apex; None for a level to propose.
        depths_mm: of each slice, increasing towards the apex.
    """
    proposed = propose_levels(depths_mm)
    ranks = [None if level is None else LEVELS.index(level) for level in chosen]
    levels: list[Level] = []
    for i, (level, proposal) in enumerate(zip(chosen, proposed, strict=True)):
        least = max((rank for rank in ranks[:i] if rank is not None), default=0)
        most = min((rank for rank in ranks[i + 1 :] if rank is not None), default=len(LEVELS) - 1)
        within = min(max(LEVELS.index(proposal), least), max(least, most))
        levels.append(LEVELS[within] if level is None else level)
    return tuple(levels)


def spans_the_ventricle(depths_mm: Sequence[float]) -> bool:
    """Whether slices at these depths cover the ventricle, so that thirds of their span are base, mid and apex."""
    return len(depths_mm) >= 3 and max(depths_mm) - min(depths_mm) >= _VENTRICLE_MM
