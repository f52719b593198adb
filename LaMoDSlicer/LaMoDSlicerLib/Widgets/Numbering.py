"""How frames, slices, segments and numbers are written on screen: one numbering everywhere.

Frames count from 1 on screen and from 0 in files and arrays. Slices count from 1, the most basal. Segments have
LaMoD's number, which counts from the anterior RV insertion, with their name; AHA numbers are always marked as such.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

from slicer.i18n import tr as _


def frame(index: int) -> str:
    """“frame 4”.

    Args:
        index: counted from 0.
    """
    return _("frame {number}").format(number=index + 1)


def frames(indices: Iterable[int]) -> str:
    """“frame 4”, or “frames 1–3, 6”: runs of three or more are shortened.

    Args:
        indices: counted from 0.
    """
    found = sorted(set(indices))
    if len(found) == 1:
        return frame(found[0])
    return _("frames {numbers}").format(numbers=_numbers([index + 1 for index in found]))


def sliceName(index: int) -> str:
    """“slice 1”.

    Args:
        index: counted from 0, the most basal.
    """
    return _("slice {number}").format(number=index + 1)


def slices(indices: Iterable[int]) -> str:
    """“slice 2”, or “slices 1–3”.

    Args:
        indices: counted from 0, the most basal.
    """
    found = sorted(set(indices))
    if len(found) == 1:
        return sliceName(found[0])
    return _("slices {numbers}").format(numbers=_numbers([index + 1 for index in found]))


def segment(number: int, name: str, aha: int | None = None) -> str:
    """“2 inferoseptal”, or “2 inferoseptal (AHA 9)”.

    Args:
        number: LaMoD's, counted from 1.
        name: of the wall; empty if walls are not known.
        aha: AHA's number, to show it as well.
    """
    text = f"{number} {name}".strip()
    return text if aha is None else _("{segment} (AHA {aha})").format(segment=text, aha=aha)


#: “frame 3”, “frames 0–4, 7 and 17 more”; other numbers of frames come before the word.
_FRAMES = re.compile(r"\b(frames? )(\d+(?:–\d+)?(?:(?:, | and )\d+(?:–\d+)?(?![\d–]| more\b))*)", re.IGNORECASE)


def fromOne(message: str) -> str:
    """A message of the command, in which frames count from 0, with frames that count from 1."""
    return _FRAMES.sub(lambda m: m[1] + re.sub(r"\d+", lambda number: str(int(number[0]) + 1), m[2]), message)


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, “−13.5”; zero has none."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]


def capitalized(text: str) -> str:
    """The text with a capital first letter, for the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def _numbers(numbers: list[int]) -> str:
    """Sorted numbers as text: “1–3, 6, 7”."""
    if not numbers:
        return ""
    breaks = [i for i, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1]
    runs = [numbers[a:b] for a, b in pairwise([0, *breaks, len(numbers)])]
    parts = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(parts)
