"""Slices and files by number, where a text may be shown to others: their names may be a person's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_SUFFIXES = (".seq.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
#: Usual names of files that are words of the sentences, too: ``masks.nii.gz`` is no reason to touch "the masks".
_ORDINARY = frozenset({"apex", "base", "cine", "contours", "heart", "labels", "mask", "masks", "mid", "segments"})


def without_suffix(name: str) -> str:
    """A file's name without the suffix of its format."""
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or name
    return name


def numbers_of(slices: Sequence[str], files: Sequence[str], single: str = "input 1") -> dict[str, str]:
    """What stands for each slice and input file in `by_number`; a slice is called after its file as a rule.

    Args:
        slices: their names, in order.
        files: the input's, likewise.
        single: what a file is called that is the only one.
    """
    numbered = {name: single if len(files) == 1 else f"input {n}" for n, name in enumerate(files, start=1)}
    known = {without_suffix(name): number for name, number in numbered.items()} | numbered
    return known | {name: f"Slice {n}" for n, name in enumerate(slices, start=1)}


def by_number(text: str, known: Mapping[str, str]) -> str:
    """A text with names replaced, the longer ones first, so that one that begins another is not taken for it.

    Args:
        text: a sentence.
        known: names and what stands for them.
    """
    for name in sorted(filter(None, known), key=len, reverse=True):
        text = re.sub(_where(name), known[name], text)
    return text


def _where(name: str) -> str:
    """A pattern of the places where a name stands for its slice or file."""
    if name.isdigit():  # a file called 1.nii is a slice called 1; other numbers of a sentence are not its name
        return rf"^{name}(?=:)"
    if name.lower() in _ORDINARY:
        return rf"(?:^|(?<=\()|(?<=, )|(?<=\bof )){re.escape(name)}(?=:|,|\.$| was left out| (?:base|mid|apex)[,)])"
    return rf"(?<![\w.-]){re.escape(name)}(?![\w-])"
