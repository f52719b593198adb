"""How frames, slices and segments are named on the page.

Frames and slices count from 1; slice 1 is the most basal. Segments have their number, counter-clockwise from the
anterior RV insertion, and their name; numbers of the AHA's model are only written with the word AHA.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from LaMoDCore.heart.notes import number_list


def frames_text(frames: Sequence[int]) -> str:
    """``frame 4`` or ``frames 1–3 and 6``.

    Args:
        frames: counted from 0, one or more.
    """
    return f"frame{'s' if len(frames) > 1 else ''} {number_list([frame + 1 for frame in frames])}"


def slices_text(numbers: Sequence[int]) -> str:
    """``slice 2`` or ``slices 1–3 and 6``.

    Args:
        numbers: counted from 1, one or more.
    """
    return f"slice{'s' if len(numbers) > 1 else ''} {number_list(numbers)}"


def reason_on_page(reason: str) -> str:
    """A reason of the commands, in which frames count from 0 as in the files, for a page, where they count from 1."""
    return f"{reason} (Here frames count from 0.)" if re.search(r"\bframes? \d", reason, re.IGNORECASE) else reason


def wall_text(name: str, aha: Sequence[int]) -> str:
    """``inferoseptal (AHA 3, 9)``: a wall over several slices and its numbers; the name alone without numbers."""
    return f"{name} (AHA {', '.join(str(number) for number in sorted(aha))})" if aha else name
