"""Frame times and the length of the cycle: from the file, otherwise assumed, with a note."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import MIN_FRAMES, WHOLE_CYCLE, CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.frame_times import RR_MS, SPAN_MS
from LaMoDCore.runtime.errors import LaMoDInputError

_ASSUMED_RR_MS = 1000.0
#: R–R intervals that differ by less than this share are the same, and times by less than this share of a frame.
_SAME_RR, _SAME_TIME = 0.02, 0.25
_TIMES_REMEDY = "store the frame times in ms with their unit, or give the R–R interval with --rr MS"
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

    Where the times of the masks contradict those of a scanner, the scanner's are used. An R–R interval given by the
    user takes precedence over every file. Contradictions are noted.

    Args:
        masks: the frames.
        cine: the images of the same slice, if any, with as many frames.
        source: the masks' file, for errors.
        rr_ms: R–R interval given by the user.

    Raises:
        LaMoDInputError: the times do not increase, or times or R–R interval are implausible.
    """
    notes: list[Note] = []
    rr = _given_rr(rr_ms, masks, cine, notes) if rr_ms is not None else _rr_of_files(masks, cine, source, notes)
    times = _times_of_files(masks, cine, source, rr_ms, notes)
    frames = masks.frames.shape[0]
    if times is None:
        assumed = "" if rr is not None else "assumed "
        rr = rr or _ASSUMED_RR_MS
        text = f"The file has no usable frame times; the {frames} frames were spaced evenly over "
        text += f"{'an' if assumed else 'the'} {assumed}R–R interval of {rr:g} ms."
        notes.append(note("frame_times_assumed", text, source=masks.name))
        return Timing(np.arange(frames) * (rr / frames), float(rr), tuple(notes))
    step = _step(times)
    span = float(times[-1] - times[0]) + step
    if rr is None:
        rr = span
        if not RR_MS[0] <= rr <= RR_MS[1]:
            raise LaMoDInputError(source, _implausible_span(span), _TIMES_REMEDY)
        text = (
            f"The R–R interval is not recorded; the {frames} frames were assumed to cover a full cycle of {rr:.0f} ms."
        )
        notes.append(note("rr_assumed", text, source=masks.name))
    elif rr_ms is not None and span > rr + 0.5 * step:
        text = (
            f"The frames of the file span {span:.0f} ms; they were spaced over the given R–R interval of {rr:.0f} ms."
        )
        notes.append(note("rr_replaced", text, source=masks.name, severity="warning"))
        times = times[0] + (times - times[0]) * (rr / span)
    elif span - step >= rr:
        text = (
            f"The frames span {span:.0f} ms, longer than the R–R interval of {rr:.0f} ms; the cycle was assumed to "
            f"last {span:.0f} ms."
        )
        notes.append(note("rr_too_short", text, source=masks.name))
        rr = span
    elif span < WHOLE_CYCLE * rr:
        text = f"The frames cover {100 * span / rr:.0f} % of the R–R interval of {rr:.0f} ms."
        notes.append(note("cycle_partly_covered", text, source=masks.name))
    if times[0] < 0 or times[-1] >= rr:
        text = f"The first frame time is {times[0]:.0f} ms, not within one cycle of the R wave; it was counted as 0."
        notes.append(note("frame_times_shifted", text, source=masks.name))
        times = times - times[0]
    return Timing(times, float(rr), tuple(notes))


def _given_rr(rr_ms: float, masks: FrameStack, cine: FrameStack | None, notes: list[Note]) -> float:
    """The user's R–R interval; a note if a file has another."""
    if not RR_MS[0] <= rr_ms <= RR_MS[1]:
        raise LaMoDInputError(
            "R–R interval", f"{rr_ms:g} ms is implausible", f"give it in milliseconds ({RR_MS[0]:g}–{RR_MS[1]:g})"
        )
    for stack in (masks, cine):
        if stack is not None and stack.rr_ms is not None and abs(stack.rr_ms - rr_ms) > _SAME_RR * rr_ms:
            text = f"The R–R interval in the file is {stack.rr_ms:.0f} ms; the given one of {rr_ms:.0f} ms was used."
            notes.append(note("rr_replaced", text, source=stack.name))
    return rr_ms


