"""strain.json: the summary of a result as strict JSON.

``schema_version`` 2 holds ``notes``, one object per note, slice and frame (see `LaMoDCore.heart.notes`). Version 1 had
sentences instead: ``notes`` about the input and ``quality`` about the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.contour_convention import ConventionUsed
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import json_values, read_json, write_json
from LaMoDCore.runtime.plain_text import counted

SCHEMA_VERSION = 2
#: Code of the sentences of schema version 1.
_VERSION_1 = "version_1_note"


@dataclass(frozen=True, eq=False)
class SummaryFile:
    """The contents of strain.json.

    Attributes:
        summary: every key but ``notes`` and, of version 1, ``quality``.
        notes: assumptions about the input and doubts about the result.
    """

    summary: Mapping[str, Any]
    notes: tuple[Note, ...]


def write_strain_json(result: StrainResult, path: Path) -> None:
    """Write the summary, its keys in their own order, and the notes on the input and the result.

    Each slice gets its ``number``, from 1 at the base, which tables and report use; the slice's name may contain
    another number, its position in the file.
    """
    summary: dict[str, Any] = {"schema_version": SCHEMA_VERSION, **result.summary}
    if "slices" in summary:
        summary["slices"] = [{"number": number, **part} for number, part in enumerate(summary["slices"], 1)]
    summary["notes"] = [each.to_dict() for each in result.notes]
    write_json(path, json_values(summary))


def read_strain_json(path: str | Path) -> SummaryFile:
    """Read what `write_strain_json` wrote, in schema version 1 or 2.

    Raises:
        LaMoDInputError: the file is missing or damaged, or of a later schema version.
    """
    content = read_json(Path(path), "choose a folder that `lamod predict` wrote")
    version = content.get("schema_version", 1)
    if version not in (1, SCHEMA_VERSION):
        raise LaMoDInputError(path, f"its schema version is {version!r}", "update LaMoD")
    try:
        notes = notes_of(content)
    except ValueError as error:
        raise LaMoDInputError(path, f"its notes cannot be read ({error})", "predict again") from error
    return SummaryFile({key: value for key, value in content.items() if key not in ("notes", "quality")}, notes)


def notes_of(content: Mapping[str, Any]) -> tuple[Note, ...]:
    """The notes in the contents of strain.json, of either schema version.

    Raises:
        ValueError: an entry is not a note, or they are not a list.
    """
    for name in ("notes", "quality"):
        if not isinstance(content.get(name, []), list):
            raise ValueError(f"{name} must be a list")
    if content.get("schema_version", 1) != 1:
        return tuple(Note.from_dict(stored) for stored in content.get("notes", []))
    sentences = [*content.get("notes", []), *content.get("quality", [])]
    return tuple(note(_VERSION_1, str(sentence)) for sentence in dict.fromkeys(map(str, sentences)))


def conventions_of(summary: Mapping[str, Any]) -> tuple[ConventionUsed, ...]:
    """The contour convention used for each slice in the contents of strain.json; empty if they are not stored."""
    slices = summary.get("slices")
    parts = slices if isinstance(slices, list) else []
    stored = [part.get("contour_convention") if isinstance(part, Mapping) else None for part in parts]
    found = [ConventionUsed.from_dict(each) for each in stored]
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) else ()


def shareable_notes(notes: Sequence[Note], summary: Mapping[str, Any]) -> tuple[Note, ...]:
    """Notes for pages and scenes that are passed on: without the sentences of LaMoD 1.x, which may name files.

    One note replaces these sentences. The flags of slices that are unlike the training data are kept, because version
    1 stored them with their slices as well.

    Args:
        notes: the notes of a result.
        summary: the contents of its strain.json.
    """
    old = [each for each in notes if each.code == _VERSION_1]
    if not old:
        return tuple(notes)
    flags = [(number, part.get("unlike_training") or {}) for number, part in enumerate(summary.get("slices", []), 1)]
    unlike = [note("unlike_training", flag["sentence"], slice=n) for n, flag in flags if flag.get("flagged")]
    text = f"LaMoD 1.x stored {counted(len(old), 'note')} that may name files and are not shown."
    return (*unlike, replace(old[0], text=text), *(each for each in notes if each.code != _VERSION_1))
