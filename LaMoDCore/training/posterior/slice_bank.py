"""Data of many slices, one array per quantity, which can be joined and selected by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from LaMoDCore.heart.geometry import Array

Bank = TypeVar("Bank", bound="SliceBank")


@dataclass(frozen=True, eq=False)
class SliceBank:
    """N slices; every field of a bank is an array whose first axis is the slice."""

    @classmethod
    def joined(cls: type[Bank], banks: Sequence[Bank]) -> Bank:
        """The slices of all banks, in the order of the banks."""
        return cls(**{f.name: np.concatenate([getattr(bank, f.name) for bank in banks]) for f in fields(cls)})

    def select(self: Bank, chosen: Array) -> Bank:
        """The slices with these numbers."""
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})
