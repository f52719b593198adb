"""Fields of one slice that are stored on the pixels of the wall only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from LaMoDCore.heart.geometry import Array


class WallFields(Mapping[str, Array]):
    """Name -> field [..., H, W], NaN outside the wall. The wall is a tenth of a slice or less, and only it is stored.

    Each access by name makes the whole array; `on_wall` gives the stored values.

    Args:
        wall: bool [H, W].
        values: name -> float32 [..., P] at the wall's P pixels, in the order of ``wall.nonzero()``.
    """

    def __init__(self, wall: Array, values: Mapping[str, Array]) -> None:
        self.wall = np.asarray(wall, dtype=bool)
        self._values = dict(values)

    def __getitem__(self, name: str) -> Array:
        return on_grid(self._values[name], self.wall)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def on_wall(self, name: str) -> Array:
        """The values [..., P] of one field."""
        return self._values[name]

    def mapped(self, function: Callable[[str, Array], Array]) -> WallFields:
        """The fields ``function(name, values [..., P])``."""
        return WallFields(self.wall, {name: function(name, values) for name, values in self._values.items()})


def on_grid(values: Array, wall: Array) -> Array:
    """Values [..., P] at the pixels of a wall [H, W] as float32 [..., H, W] with NaN elsewhere."""
    grid = np.full((*values.shape[:-1], *wall.shape), np.nan, dtype=np.float32)
    grid[..., wall] = values
    return grid


def wall_values(fields: Mapping[str, Array], name: str, wall: Array) -> Array:
    """The values [..., P] of one field at the pixels of a wall [H, W]."""
    return fields.on_wall(name) if isinstance(fields, WallFields) else fields[name][..., wall]
