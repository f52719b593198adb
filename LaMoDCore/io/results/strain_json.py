"""strain.json: the result's summary as JSON that every reader accepts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import StrainResult


def plain(value: Any) -> Any:
    """Numbers, arrays and mappings as plain JSON values; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"a summary cannot hold a {type(value).__name__}")


def write_strain_json(result: StrainResult, path: Path) -> None:
    """Write the summary, its keys in their own order, and the case's notes: what was assumed of the input.

    Each slice gets its ``number``, from 1 at the base, by which tables and report call it: its name may hold another,
    that of its place in the file.
    """
    summary = {**result.summary, "notes": list(result.case.notes)}
    if "slices" in summary:
        summary["slices"] = [{"number": number, **part} for number, part in enumerate(summary["slices"], 1)]
    text = json.dumps(plain(summary), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
