"""Values of a DICOM header, wherever classic and enhanced multi-frame files keep them; None for what makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from LaMoDCore.heart.geometry import Array


def first_item(dataset: Dataset, keyword: str) -> Dataset | None:
    """The first item of a sequence, if there is one."""
    sequence = dataset.get(keyword)
    return sequence[0] if sequence is not None and len(sequence) else None


def number(value: Any) -> float | None:
    """A finite number."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None


def integer(value: Any) -> int | None:
    """A finite number without its fraction."""
    found = number(value)
    return None if found is None else int(found)


def vector(value: Any, length: int) -> Array | None:
    """[length] finite numbers."""
    try:
        found = np.array([float(v) for v in value])
    except (TypeError, ValueError):
        return None
    return found if found.shape == (length,) and np.isfinite(found).all() else None


def values(groups: Sequence[Dataset], *places: tuple[str, str]) -> Any:
    """The first value found: for each (macro, keyword), in the frame's groups, the shared ones, the top."""
    for macro, keyword in places:
        for group in groups:
            holder = first_item(group, macro) if macro else group
            value = None if holder is None else holder.get(keyword)
            if value is not None and value != "":
                return value
    return None


def lookup(groups: Sequence[Dataset], *places: tuple[str, str]) -> float | None:
    """`values` as a number."""
    return number(values(groups, *places))
