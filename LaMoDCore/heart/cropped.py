"""Fields of one slice that are zero far from the heart, stored within a box."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from LaMoDCore.heart.geometry import Array

#: A box that covers more of the image than this is not worth a copy.
_WORTH_CROPPING = 0.5

_Class = TypeVar("_Class")


class Cropped:
    """A field [..., H, W] that is zero outside a box. Displacement fills a tenth of a slice, and only that is stored.

    Args:
        values: [..., h, w], the field within the box.
        corner: row and column of the box's first pixel.
        size: (H, W).
    """

    def __init__(self, values: Array, corner: tuple[int, int], size: tuple[int, int]) -> None:
        self.values, self.size = values, size
        self.rows, self.columns = (
            slice(start, start + length) for start, length in zip(corner, values.shape[-2:], strict=True)
        )
        self._whole: weakref.ref[Array] | None = None

    @classmethod
    def of(cls, field: Array) -> Cropped:
        """Store the smallest box around all values that are not zero; a field that fills its image is not copied."""
        field = np.asarray(field)
        height, width = field.shape[-2:]
        present: Array = np.any(field, axis=tuple(range(field.ndim - 2)))
        sides = [_extent(np.any(present, axis=axis)) for axis in (1, 0)]
        (top, bottom), (left, right) = sides
        if (bottom - top) * (right - left) > _WORTH_CROPPING * height * width:
            return cls(field, (0, 0), (height, width))
        return cls(field[..., top:bottom, left:right].copy(), (top, left), (height, width))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole field."""
        return (*self.values.shape[:-2], *self.size)

    def whole(self) -> Array:
        """The whole field, read-only and made at each call unless an earlier one is still in use."""
        found = None if self._whole is None else self._whole()
        if found is None:
            if self.values.shape == self.shape:
                found = self.values.view()
            else:
                found = np.zeros(self.shape, dtype=self.values.dtype)
                found[..., self.rows, self.columns] = self.values
            found.setflags(write=False)  # a change of a copy would not reach the stored values
            self._whole = weakref.ref(found)
        return found

    def __getitem__(self, key: Any) -> Cropped:
        """The field at an index, slice or indices of its first axis."""
        return Cropped(self.values[key], (self.rows.start, self.columns.start), self.size)

    def covering(self, mask: Array) -> Cropped:
        """This field, with a box that contains the pixels of a mask [H, W]."""
        if np.count_nonzero(mask[self.rows, self.columns]) == np.count_nonzero(mask):
            return self
        return Cropped(self.whole(), (0, 0), self.size)

    def at(self, mask: Array) -> Array:
        """The values [..., P] at the pixels of a mask [H, W], in the order of ``mask.nonzero()``."""
        in_box = mask[self.rows, self.columns]
        values = self.values[..., in_box]
        count = int(np.count_nonzero(mask))
        if values.shape[-1] == count:
            return values
        rows, columns = np.nonzero(mask)
        here = (rows >= self.rows.start) & (rows < self.rows.stop)
        here &= (columns >= self.columns.start) & (columns < self.columns.stop)
        everywhere = np.zeros((*values.shape[:-1], count), dtype=values.dtype)
        everywhere[..., here] = values
        return everywhere

    def stored(self) -> Any:
        """This field where a class with `cropped_fields` expects an array."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_whole": None}


class _CroppedField:
    """Attribute that is stored as `Cropped` and made whole at each access."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object | None, owner: type | None = None) -> Array:
        if instance is None:
            raise AttributeError(self._name)
        return cropped(instance, self._name).whole()

    def __set__(self, instance: object, value: Array | Cropped) -> None:
        vars(instance)[self._name] = value if isinstance(value, Cropped) else Cropped.of(value)


def cropped_fields(*names: str) -> Callable[[type[_Class]], type[_Class]]:
    """Class decorator: store these attributes of a dataclass, arrays [..., H, W], as `Cropped`.

    Instances are made from arrays or from `Cropped.stored`; each access of the attribute makes the whole array.
    """

    def decorated(cls: type[_Class]) -> type[_Class]:
        for name in names:
            setattr(cls, name, _CroppedField(name))
        return cls

    return decorated


def cropped(instance: object, name: str) -> Cropped:
    """The stored part of an attribute of a class with `cropped_fields`."""
    stored: Cropped = vars(instance)[name]
    return stored


def _extent(present: Array) -> tuple[int, int]:
    """First and last index + 1 where a line is True; (0, 0) for none."""
    found = np.flatnonzero(present)
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 0)
