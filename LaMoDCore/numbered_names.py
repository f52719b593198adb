"""Slices and files by number, where a text may be shown to others: their names may be a person's."""

from __future__ import annotations

import re
from collections.abc import Mapping


def by_number(text: str, known: Mapping[str, str]) -> str:
    """A text with names replaced, the longer ones first, so that one that begins another is not taken for it.

    Args:
        text: a sentence.
        known: names and what stands for them.
    """
    for name in sorted(filter(None, known), key=len, reverse=True):
        # A file called 1.nii is a slice called 1; other numbers of a sentence are not its name.
        whole = rf"^{name}(?=:)" if name.isdigit() else rf"(?<![\w.-]){re.escape(name)}(?![\w-])"
        text = re.sub(whole, known[name], text)
    return text
