"""A JSON file that may be missing, half-written or another program's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def json_object_if_any(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
