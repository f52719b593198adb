"""The masks of a slice as they were mended, step by step, with a way back to the original."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array


@dataclass(frozen=True)
class Change:
    """One step: what it was called, which frames it changed and how many pixels of them."""

    name: str
    frames: tuple[int, ...]
    pixels: int


class ContourHistory:
    """A stack of masks [T, H, W]; the first is the original and is never lost.

    Args:
        original: as drawn.
    """

    def __init__(self, original: Array) -> None:
        self._states: list[Array] = [self._kept(original)]
        self._changes: list[Change] = []

    @staticmethod
    def _kept(masks: Array) -> Array:
        copy = np.array(masks, dtype=bool)
        copy.setflags(write=False)
        return copy

    @property
    def original(self) -> Array:
        return self._states[0]

    @property
    def current(self) -> Array:
        return self._states[-1]

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was done, first to last."""
        return tuple(self._changes)

    def apply(self, name: str, masks: Array) -> Change | None:
        """Take masks as the next step; None where they change nothing.

        Raises:
            ValueError: another shape.
        """
        if masks.shape != self.current.shape:
            raise ValueError(f"masks must be {self.current.shape}, got {masks.shape}")
        different = np.asarray(masks, dtype=bool) != self.current
        if not different.any():
            return None
        frames = tuple(int(t) for t in np.flatnonzero(different.any(axis=(1, 2))))
        change = Change(name, frames, int(different.sum()))
        self._states.append(self._kept(masks))
        self._changes.append(change)
        return change

    def undo(self) -> Change | None:
        """Take the last step back; None where there is none."""
        if not self._changes:
            return None
        self._states.pop()
        return self._changes.pop()
