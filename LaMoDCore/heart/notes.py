"""Notes: what was assumed about an input or is doubtful about a result, as data.

A note names no file, series or person: `Note.text` may be shown to anybody. The terminal, the report and Slicer render
notes with `grouped` and add remedies in their own words; nothing depends on the wording of `Note.text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["info", "warning", "error"]
#: From the least to the most severe.
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


@dataclass(frozen=True)
class NoteCode:
    """One row of the table of codes.

    Attributes:
        severity: info for assumptions that are usually right, warning for what must be looked at, error where numbers
            are wrong or missing.
        meaning: one sentence for the reference page.
        remedy: what to do, in words that fit every user interface; "" where nothing needs to be done.
    """

    severity: Severity
    meaning: str
    remedy: str = ""


#: Every code that a note can have.
CODES: dict[str, NoteCode] = {
    "synthetic_heart": NoteCode("info", "The case is a synthetic heart."),
}


@dataclass(frozen=True)
class Note:
    """One assumption or doubt.

    Attributes:
        code: key of `CODES`; programs use it instead of the text.
        severity: info, warning or error.
        text: one sentence without names of files, series or persons, without the slice and the frame it concerns.
        remedy: what to do, in words that fit every user interface; "" where nothing needs to be done.
        slice: counted from 1 at the base; None where the note concerns the whole case.
        frame: counted from 0; None where it concerns all frames.
        source: name of the file or series, for the terminal and the researcher's files; never shown in a report.
    """

    code: str
    severity: Severity
    text: str
    remedy: str = ""
    slice: int | None = None
    frame: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"there is no note code {self.code!r}; add it to LaMoDCore.heart.notes.CODES")
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity must be one of {', '.join(SEVERITIES)}, got {self.severity!r}")

    def to_dict(self) -> dict[str, Any]:
        """The note as strain.json and `lamod check --json` hold it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "slice": self.slice,
            "frame": self.frame,
            "text": self.text,
            "remedy": self.remedy,
            **({"source": self.source} if self.source else {}),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Note:
        """The note of `to_dict`.

        Raises:
            ValueError: a key is missing, or a value is not one that a note can have.
        """
        try:
            return cls(
                code=str(stored["code"]),
                severity=stored["severity"],
                text=str(stored["text"]),
                remedy=str(stored.get("remedy", "")),
                slice=None if stored.get("slice") is None else int(stored["slice"]),
                frame=None if stored.get("frame") is None else int(stored["frame"]),
                source=str(stored.get("source", "")),
            )
        except (KeyError, TypeError) as fault:
            raise ValueError(f"not a note: {fault}") from fault


def note(
    code: str,
    text: str,
    *,
    slice: int | None = None,
    frame: int | None = None,
    source: str = "",
    severity: Severity | None = None,
    remedy: str | None = None,
) -> Note:
    """A note with the severity and the remedy of its code, unless others are given."""
    row = CODES.get(code)
    if row is None:
        raise ValueError(f"there is no note code {code!r}; add it to LaMoDCore.heart.notes.CODES")
    return Note(
        code=code,
        severity=row.severity if severity is None else severity,
        text=text,
        remedy=row.remedy if remedy is None else remedy,
        slice=slice,
        frame=frame,
        source=source,
    )


@dataclass(frozen=True)
class NoteGroup:
    """Equal notes of several slices or frames, rendered as one.

    Attributes:
        note: the first of them.
        slices: counted from 1, sorted; empty where the whole case is meant.
        frames: counted from 0, sorted, without duplicates; empty where all frames are meant.
    """

    note: Note
    slices: tuple[int, ...]
    frames: tuple[int, ...]


def grouped(notes: Iterable[Note]) -> list[NoteGroup]:
    """Notes with the same code, text and remedy as one group each, the most severe first, else in the given order.

    Notes of several frames are joined within a slice first; slices are joined where they concern the same frames.
    """
    frames_of: dict[tuple[str, str, str, int | None], list[Note]] = {}
    for each in notes:
        frames_of.setdefault((each.code, each.text, each.remedy, each.slice), []).append(each)
    slices_of: dict[tuple[str, str, str, tuple[int, ...]], list[Note]] = {}
    for (code, text, remedy, _), members in frames_of.items():
        frames = tuple(sorted({n.frame for n in members if n.frame is not None}))
        slices_of.setdefault((code, text, remedy, frames), []).append(members[0])
    groups = [
        NoteGroup(members[0], tuple(sorted({n.slice for n in members if n.slice is not None})), frames)
        for (_, _, _, frames), members in slices_of.items()
    ]
    return sorted(groups, key=lambda group: -SEVERITIES.index(group.note.severity))


def number_list(numbers: Sequence[int]) -> str:
    """``3``, ``3 and 5``, ``3–6, 9 and 11``: sorted numbers with runs of three or more joined."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words: list[str] = []
    for run in runs:
        words += [f"{run[0]}–{run[-1]}"] if len(run) > 2 else [str(number) for number in run]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
