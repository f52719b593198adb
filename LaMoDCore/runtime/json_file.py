"""JSON objects in files: read with an error for the user, read if there is one, replaced in one step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from LaMoDCore.runtime.atomic import write_text
from LaMoDCore.runtime.errors import LaMoDInputError


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        LaMoDInputError: there is none; with `remedy` as what to do.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LaMoDInputError(path, "the file does not exist", remedy) from None
    except (OSError, ValueError) as fault:
        raise LaMoDInputError(path, f"it cannot be read as JSON ({fault})", remedy) from None
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
