"""strain.json: the summary of a result as strict JSON.

``schema_version`` 2 holds ``notes``, one object per note, slice and frame (see `LaMoDCore.heart.notes`). Version 1 had
sentences instead: ``notes`` about the input and ``quality`` about the result.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.runtime.errors import LaMoDInputError

SCHEMA_VERSION = 2


@dataclass(frozen=True, eq=False)
class SummaryFile:
    """The contents of strain.json.

    Attributes:
        summary: every key but ``notes`` and, of version 1, ``quality``.
        notes: assumptions about the input and doubts about the result.
    """

    summary: Mapping[str, Any]
    notes: tuple[Note, ...]


def plain(value: Any) -> Any:
    """Numbers, arrays and mappings as plain JSON values; values that are not finite become null."""
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
    """Write the summary, its keys in their own order, and the notes on the input and the result.

    Each slice gets its ``number``, from 1 at the base, which tables and report use; the slice's name may contain
    another number, its position in the file.
    """
    summary: dict[str, Any] = {"schema_version": SCHEMA_VERSION, **result.summary}
    if "slices" in summary:
        summary["slices"] = [{"number": number, **part} for number, part in enumerate(summary["slices"], 1)]
    summary["notes"] = [each.to_dict() for each in result.notes]
    text = json.dumps(plain(summary), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_strain_json(path: str | Path) -> SummaryFile:
    """Read what `write_strain_json` wrote, in schema version 1 or 2.

    Raises:
        LaMoDInputError: the file is missing or damaged, or of a later schema version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LaMoDInputError(path, "the file does not exist", "choose a folder that `lamod predict` wrote") from None
    except (OSError, ValueError) as fault:
        raise LaMoDInputError(path, f"it cannot be read ({fault})", "predict again") from fault
    if not isinstance(content, dict):
        raise LaMoDInputError(path, "it does not hold a JSON object", "predict again")
    version = content.get("schema_version", 1)
    if version not in (1, SCHEMA_VERSION):
        raise LaMoDInputError(path, f"its schema version is {version!r}", "update LaMoD")
    try:
        notes = notes_of(content)
    except ValueError as fault:
        raise LaMoDInputError(path, f"its notes cannot be read ({fault})", "predict again") from fault
    return SummaryFile({key: value for key, value in content.items() if key not in ("notes", "quality")}, notes)


def notes_of(content: Mapping[str, Any]) -> tuple[Note, ...]:
    """The notes in the contents of strain.json, of either schema version.

    Raises:
        ValueError: an entry is not a note.
    """
    if content.get("schema_version", 1) != 1:
        return tuple(Note.from_dict(stored) for stored in content.get("notes", []))
    sentences = [*content.get("notes", []), *content.get("quality", [])]
    return tuple(note("version_1_note", str(sentence)) for sentence in dict.fromkeys(map(str, sentences)))
