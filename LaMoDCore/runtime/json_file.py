"""JSON objects in files: read with an error for the user, read if there is one, replaced in one step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.runtime.atomic import write_text
from LaMoDCore.runtime.errors import LaMoDInputError


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        LaMoDInputError: the file contains no JSON object; the message ends with `remedy`.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LaMoDInputError(path, "the file does not exist", remedy) from None
    except (OSError, ValueError) as error:
        raise LaMoDInputError(path, f"it cannot be read as JSON ({error})", remedy) from None
    if not isinstance(content, dict):
        raise LaMoDInputError(path, "it holds no JSON object", remedy)
    return content


def json_object_if_any(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if the file is missing, incomplete or contains something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


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
    text = json.dumps(content, indent=indent, sort_keys=sort_keys, allow_nan=allow_nan, ensure_ascii=False)
    write_text(path, text + "\n")


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