def _rr_of_files(masks: FrameStack, cine: FrameStack | None, source: str | Path, notes: list[Note]) -> float | None:
    """The R–R interval of the masks, otherwise of the cine; where they differ, that of a scanner."""
    own, other = masks.rr_ms, None if cine is None else cine.rr_ms
    if own is not None and other is not None and abs(own - other) > _SAME_RR * other:
        used = other if cine is not None and cine.scanner_times and not masks.scanner_times else own
        text = f"The R–R interval of the masks is {own:.0f} ms and that of the cine {other:.0f} ms; "
        text += f"{used:.0f} ms was used."
        notes.append(note("rr_contradicted", text, source=masks.name))
        return used
    if own is None and other is None:
        for stack in (masks, cine):
            if stack is not None and stack.rr_problem:
                raise LaMoDInputError(
                    source if stack is masks else stack.name, stack.rr_problem, "give it with --rr MS"
                )
    return own if own is not None else other


def _times_of_files(
    masks: FrameStack, cine: FrameStack | None, source: str | Path, rr_ms: float | None, notes: list[Note]
) -> Array | None:
    """The times of the masks or of the cine; None if neither has any."""
    own, problem = _usable(masks, source)
    other, other_problem = (None, "") if cine is None else _usable(cine, cine.name)
    if own is not None and other is not None and _contradict(own, other):
        scanner = cine is not None and cine.scanner_times and not masks.scanner_times
        away = np.abs((own - own[0]) - (other - other[0])).max()
        text = (
            f"The frame times of the masks (every {_step(own):.4g} ms) and of the cine (every {_step(other):.4g} ms) "
            f"differ by up to {away:.3g} ms; those of the {'scanner' if scanner else 'masks'} were used."
        )
        notes.append(note("frame_times_contradicted", text, source=masks.name))
        return other if scanner else own
    if problem and other is None and rr_ms is None:
        raise LaMoDInputError(source, problem, _TIMES_REMEDY)
    if own is None and other is None and other_problem and rr_ms is None and cine is not None:
        raise LaMoDInputError(cine.name, other_problem, _TIMES_REMEDY)
    for stack, why in ((masks, problem), (cine, other_problem)):
        if stack is not None and why:
            used = "those of the cine" if stack is masks and other is not None else "other times"
            text = f"The frame times of the file cannot be used: {why}. Instead, {used} were used."
            notes.append(note("frame_step_ignored", text, source=stack.name))
    return own if own is not None else other


def _usable(stack: FrameStack, source: str | Path) -> tuple[Array | None, str]:
    """The times of a stack, and why times that its file contains cannot be used.

    Raises:
        LaMoDInputError: they do not increase.
    """
    if stack.frame_times_ms is None:
        return None, stack.time_problem
    times = np.asarray(stack.frame_times_ms, dtype=np.float64)
    steps = np.diff(times)
    if not np.isfinite(times).all() or (steps <= 0).any():
        frame = int(np.argmax(~(steps > 0))) + 1
        reason = f"the time of frame {frame} is not after that of the frame before"
        raise LaMoDInputError(source, reason, "correct its times")
    span = float(times[-1] - times[0]) + _step(times)
    if times.size >= MIN_FRAMES and not SPAN_MS[0] <= span <= SPAN_MS[1]:
        return None, _implausible_span(span)
    return times, ""


def _implausible_span(span: float) -> str:
    return f"its frames span {span:.3g} ms, which is implausible for a cardiac cycle"


def _contradict(first: Array, second: Array) -> bool:
    """Whether two lists of times of the same frames differ, counted from the first frame."""
    away = np.abs((first - first[0]) - (second - second[0])).max()
    return bool(away > _SAME_TIME * _step(second))


def _step(times: Array) -> float:
    return float(np.median(np.diff(times))) if times.size > 1 else _ASSUMED_RR_MS


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
