"""Notes on the terminal: grouped, the most severe first, with the option that changes an assumption."""

from __future__ import annotations

from collections.abc import Iterable

from LaMoDCore.heart.notes import Note, NoteGroup, grouped, number_list

#: Code -> option of `lamod predict` or `lamod dense` that replaces the assumption.
OPTIONS = {
    "cycle_not_closed": "--rr MS",
    "cycle_partly_covered": "--rr MS",
    "dense_frame_step_assumed": "--frame-ms MS",
    "dense_rr_assumed": "--rr-ms MS",
    "frame_step_ignored": "--rr MS",
    "insertion_contradicts_label": "--rv-insertion X,Y,Z",
    "insertion_from_cine": "--rv-insertion X,Y,Z",
    "insertion_from_label": "--rv-insertion X,Y,Z",
    "labels_by_shape": "--labels myo=2,rv=1",
    "levels_proposed": "--levels base,mid,apex",
    "long_axis_labels_by_shape": "--long-axis-labels myo=2",
    "long_axis_view_contradicted": "--long-axis-views 4ch,2ch,3ch",
    "long_axis_views_recognised": "--long-axis-views 4ch,2ch,3ch",
    "mask_frame_assumed": "--mask-frames N",
    "reference_frame_found": "--reference-frame N",
    "rr_assumed": "--rr MS",
    "rr_contradicted": "--rr MS",
    "rr_too_short": "--rr MS",
    "rr_unit_guessed": "--rr MS",
    "rv_insertion_assumed": "--rv-insertion X,Y,Z",
}
#: Maximum number of sources named in one line; the rest are counted.
_MAX_SOURCES = 3


def note_lines(notes: Iterable[Note]) -> list[str]:
    """One line per group of notes: ``warning: slices 3–5 (a.nii, b.nii), frame 2: text remedy``.

    Slices count from 1 at the base, frames from 0.
    """
    listed = list(notes)
    return [_line(group, _sources(group, listed)) for group in grouped(listed)]


def print_notes(notes: Iterable[Note]) -> None:
    """Print `note_lines`."""
    for line in note_lines(notes):
        print(line)


def _line(group: NoteGroup, sources: list[str]) -> str:
    named = ", ".join(sources[:_MAX_SOURCES])
    if len(sources) > _MAX_SOURCES:
        named += f" and {len(sources) - _MAX_SOURCES} more"
    where = []
    if group.slices:
        numbers = f"slice{'s' if len(group.slices) > 1 else ''} {number_list(group.slices)}"
        where.append(f"{numbers} ({named})" if named and named != numbers else numbers)
    elif named:
        where.append(named)
    if group.frames:
        where.append(f"frame{'s' if len(group.frames) > 1 else ''} {number_list(group.frames)}")
    text = " ".join(part for part in (group.note.text, _remedy(group.note)) if part)
    return ": ".join(part for part in (group.note.severity, ", ".join(where), text) if part)


def _remedy(note: Note) -> str:
    option = OPTIONS.get(note.code)
    if option is None:
        return note.remedy
    return f"{note.remedy.removesuffix('.')} ({option})." if note.remedy else f"Use {option} to change this."


def _sources(group: NoteGroup, notes: list[Note]) -> list[str]:
    """Sources of the notes in a group, in their order."""
    first = group.note
    members = [
        each
        for each in notes
        if (each.code, each.text, each.remedy) == (first.code, first.text, first.remedy)
        and (each.slice in group.slices if group.slices else each.slice is None)
    ]
    return list(dict.fromkeys(each.source for each in members if each.source))
