"""Acquisition times of the frames of a DENSE cine, from the encoding pulses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.runtime.errors import LaMoDInputError

#: Plausible frame durations and R–R intervals, in ms.
_FRAME_MS = (4.0, 120.0)
_RR_MS = (250.0, 2500.0)
_ASSUMED_FRAME_MS = 17.0
_ASSUMED_RR_MS = 1000.0


@dataclass(frozen=True, eq=False)
class DenseTiming:
    """Frame times [T] in ms from the encoding pulses, R–R interval in ms, and the assumptions made."""

    frame_times_ms: Array
    rr_ms: float
    notes: tuple[Note, ...] = ()


def dense_timing(
    source: str,
    frames: int,
    *,
    trigger_ms: npt.ArrayLike | None = None,
    repetition_ms: float | None = None,
    rr_ms: float | None = None,
    frame_ms: float | None = None,
) -> DenseTiming:
    """Determine the frame times from the most reliable source: the user, trigger times, repetition time.

    Without trigger times the first frame is assumed to follow the encoding pulses by the duration of one frame, as in
    DENSEanalysis.

    Args:
        source: name of the data for errors and notes.
        frames: T.
        trigger_ms: [T] trigger times; used if they increase by plausible steps.
        repetition_ms: time from frame to frame.
        rr_ms: R–R interval.
        frame_ms: duration of a frame given by the user; overrides the other sources.

    Raises:
        LaMoDInputError: the given times are implausible or contradictory.
    """
    if frame_ms is not None and not _FRAME_MS[0] <= frame_ms <= _FRAME_MS[1]:
        raise LaMoDInputError(
            source, f"a frame duration of {frame_ms:g} ms is implausible", "give --frame-ms between 4 and 120"
        )
    if rr_ms is not None and not np.isfinite(rr_ms):
        rr_ms = None
    notes: list[Note] = []
    name = Path(source).name
    times = None if frame_ms is not None else _plausible(trigger_ms, frames)
    if times is None:
        step = frame_ms
        if step is None and repetition_ms is not None and _FRAME_MS[0] <= repetition_ms <= _FRAME_MS[1]:
            step = float(repetition_ms)
            text = f"The trigger times are unusable; the repetition time of {step:g} ms was used as the frame duration."
            notes.append(note("dense_frame_step_from_repetition", text, source=name))
        if step is None:
            step = _ASSUMED_FRAME_MS
            text = f"The data contain no frame times: {step:g} ms per frame was assumed."
            notes.append(note("dense_frame_step_assumed", text, source=name))
        times = step * np.arange(1, frames + 1)
    if rr_ms is None or not _RR_MS[0] <= rr_ms <= _RR_MS[1]:
        longest = float(times[-1] + (times[-1] - times[0]) / max(1, frames - 1))
        rr_ms = max(_ASSUMED_RR_MS, longest)
        text = f"The data contain no R–R interval: {rr_ms:.0f} ms was assumed."
        notes.append(note("dense_rr_assumed", text, source=name))
    if times[-1] >= rr_ms:
        raise LaMoDInputError(
            source,
            f"the last frame lies at {times[-1]:.0f} ms, beyond the R–R interval of {rr_ms:.0f} ms",
            "give the correct times with --rr-ms or --frame-ms",
        )
    return DenseTiming(times.astype(np.float64), float(rr_ms), tuple(notes))


def _plausible(trigger_ms: npt.ArrayLike | None, frames: int) -> Array | None:
    if trigger_ms is None:
        return None
    try:
        times = np.asarray(trigger_ms, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return None
    if times.shape != (frames,) or not np.isfinite(times).all() or frames < 2:
        return None
    steps = np.diff(times)
    if steps.min() < _FRAME_MS[0] or steps.max() > _FRAME_MS[1]:
        return None
    if times[0] <= 0:
        times = times - times[0] + steps[0]
    return times


def number(value: Any) -> float | None:
    """The first number of a header field; None if it contains none."""
    try:
        found = float(np.asarray(value, dtype=np.float64).ravel()[0])
    except (TypeError, ValueError, IndexError):
        return None
    return found if np.isfinite(found) else None
