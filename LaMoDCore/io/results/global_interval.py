"""The intervals of global strain in strain.json: ``intervals`` of ``global``, of the heart and of each slice.

``basis`` is "calibrated" if the interval was calibrated for global strain, or "bound" if it is the widest that the
segments' intervals permit. The other keys are numbers of ``global`` (``gcs_peak``, ``gcs_es``, ``grs_peak``,
``grs_es``) with [low, high], fractions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LaMoDCore.heart.geometry import Array

#: Key of the intervals in ``global``.
KEY = "intervals"
CALIBRATED, BOUND = "calibrated", "bound"


@dataclass(frozen=True)
class GlobalInterval:
    """The interval of one global number, fractions.

    Attributes:
        low, high: its limits.
        is_bound: whether it is only the widest interval that the segments' intervals permit.
    """

    low: float
    high: float
    is_bound: bool = False


def global_interval(
    values: Mapping[str, Any], name: str, segments: Sequence[tuple[Array, Array]] = ()
) -> GlobalInterval | None:
    """The interval of a global number; None if there is none, as with one sample.

    Args:
        values: ``global`` of the heart or of a slice in strain.json.
        name: gcs_peak, gcs_es, grs_peak or grs_es.
        segments: for results that were written before they had ``intervals``: of each slice, half the widths [S] of
            the segments' intervals at the frame of this number, and their areas [S].
    """
    stored = values.get(KEY)
    if isinstance(stored, Mapping):
        limits = stored.get(name)
        if limits is None:
            return None
        low, high = (float(limit) for limit in limits)
        return GlobalInterval(low, high, stored.get("basis") != CALIBRATED)
    value = values.get(name)
    half = bounded_half_width(segments)
    return None if value is None or not np.isfinite(half) else GlobalInterval(value - half, value + half, True)


def bounded_half_width(segments: Sequence[tuple[Array, Array]]) -> float:
    """The largest half width that the segments' intervals permit for their mean; NaN where it is unknown.

    It assumes that the errors of all segments have the same sign. Errors that differ cancel in the mean.

    Args:
        segments: of each slice, half the widths of the segments' intervals [S] and the segments' areas [S].
    """
    halves = np.concatenate([np.asarray(half, dtype=np.float64) for half, _ in segments]) if segments else np.empty(0)
    areas = np.concatenate([np.asarray(area, dtype=np.float64) for _, area in segments]) if segments else np.empty(0)
    known = np.isfinite(halves) & (areas > 0)
    return float(np.average(halves[known], weights=areas[known])) if known.any() else float("nan")
