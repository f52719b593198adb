"""Settings as frozen dataclasses: each field has a type, given by its default, and a range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from LaMoDCore.runtime.schema import LARGEST, Kind, ListOf, Number, Text, Whole, shown

_LARGEST_INTEGER = 2**31 - 1


def within(default: Any, least: float, most: float | None = None) -> Any:
    """A dataclass field with the range of its values."""
    return field(default=default, metadata={"least": least, "most": most})


def field_faults(settings: Any) -> Iterator[str]:
    """Faults of the numbers and texts of a dataclass: outside their field's range, not finite or not printable."""
    for each in fields(settings):
        value = getattr(settings, each.name)
        least, most = each.metadata.get("least"), each.metadata.get("most")
        kind: Kind
        if isinstance(value, bool) or is_dataclass(value):
            continue
        if isinstance(value, int):
            kind = Whole(-_LARGEST_INTEGER if least is None else least, _LARGEST_INTEGER if most is None else most)
        elif isinstance(value, float):
            kind = Number(-LARGEST if least is None else least, LARGEST if most is None else most)
        elif isinstance(value, str):
            kind = Text()
        elif isinstance(value, tuple):
            kind = ListOf(Text(), most=100)
        else:
            continue
        yield from kind.faults(value, each.name)


def check_ranges(settings: Any) -> None:
    """Raises ValueError for the first of `field_faults`; for a dataclass's `__post_init__`."""
    for fault in field_faults(settings):
        raise ValueError(fault)


def checked(kind: Any, values: Any) -> Any:
    """Construct the dataclass `kind`, whose fields all have defaults, from a JSON object.

    Raises:
        ValueError: a key is unknown, or a number is outside its range; the message names it.
        TypeError: a value is not of the type of the field's default.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{kind.__name__} must be a JSON object, got {type(values).__name__}")
    known = {f.name: f for f in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        near = get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
        raise ValueError(f"{kind.__name__} has no setting {shown(unknown[0])}; {hint}")
    example = kind()
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        expected = getattr(example, key)
        if isinstance(expected, tuple) and isinstance(value, list):
            arguments[key] = tuple(value)
        elif isinstance(expected, float) and isinstance(value, int) and not isinstance(value, bool):
            arguments[key] = float(value)
        elif isinstance(value, type(expected)) and isinstance(value, bool) == isinstance(expected, bool):
            arguments[key] = value
        else:
            raise TypeError(f"{kind.__name__}.{key} must be of type {type(expected).__name__}, got {shown(value)}")
    settings = kind(**arguments)
    check_ranges(settings)
    return settings
