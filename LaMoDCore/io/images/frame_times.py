"""Frame times and R–R intervals of files in milliseconds; units of time are often missing or wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.case import MIN_FRAMES
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note

#: Limits of the frame interval of cine and DENSE series, ms.
FRAME_MS = (5.0, 250.0)
#: Limits of the R–R interval at rest and in exercise, ms.
RR_MS = (300.0, 2200.0)
#: Limits of the time that a cine spans, ms: frames of less do not contain a systole.
SPAN_MS = (200.0, RR_MS[1])
_UNITS = ((1.0, "milliseconds"), (1000.0, "seconds"), (0.001, "microseconds"))
_LONGEST_NAME = 300
_SHORT = {1000.0: " s", 1.0: " ms", 0.001: " µs"}


@dataclass(frozen=True, eq=False)
class FileTimes:
    """Times that a file contains.

    Attributes:
        times_ms: [T]; None if the file has none or they cannot be used.
        note: a unit that was guessed.
        problem: why times that the file contains cannot be used, as a clause; "" if there is none.
    """

    times_ms: Array | None = None
    note: Note | None = None
    problem: str = ""


def file_times(times: npt.ArrayLike, ms_per_unit: float | None, name: str) -> FileTimes:
    """Convert the times of a file to ms; another unit is assumed if it alone gives a plausible cine.

    Args:
        times: [T] the file's numbers, in ascending order.
        ms_per_unit: the file's unit; None if it has none.
        name: name of the file, for the note.
    """
    values = np.asarray(times, dtype=np.float64)
    if values.size < 2 or not np.isfinite(values).all():
        return FileTimes()
    step = float(np.median(np.diff(values)))
    unit = _SHORT.get(ms_per_unit or 0.0, "")
    if ms_per_unit is not None and _is_frame_step(step * ms_per_unit):
        return FileTimes(values * ms_per_unit)
    for factor, word in _UNITS:
        if not _is_frame_step(step * factor) or not _is_cycle(values.size, step * factor):
            continue
        text = f"The file's frame interval of {step:g}{unit} was taken as {word}"
        text += "." if unit else ", as the file names no unit."
        return FileTimes(values * factor, note("frame_step_guessed", text, source=name))
    low, high = FRAME_MS
    return FileTimes(
        problem=f"its frame interval of {step:g}{unit} is implausible for a cine ({low:g}–{high:g} ms) in every unit"
    )


def regular_times(step: float, frames: int, ms_per_unit: float | None, name: str) -> FileTimes:
    """`file_times` of a file that contains only its frame interval.

    Intervals of 0 and 1 are the defaults of writers that do not know the interval, so they are no times.
    """
    if frames < 2 or not np.isfinite(step) or step in (0.0, 1.0):
        return FileTimes()
    if step < 0:
        return FileTimes(problem=f"its frame interval of {step:g}{_SHORT.get(ms_per_unit or 0.0, '')} is negative")
    return file_times(np.arange(frames) * step, ms_per_unit, name)


def file_rr(rr_ms: float | None, name: str) -> tuple[float | None, Note | None, str]:
    """The R–R interval of a file in ms; a note if its unit was guessed; the problem if it cannot be used."""
    if rr_ms is None or not np.isfinite(rr_ms) or rr_ms <= 0:
        return None, None, ""
    for factor, word in _UNITS:
        if RR_MS[0] <= rr_ms * factor <= RR_MS[1]:
            if factor == 1.0:
                return rr_ms, None, ""
            text = f"The file's R–R interval of {rr_ms:g} ms was taken as {word}."
            return rr_ms * factor, note("rr_unit_guessed", text, source=name), ""
    low, high = RR_MS
    return None, None, f"its R–R interval of {rr_ms:g} ms is implausible ({low:g}–{high:g} ms) in every unit"


def gap_notes(times_ms: Array, name: str) -> list[Note]:
    """Notes on missing frames and on varying intervals."""
    if times_ms.size < 3:
        return []
    steps = np.diff(times_ms)
    usual = float(np.median(steps))
    missing = int(np.sum(np.round(steps / usual) - 1)) if usual > 0 else 0
    if 0 < missing <= times_ms.size:
        text = f"{missing} frame(s) seem to be missing; the times of the others were kept."
        return [note("frames_missing", text, source=name)]
    if usual > 0 and np.abs(steps / usual - 1).max() > 0.2:
        text = f"The frame interval varies from {steps.min():.1f} to {steps.max():.1f} ms; the true times were kept."
        return [note("frame_interval_varies", text, source=name)]
    return []


@dataclass(frozen=True, eq=False)
class NumberedNames:
    """Names that differ in one number: the numbers [T], and the text before and after them."""

    values: Array
    before: str
    after: str


def varying_number(names: Sequence[str]) -> NumberedNames | None:
    """The only number in which names differ, as 186 in ``cine_501_t186``; None if they differ in anything else."""
    if len(names) < 2 or max(map(len, names)) > _LONGEST_NAME:
        return None
    parts = [re.findall(r"\d+(?:\.\d+)?|\D+", name) for name in names]
    if len({len(each) for each in parts}) > 1:
        return None
    differing = [place for place, words in enumerate(zip(*parts, strict=True)) if len(set(words)) > 1]
    if len(differing) != 1 or not all(each[differing[0]][0].isdigit() for each in parts):
        return None
    place = differing[0]
    values = np.array([float(each[place]) for each in parts])
    return NumberedNames(values, "".join(parts[0][:place]), "".join(parts[0][place + 1 :]))


def _is_frame_step(step_ms: float) -> bool:
    return FRAME_MS[0] <= step_ms <= FRAME_MS[1]


def _is_cycle(frames: int, step_ms: float) -> bool:
    """Whether frames span a cycle, or most of it; a few frames are only a part of one."""
    return frames < MIN_FRAMES or SPAN_MS[0] <= frames * step_ms <= SPAN_MS[1]
