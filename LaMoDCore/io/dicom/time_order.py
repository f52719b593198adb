"""Sort the images of one DICOM slice in time, and convert their times to ms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dicom.frame import DicomFrame
from LaMoDCore.io.dicom.pixels import frame_pixels
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.frame_times import FRAME_MS, RR_MS, file_rr, file_times, gap_notes
from LaMoDCore.io.images.natural_order import natural_key
from LaMoDCore.runtime.errors import LaMoDInputError

#: Attributes that sort images without trigger times, the most reliable first.
_ORDERS = (
    ("temporal_position", "temporal position"),
    ("acquired_s", "acquisition time"),
    ("acquisition", "acquisition number"),
    ("created_s", "content time"),
    ("instance", "instance number"),
)
#: Intervals between acquisition times vary by less than this share if each image was acquired at its time.
_REGULAR = 0.2
_DAY_S = 86400.0


def sort_in_time(
    frames: Sequence[DicomFrame], name: str, cache: dict[Path, Array] | None = None
) -> tuple[list[DicomFrame], Array | None, list[Note]]:
    """Sort the frames of one slice in time.

    By trigger time if it distinguishes frames, otherwise by temporal position, acquisition time or number, content
    time, instance number or file name, with a note. A second copy of an image is left out.

    Args:
        frames: the images of one slice.
        name: name of the series, for notes.
        cache: decoded files, see `frame_pixels`.

    Returns:
        frames, their trigger times [T] as stored or None, notes.

    Raises:
        LaMoDInputError: different images have the same trigger time, as in two acquisitions of one slice.
    """
    ordered = sorted(frames, key=lambda f: (f.instance is None, f.instance or 0.0, natural_key(f.file), f.index or 0))
    triggers = [f.trigger_ms for f in ordered if f.trigger_ms is not None]
    notes: list[Note] = []
    if len(triggers) == len(ordered) and len(set(triggers)) > max(1, len(ordered) // 4):
        if len(set(triggers)) < len(ordered):
            ordered = _without_copies(ordered, name, {} if cache is None else cache, notes)
        ordered.sort(key=lambda f: f.trigger_ms or 0.0)
        return ordered, np.array([float(f.trigger_ms or 0.0) for f in ordered]), notes
    for attribute, words in _ORDERS:
        values = [getattr(f, attribute) for f in ordered]
        if len(values) < 2 or any(v is None for v in values) or len(set(values)) < len(values):
            continue
        if attribute in ("acquired_s", "created_s") and max(values) - min(values) > _DAY_S / 2 and max(values) < _DAY_S:
            values = [v + _DAY_S if v < _DAY_S / 2 else v for v in values]  # past midnight
        text = f"The images have no trigger times that distinguish them; they were sorted by {words}."
        notes.append(note("dicom_order_assumed", text, source=name))
        ordered = [f for _, f in sorted(zip(values, ordered, strict=True), key=lambda pair: pair[0])]
        return ordered, _acquisition_times(sorted(values), ordered) if attribute == "acquired_s" else None, notes
    if len(ordered) > 1:
        text = "The images have no times or numbers that distinguish them; they were sorted by file name."
        notes.append(note("dicom_order_assumed", text, source=name))
    ordered.sort(key=lambda f: (natural_key(f.file), f.index or 0))
    return ordered, None, notes


def with_times(stack: FrameStack, times: Array | None, intervals_ms: Sequence[float]) -> FrameStack:
    """A stack with the times of its images and the R–R interval in ms, both checked.

    Args:
        stack: without times.
        times: [T] as stored, ascending; None if there are none.
        intervals_ms: R–R intervals as stored.
    """
    notes = list(stack.notes)
    rr_ms, rr_note, rr_problem = file_rr(float(np.median(intervals_ms)) if intervals_ms else None, stack.name)
    found = None if times is None else file_times(times, 1.0, stack.name)
    if found is not None and found.times_ms is not None:
        notes += gap_notes(found.times_ms, stack.name)
    return replace(
        stack,
        frame_times_ms=None if found is None else found.times_ms,
        rr_ms=rr_ms,
        notes=(*notes, *(n for n in (rr_note, found.note if found else None) if n is not None)),
        time_problem="" if found is None else found.problem,
        rr_problem=rr_problem,
        scanner_times=found is not None and found.times_ms is not None,
    )


def _without_copies(
    frames: list[DicomFrame], name: str, cache: dict[Path, Array], notes: list[Note]
) -> list[DicomFrame]:
    """The frames without those that repeat the image at the same trigger time."""
    kept: dict[float, DicomFrame] = {}
    for frame in frames:
        first = kept.setdefault(float(frame.trigger_ms or 0.0), frame)
        if first is frame or np.array_equal(frame_pixels(first, cache), frame_pixels(frame, cache)):
            continue
        raise LaMoDInputError(
            frame.file.parent,
            f"two different images of {name} have the trigger time {frame.trigger_ms:g} ms, as in two acquisitions of "
            "one slice",
            "give the images of one acquisition",
        )
    text = f"{len(frames) - len(kept)} image(s) with the pixels and the trigger time of another were left out."
    notes.append(note("dicom_repeated_time", text, source=name))
    return list(kept.values())


def _acquisition_times(values_s: Sequence[float], frames: Sequence[DicomFrame]) -> Array | None:
    """Times in ms from the first image, if the images were acquired one after the other within one cycle."""
    times = 1000.0 * (np.array(values_s) - values_s[0])
    steps = np.diff(times)
    usual = float(np.median(steps))
    span = float(times[-1]) + usual
    rr = next((f.rr_ms for f in frames if f.rr_ms), span)
    regular = FRAME_MS[0] <= usual <= FRAME_MS[1] and np.abs(steps / usual - 1).max() < _REGULAR
    return times if regular and RR_MS[0] <= span <= RR_MS[1] and abs(span - rr) < 0.1 * rr else None
