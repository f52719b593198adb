"""What is known of many slices, an array a fact: put together and picked from by slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from LaMoDCore.heart.geometry import Array

Bank = TypeVar("Bank", bound="SliceBank")


@dataclass(frozen=True, eq=False)
class SliceBank:
    """N slices; every field of a bank is an array whose first axis they are along."""

    @classmethod
    def joined(cls: type[Bank], banks: Sequence[Bank]) -> Bank:
        """The slices of all banks, one bank's after the other's."""
        return cls(**{f.name: np.concatenate([getattr(bank, f.name) for bank in banks]) for f in fields(cls)})

    def of(self: Bank, chosen: Array) -> Bank:
        """Some of the slices."""
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})
