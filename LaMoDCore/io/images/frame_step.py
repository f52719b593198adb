"""What a file's frame step means in milliseconds, as units of time are often missing or wrong."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.notes import Note, note

#: One frame of any cine or DENSE series lasts between these bounds, ms.
FRAME_MS = (5.0, 200.0)


def frame_step_ms(step: float, ms_per_unit: float | None, name: str) -> tuple[float | None, Note | None]:
    """The frame step in ms, or None where no reading of it makes a cine; and a note where it was guessed.

    Args:
        step: the file's number.
        ms_per_unit: the file's unit; None where it names none.
        name: the file, for the note.
    """
    low, high = FRAME_MS
    if not np.isfinite(step) or step <= 0 or (step == 1.0 and ms_per_unit != 1.0):
        return None, None  # 1 is what writers put where they know nothing
    if ms_per_unit is not None and low <= step * ms_per_unit <= high:
        return step * ms_per_unit, None
    unit = {1000.0: " s", 1.0: " ms", 0.001: " µs"}.get(ms_per_unit or 0.0, "")
    for factor, word in ((1.0, "milliseconds"), (1000.0, "seconds")):
        if low <= step * factor <= high:
            text = f"The file's frame interval of {step:g}{unit} was taken as {word}"
            text += "." if unit else ", as the file names no unit."
            return step * factor, note("frame_step_guessed", text, source=name)
    text = f"The file's frame interval of {step:g}{unit} is implausible for a cine and was ignored."
    return None, note("frame_step_ignored", text, source=name)
