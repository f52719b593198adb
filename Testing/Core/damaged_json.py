"""A value of a JSON file, changed or removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: In place of a value: remove the field.
REMOVED = ...


def damage(path: Path, place: tuple[str | int, ...], value: Any) -> None:
    """Replace the value at a place, such as ("views", 0, "name"), by another one or `REMOVED`."""
    content = json.loads(path.read_text(encoding="utf-8"))
    part = content
    for key in place[:-1]:
        part = part[key]
    if value is REMOVED:
        del part[place[-1]]
    else:
        part[place[-1]] = value
    path.write_text(json.dumps(content), encoding="utf-8")
