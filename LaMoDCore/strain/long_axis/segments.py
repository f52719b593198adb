"""Segments of long-axis views and the bullseye of the AHA's 17-segment model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

#: AHA numbers of basal, mid and apical segment of each wall (Cerqueira et al., Circulation 105, 2002).
AHA_OF_WALL: dict[str, tuple[int, int, int]] = {
    "anterior": (1, 7, 13),
    "anteroseptal": (2, 8, 14),
    "inferoseptal": (3, 9, 14),
    "inferior": (4, 10, 15),
    "inferolateral": (5, 11, 16),
    "anterolateral": (6, 12, 16),
}
SEGMENTS = 17


def bullseye(values: Sequence[Mapping[int, list[float]]]) -> list[float | None]:
    """Values of the 17 segments; None where no view shows a segment.

    An apical segment that two views show (14 and 16) is their mean. Segment 17, the apical cap, is the mean of the
    apical segments, where all four are known.

    Args:
        values: of each view, the values by AHA number.
    """
    found: list[float | None] = []
    for aha in range(1, SEGMENTS):
        here = [value for view in values for value in view.get(aha, []) if np.isfinite(value)]
        found.append(float(np.mean(here)) if here else None)
    apical = [value for value in found[12:16] if value is not None]
    return [*found, float(np.mean(apical)) if len(apical) == 4 else None]


def aha_number(wall: str, level: int) -> int | None:
    """AHA number of a wall's segment, 0 basal, 1 mid, 2 apical; None for walls of a view that is not known."""
    numbers = AHA_OF_WALL.get(wall)
    return None if numbers is None else numbers[level]
