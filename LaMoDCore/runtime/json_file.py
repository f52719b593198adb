"""JSON objects in files: read with an error for the user, read if there is one, replaced in one step."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.runtime.atomic import write_text
from LaMoDCore.runtime.bounded_reads import read_file
from LaMoDCore.runtime.errors import LaMoDInputError

#: Limits of every JSON file: bytes, values, nesting of lists and objects, and digits of an integer.
_MOST_BYTES, _MOST_VALUES, _DEEPEST, _LARGEST = 1 << 26, 6_000_000, 64, 2**63


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text of limited size, depth and integers.

    Raises:
        ValueError: it is not JSON, or is larger, deeper or has a larger integer than any file of LaMoD.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    if len(text) > _MOST_BYTES or text.count(",") + text.count("[") + text.count("{") > _MOST_VALUES:
        raise ValueError("it is too large")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            raise ValueError(f"it is not JSON: {error}") from None
        raise ValueError(_TOO_LARGE_INTEGER) from None  # beyond the digits that Python converts
    _check_values(value)
    return value


_TOO_DEEP = f"its lists and objects are nested more than {_DEEPEST} deep"
_TOO_LARGE_INTEGER = "an integer in it has too many digits"


def _check_values(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST + 1):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(each.values())
            elif isinstance(each, list):
                inner.extend(each)
            elif isinstance(each, int) and not -_LARGEST <= each < _LARGEST:
                raise ValueError(_TOO_LARGE_INTEGER)
        if not inner:
            return
        level = inner
    raise ValueError(_TOO_DEEP)


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """The JSON object in a file of limited size, depth and integers.

    Raises:
        LaMoDInputError: the file contains no JSON object; the message ends with `remedy`.
    """
    if not os.path.exists(path):
        raise LaMoDInputError(path, "the file does not exist", remedy)
    try:
        content = parse_json(read_file(path, _MOST_BYTES))
    except LaMoDInputError as error:
        raise LaMoDInputError(path, error.reason, remedy) from None
    except ValueError as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise LaMoDInputError(path, reason, remedy) from None
    if not isinstance(content, dict):
        raise LaMoDInputError(path, "it holds no JSON object", remedy)
    return content


def json_object_if_any(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if the file is missing, incomplete or contains something else."""
    try:
        return read_json(path, "")
    except LaMoDInputError:
        return {}


def write_json(
    path: Path, content: Mapping[str, Any], *, indent: int = 2, sort_keys: bool = False, allow_nan: bool = False
) -> None:
    """Replace a file by a JSON object in one step; the same content gives the same bytes.

    Args:
        path: the file; its folder exists.
        content: the object.
        indent, sort_keys, allow_nan: see `json.dumps`.

    Raises:
        OSError: it cannot be written.
        ValueError: a value is not finite, unless `allow_nan`.
    """
    write_text(path, json_text(content, indent=indent, sort_keys=sort_keys, allow_nan=allow_nan))


def json_text(content: Mapping[str, Any], *, indent: int = 2, sort_keys: bool = False, allow_nan: bool = False) -> str:
    """The text that `write_json` writes."""
    text = json.dumps(content, indent=indent, sort_keys=sort_keys, allow_nan=allow_nan, ensure_ascii=False)
    # a file name that is not UTF-8 becomes an escape sequence of JSON, from which it is read back
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def json_values(value: Any) -> Any:
    """Convert numbers, arrays and mappings to plain JSON values; values that are not finite become None.

    Raises:
        TypeError: a value of another type.
    """
    if isinstance(value, Mapping):
        return {str(key): json_values(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return json_values(value.tolist())
    if isinstance(value, list | tuple):
        return [json_values(entry) for entry in value]
    if isinstance(value, np.generic):
        return json_values(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"JSON cannot hold a {type(value).__name__}")
