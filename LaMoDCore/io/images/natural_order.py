"""Sort names by the numbers in them: frame 2 before frame 10."""

from __future__ import annotations

import re
from pathlib import Path


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sort key of a file name that puts frame 2 before frame 10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return tuple((0, int(p), "") if p.isdecimal() and len(p) < 100 else (1, 0, p) for p in parts)
