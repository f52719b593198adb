"""The frame interval of a file in milliseconds; units of time are often missing or wrong."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.notes import Note, note

#: Limits of the frame interval of cine and DENSE series, ms.
FRAME_MS = (5.0, 200.0)


def frame_step_ms(step: float, ms_per_unit: float | None, name: str) -> tuple[float | None, Note | None]:
    """The frame interval in ms, None if it is implausible in every unit; and a note if it was guessed or ignored.

    Args:
        step: the file's number.
        ms_per_unit: the file's unit; None if it has none.
        name: name of the file, for the note.
    """
    low, high = FRAME_MS
    if not np.isfinite(step) or step <= 0 or (step == 1.0 and ms_per_unit != 1.0):
        return None, None  # 1 is the default of writers that do not know the interval
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
