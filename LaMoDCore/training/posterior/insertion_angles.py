"""Orientation of the hearts of a dataset, for the unlike-training flag."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.orientation import insertion_angle
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex, read_dataset_case
from LaMoDCore.training.data.cache import cine_slice


def insertion_angles(index: DatasetIndex, entries: Iterable[DatasetEntry]) -> Array:
    """Angles [M] in rad, see `insertion_angle`, of the cases with known insertion point."""
    found = []
    for entry in entries:
        case = read_dataset_case(index.folder, entry.id)
        angle = insertion_angle(cine_slice(case, case.masks), case.reference_frame, case.rv_insertion_lps)
        if angle is not None:
            found.append(angle)
    return np.array(found)
