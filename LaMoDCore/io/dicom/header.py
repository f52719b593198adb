"""Values of the headers of classic and enhanced multi-frame DICOM files; None for invalid values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.heart.geometry import Array

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

#: TM, or DT with its day; an offset from UTC is the same for all images of a series.
_CLOCK = re.compile(r"(?:(\d{4})(\d\d)(\d\d))?(\d\d)(\d\d)(\d\d(?:\.\d{1,9})?)(?:[-+]\d{4})?")


def first_item(dataset: Dataset, keyword: str) -> Dataset | None:
    """The first item of a sequence, if there is one."""
    sequence = dataset.get(keyword)
    return sequence[0] if sequence is not None and len(sequence) else None


def number(value: Any) -> float | None:
    """The value as a finite number."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None


def integer(value: Any) -> int | None:
    """The value as an integer; a fraction is cut off."""
    found = number(value)
    return None if found is None else int(found)


def vector(value: Any, length: int) -> Array | None:
    """The value as [length] finite numbers."""
    try:
        found = np.array([float(v) for v in value])
    except (TypeError, ValueError):
        return None
    return found if found.shape == (length,) and np.isfinite(found).all() else None


def values(groups: Sequence[Dataset], *places: tuple[str, str]) -> Any:
    """The first value found for the (macro, keyword) pairs: in the frame's groups, the shared groups, the dataset."""
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


def clock_time_s(groups: Sequence[Dataset], *places: tuple[str, str]) -> float | None:
    """`values` of type TM or DT (PS3.5 6.2) as seconds; of a DT with its day, of a TM since midnight."""
    text = str(values(groups, *places) or "").strip().replace(":", "")
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    year, month, day, hours, minutes, seconds = (part or "0" for part in found.groups())
    try:
        days = date(int(year), int(month), int(day)).toordinal() if found[1] else 0
    except ValueError:
        return None
    return days * 86400.0 + int(hours) * 3600.0 + int(minutes) * 60.0 + float(seconds)
