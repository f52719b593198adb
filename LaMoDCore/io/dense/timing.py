"""When the frames of a DENSE cine were acquired, counted from the encoding pulses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.errors import LaMoDInputError

#: Frame durations outside these are no frame durations.
_FRAME_MS = (4.0, 120.0)
_RR_MS = (250.0, 2500.0)
_ASSUMED_FRAME_MS = 17.0
_ASSUMED_RR_MS = 1000.0


@dataclass(frozen=True, eq=False)
class DenseTiming:
    """frame_times_ms [T] from the encoding pulses, rr_ms, and what was assumed."""

    frame_times_ms: Array
    rr_ms: float
    notes: tuple[str, ...] = ()


def dense_timing(
    source: str,
    frames: int,
    *,
    trigger_ms: npt.ArrayLike | None = None,
    repetition_ms: float | None = None,
    rr_ms: float | None = None,
    frame_ms: float | None = None,
) -> DenseTiming:
    """Times from what the scan says, most trustworthy first: given by hand, trigger times, repetition time.

    The first frame follows the encoding pulses by one frame's duration where nothing better is known, as
    DENSEanalysis assumes too.

    Args:
        source: what to name in errors and notes.
        frames: T.
        trigger_ms: [T] trigger times, trusted where they rise by plausible steps.
        repetition_ms: time from frame to frame.
        rr_ms: length of the cycle.
        frame_ms: duration of a frame, given by hand: overrules the rest.

    Raises:
        LaMoDInputError: a time given by hand cannot be.
    """
    if frame_ms is not None and not _FRAME_MS[0] <= frame_ms <= _FRAME_MS[1]:
        raise LaMoDInputError(source, f"a frame of {frame_ms:g} ms cannot be", "give --frame-ms between 4 and 120")
    if rr_ms is not None and not np.isfinite(rr_ms):
        rr_ms = None
    notes: list[str] = []
    times = None if frame_ms is not None else _plausible(trigger_ms, frames)
    if times is None:
        step = frame_ms
        if step is None and repetition_ms is not None and _FRAME_MS[0] <= repetition_ms <= _FRAME_MS[1]:
            step = float(repetition_ms)
            notes.append(f"The trigger times say nothing; frames of {step:g} ms are taken from the repetition time.")
        if step is None:
            step = _ASSUMED_FRAME_MS
            notes.append(f"The time of the frames is not known: {step:g} ms a frame was assumed (--frame-ms).")
        times = step * np.arange(1, frames + 1)
    if rr_ms is None or not _RR_MS[0] <= rr_ms <= _RR_MS[1]:
        longest = float(times[-1] + (times[-1] - times[0]) / max(1, frames - 1))
        rr_ms = max(_ASSUMED_RR_MS, longest)
        notes.append(f"The R–R interval is not known: {rr_ms:.0f} ms was assumed (--rr-ms).")
    if times[-1] >= rr_ms:
        raise LaMoDInputError(
            source,
            f"the last frame lies at {times[-1]:.0f} ms, beyond the R–R interval of {rr_ms:.0f} ms",
            "give the right times with --rr-ms or --frame-ms",
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
    """A header's number, or None where it holds none."""
    try:
        found = float(np.asarray(value, dtype=np.float64).ravel()[0])
    except (TypeError, ValueError, IndexError):
        return None
    return found if np.isfinite(found) else None
