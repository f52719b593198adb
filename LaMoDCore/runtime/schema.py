"""Kinds of values in LaMoD's files, and their faults: type, range, length, shape and finiteness.

Every file format of LaMoD declares its fields with these kinds, so that each fault is found and named in the same way:

    CASE = Record({"level": Text(choices=LEVELS), "rv_insertion_lps": Optional(Numbers((3,)))}, required=("level",))
    for fault in CASE.faults(content): ...
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_names import name_fault
from LaMoDCore.runtime.plain_text import one_line

Array = npt.NDArray[Any]
#: Largest magnitude of any number: coordinates, times and weights are far smaller.
LARGEST = 1e12


class Kind(Protocol):
    """What a value must be."""

    def faults(self, value: Any, name: str) -> Iterator[str]:
        """One clause per fault of a value, which begins with its name; none if it is valid."""


@dataclass(frozen=True)
class Text:
    """Printable text.

    Attributes:
        choices: the allowed texts; any if empty.
        most: largest number of characters.
        filled: whether it must not be empty.
    """

    choices: Sequence[str] = ()
    most: int = 500
    filled: bool = False

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{name} must be text, got {shown(value)}"
        elif self.choices and value not in self.choices:
            yield f"{name} is {shown(value)}, give one of {', '.join(self.choices)}"
        elif len(value) > self.most:
            yield f"{name} has {len(value)} characters, more than {self.most}"
        elif not value.isprintable():
            yield f"{name} has control characters: {shown(value)}"
        elif self.filled and not value.strip():
            yield f"{name} is empty"


@dataclass(frozen=True)
class FolderName:
    """A name that can be a folder on every system."""

    def faults(self, value: Any, name: str) -> Iterator[str]:
        found = list(Text().faults(value, name))
        yield from found
        if not found and (fault := name_fault(value)):
            yield f"{name} {shown(value)} is not a folder name: {fault}"


@dataclass(frozen=True)
class Number:
    """A finite number from `least` to `most`."""

    least: float = -LARGEST
    most: float = LARGEST

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{name} must be a number, got {shown(value)}"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{name} is not finite"
        elif not self.least <= value <= self.most:
            yield f"{name} is {shown(value)}, it must be {_allowed(self.least, self.most)}"


@dataclass(frozen=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int = -(2**31)
    most: int = 2**31 - 1

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield f"{name} must be a whole number, got {shown(value)}"
        elif not self.least <= value <= self.most:
            yield f"{name} is {shown(value)}, it must be {_allowed(self.least, self.most)}"


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if not isinstance(value, bool):
            yield f"{name} must be true or false, got {shown(value)}"


@dataclass(frozen=True)
class Optional:
    """A value of another kind, or null."""

    kind: Kind

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if value is not None:
            yield from self.kind.faults(value, name)


@dataclass(frozen=True)
class Either:
    """A value of one of several kinds; the faults are those of the last."""

    kinds: Sequence[Kind]

    def faults(self, value: Any, name: str) -> Iterator[str]:
        found = [list(kind.faults(value, name)) for kind in self.kinds]
        if all(found):
            yield from found[-1]


@dataclass(frozen=True)
class ListOf:
    """A list whose entries are of one kind.

    Attributes:
        kind: the kind of every entry.
        least, most: limits of its length.
    """

    kind: Kind
    least: int = 0
    most: int = 1_000_000

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if not isinstance(value, list | tuple):
            yield f"{name} must be a list, got {shown(value)}"
        elif not self.least <= len(value) <= self.most:
            yield f"{name} has {len(value)} entries, it must have {_allowed(self.least, self.most)}"
        else:
            for number, each in enumerate(value):
                yield from self.kind.faults(each, f"{name}[{number}]")


@dataclass(frozen=True)
class Items:
    """A list with a kind for each entry."""

    kinds: Sequence[Kind]

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if not isinstance(value, list | tuple) or len(value) != len(self.kinds):
            yield f"{name} must be a list of {len(self.kinds)}, got {shown(value)}"
        else:
            for number, (kind, each) in enumerate(zip(self.kinds, value, strict=True)):
                yield from kind.faults(each, f"{name}[{number}]")


@dataclass(frozen=True)
class Numbers:
    """Nested lists of finite numbers with a shape, such as (4, 4); -1 is any length.

    Attributes:
        shape: length of each level.
        least, most: limits of the numbers.
        increasing: whether a list must increase.
    """

    shape: tuple[int, ...]
    least: float = -LARGEST
    most: float = LARGEST
    increasing: bool = False

    def faults(self, value: Any, name: str) -> Iterator[str]:
        found = _numbers(value)
        if found is None or not _fits(found.shape, self.shape):
            wanted = " × ".join("N" if n < 0 else str(n) for n in self.shape)
            yield f"{name} must be {wanted} numbers, got {shown(value)}"
        else:
            yield from ArrayOf(self.shape, "fiu", self.least, self.most, increasing=self.increasing).faults(found, name)


@dataclass(frozen=True)
class ArrayOf:
    """A NumPy array.

    Attributes:
        shape: length of each axis; -1 is any.
        kinds: allowed kinds of NumPy types: f, i, u, b.
        least, most: limits of the numbers.
        finite: whether all numbers must be finite.
        increasing: whether a vector must increase.
    """

    shape: tuple[int, ...]
    kinds: str = "fiu"
    least: float = -LARGEST
    most: float = LARGEST
    finite: bool = True
    increasing: bool = False

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in self.kinds:
            found = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
            yield f"{name} is of type {found}"
            return
        if not _fits(value.shape, self.shape):
            wanted = ", ".join("N" if n < 0 else str(n) for n in self.shape)
            yield f"{name} has the shape {value.shape}, it must be ({wanted})"
            return
        if value.dtype.kind == "b" or value.size == 0:
            return
        finite = value if value.dtype.kind != "f" else value[np.isfinite(value)]
        if self.finite and finite.size < value.size:
            yield f"{name} is not finite"
            return
        if finite.size == 0:
            return
        low, high = float(finite.min()), float(finite.max())
        if low < self.least or high > self.most:
            wrong = low if low < self.least else high
            yield f"{name} contains {wrong:g}, it must be {_allowed(self.least, self.most)}"
        elif self.increasing and (np.diff(value.astype(np.float64)) <= 0).any():
            yield f"the values of {name} do not increase"


@dataclass(frozen=True)
class Anything:
    """A value that is not used."""

    def faults(self, value: Any, name: str) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True)
class Record:
    """An object with named fields.

    Attributes:
        fields: kind of each field.
        required: names of the fields that must exist.
        closed: whether other fields are faults.
    """

    fields: Mapping[str, Kind]
    required: Sequence[str] = ()
    closed: bool = False
    title: str = field(default="it")

    def faults(self, value: Any, name: str = "") -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{name or self.title} must be a JSON object, got {shown(value)}"
            return
        prefix = f"{name}." if name else ""
        for key in self.required:
            if key not in value:
                yield f"{prefix}{key} is missing"
        for key, each in value.items():
            kind = self.fields.get(key)
            if kind is not None:
                yield from kind.faults(each, f"{prefix}{key}")
            elif self.closed:
                yield f"there is no field {shown(f'{prefix}{key}')}, only {', '.join(self.fields)}"


@dataclass(frozen=True)
class ObjectOf:
    """An object whose fields have any names and values of one kind."""

    kind: Kind

    def faults(self, value: Any, name: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{name} must be a JSON object, got {shown(value)}"
            return
        for key, each in value.items():
            yield from self.kind.faults(each, f"{name}.{key}")


def refuse_faults(faults: Iterator[str], source: str | Path, remedy: str) -> None:
    """Raise an error with the first fault and the number of the others.

    Raises:
        LaMoDInputError: there is a fault.
    """
    found = list(faults)
    if found:
        more = f" ({len(found) - 1} more faults)" if len(found) > 1 else ""
        raise LaMoDInputError(source, found[0] + more, remedy)


def shown(value: Any) -> str:
    """A short form of any value for a message."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return "an integer of many digits"
    return one_line(repr(value), 60)


def _allowed(least: float, most: float) -> str:
    if most >= LARGEST or most == 2**31 - 1:
        return f"at least {least}"
    return f"{least} to {most}" if least != most else f"{least}"


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(n in (-1, length) for n, length in zip(wanted, shape, strict=True))


def _numbers(value: Any) -> Array | None:
    """Nested lists of numbers as an array; None if they are ragged or contain something else."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, list | tuple):
            pending.extend(each)
        elif isinstance(each, bool) or not isinstance(each, int | float):
            return None
    try:
        return np.array(value, dtype=np.float64)
    except (ValueError, OverflowError, TypeError):
        return None
