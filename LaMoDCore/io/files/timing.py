"""Frame times and the length of the cycle: from the file, otherwise assumed, with a note."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.errors import LaMoDInputError

#: Limits of R–R intervals at rest and in exercise, ms.
_RR_MS = (200.0, 2500.0)
_ASSUMED_RR_MS = 1000.0
#: A cycle is not closed if the cavity's area changes from the last frame to the first by more than this share of its
#: range, more for few frames (second number over T), and by this factor more than between any two other frames.
_JUMP, _JUMP_TIMES_FRAMES, _JUMP_OVER_STEP = 0.15, 1.5, 1.25
#: A cavity is empty below the first share of the area's range and full above the second; a range of less than the
#: third share of the largest area may be noise of the contours.
_EMPTY, _FULL, _MIN_STROKE = 0.3, 0.7, 0.1


@dataclass(frozen=True, eq=False)
class Timing:
    """frame_times_ms [T] from the R wave, rr_ms, and notes on assumptions."""

    frame_times_ms: Array
    rr_ms: float
    notes: tuple[Note, ...] = ()


def timing_of(masks: FrameStack, cine: FrameStack | None, source: str | Path, rr_ms: float | None = None) -> Timing:
    """Times of a slice: those of the masks, otherwise of the cine, otherwise evenly over one R–R interval.

    Args:
        masks: the frames.
        cine: the images of the same slice, if any, with as many frames.
        source: the masks' file, for errors.
        rr_ms: R–R interval given by the user.

    Raises:
        LaMoDInputError: the times do not increase, or the R–R interval is implausible.
    """
    frames = masks.frames.shape[0]
    notes: list[Note] = []

    def add(code: str, text: str) -> None:
        notes.append(note(code, text, source=masks.name))

    times = masks.frame_times_ms
    if times is None and cine is not None:
        times = cine.frame_times_ms
    rr = rr_ms or masks.rr_ms or (cine.rr_ms if cine is not None else None)
    if rr is not None and not _RR_MS[0] <= rr <= _RR_MS[1]:
        if rr_ms is not None:
            raise LaMoDInputError("R–R interval", f"{rr:g} ms is implausible", "give it in milliseconds")
        add("rr_implausible", f"The file's R–R interval of {rr:g} ms is implausible and was ignored.")
        rr = None
    if times is None:
        if rr is None:
            rr = _ASSUMED_RR_MS
            add(
                "frame_times_assumed",
                f"The file has no frame times; the {frames} frames were spaced evenly over an assumed R–R interval of "
                f"{rr:g} ms.",
            )
        else:
            add(
                "frame_times_assumed",
                f"The file has no frame times; the {frames} frames were spaced evenly over the R–R interval of "
                f"{rr:g} ms.",
            )
        return Timing(np.arange(frames) * (rr / frames), float(rr), tuple(notes))
    times = np.asarray(times, dtype=np.float64)
    steps = np.diff(times)
    if not np.isfinite(times).all() or (steps <= 0).any():
        frame = int(np.argmax(~(steps > 0))) + 1
        reason = f"the time of frame {frame} is not after that of the frame before"
        raise LaMoDInputError(source, reason, "correct its times")
    step = float(np.median(steps)) if steps.size else _ASSUMED_RR_MS
    span = float(times[-1] - times[0]) + step
    if rr is None:
        rr = span
        if not _RR_MS[0] <= rr <= _RR_MS[1]:
            raise LaMoDInputError(
                source,
                f"its frames span {rr:.3g} ms, which is implausible for a cardiac cycle",
                "store the frame times in ms or s with their unit",
            )
        add(
            "rr_assumed",
            f"The R–R interval is not recorded; the {frames} frames were assumed to cover a full cycle of {rr:.0f} ms.",
        )
    elif span - step >= rr:
        add(
            "rr_too_short",
            f"The frames span {span:.0f} ms, longer than the R–R interval of {rr:.0f} ms; the cycle was assumed to "
            f"last {span:.0f} ms.",
        )
        rr = span
    elif span < 0.85 * rr:
        text = f"The frames cover {100 * span / rr:.0f} % of the R–R interval of {rr:.0f} ms."
        add("cycle_partly_covered", text)
    return Timing(times, float(rr), tuple(notes))


def unclosed_beat(first: CineSlice, area: Array) -> Note | None:
    """A note if frames that were assumed to cover a cycle seem to cover part of it, as in prospective gating.

    Args:
        first: the first of the slices, which have the same times.
        area: `total_cavity_area_mm2` of the slices.
    """
    times = first.frame_times_ms
    if first.rr_ms - float(times[-1] - times[0]) > 1.5 * float(np.median(np.diff(times))):
        return None  # the R–R interval is known to be longer than the frames
    stroke = float(area.max() - area.min())
    jump, within = abs(float(area[0] - area[-1])), float(np.abs(np.diff(area)).max())
    if jump <= (_JUMP + _JUMP_TIMES_FRAMES / area.size) * stroke or jump <= _JUMP_OVER_STEP * within:
        return None
    text = (
        f"The cycle does not close: from the last frame to the first the cavity's area changes by {jump / stroke:.0%} "
        "of its range, so the frames seem to cover only part of the R–R interval, which was assumed to be "
        f"{first.rr_ms:.0f} ms."
    )
    return note("cycle_not_closed", text)


def several_beats(first: CineSlice, area: Array) -> Note | None:
    """A note if the cavity empties more than once, as in a real-time cine over several beats.

    Args:
        first, area: see `unclosed_beat`.
    """
    stroke = float(area.max() - area.min())
    if stroke < _MIN_STROKE * float(area.max()):
        return None
    filled = (np.roll(area, -int(area.argmax())) - area.min()) / stroke
    states = [bool(share > _FULL) for share in filled if not _EMPTY <= share <= _FULL]
    emptied = sum(before and not after for before, after in zip(states, [*states[1:], True], strict=True))
    if emptied < 2:
        return None
    text = (
        f"The cavity empties {emptied} times: the frames seem to cover {emptied} beats but were treated as one cycle "
        f"of {first.rr_ms:.0f} ms."
    )
    return note("several_cycles", text)
