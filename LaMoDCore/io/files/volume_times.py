"""Frame times outside the image: in the names of a folder's files, or in JSON files next to images.

dcm2niix writes the trigger time in ms into the name (``cine_501_t186.nii.gz``) and into the JSON file
(``TriggerDelayTime``); BIDS has the times of a 4-D file in seconds in ``VolumeTiming``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import note
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.frame_times import FileTimes, file_rr, file_times, gap_notes, varying_number
from LaMoDCore.runtime.json_file import json_object_if_any

#: Keys of a JSON file with the time of its volume, or a list with the times of all frames; and their unit in ms.
_TIME_KEYS = {
    "TriggerDelayTime": 1.0,
    "TriggerTime": 1.0,
    "NominalCardiacTriggerDelayTime": 1.0,
    "VolumeTiming": 1000.0,
    "FrameTimesStart": 1000.0,
}
_RR_KEYS = ("NominalInterval", "RRIntervalTimeNominal")
_SUFFIX = re.compile(r"\.(?:nii\.gz|nii|seg\.nrrd|seq\.nrrd|nrrd|nhdr|mha|mhd)$", re.IGNORECASE)
#: The text before a number in a name that makes it a time in ms.
_TIME_WORD = re.compile(r"(?:^|[^a-z])(?:t|tt|time|trigger|ms)[-_=]?$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class VolumeTimes:
    """Times of the volumes of a folder, in ascending order, and the positions of the files in this order."""

    times: FileTimes
    order: Array
    rr_ms: float | None = None


def times_of_volumes(files: Sequence[Path], name: str) -> VolumeTimes | None:
    """The times of files with one volume each, from their JSON files or names; None if there are none.

    Args:
        files: the files.
        name: name of the folder, for the note.
    """
    sidecars = [json_object_if_any(sidecar_of(file)) for file in files]
    for key, ms_per_unit in _TIME_KEYS.items():
        values = [_number(sidecar.get(key)) for sidecar in sidecars]
        if len(files) > 1 and None not in values and len(set(values)) == len(values):
            times = np.array(values, dtype=np.float64)
            return _in_order(times, ms_per_unit, name, _rr(sidecars[0]))
    named = varying_number([_SUFFIX.sub("", file.name) for file in files])
    if named is None or len(set(named.values.tolist())) < len(files) or not _TIME_WORD.search(named.before):
        return None
    found = _in_order(named.values, 1.0, name, _rr(sidecars[0]))
    # frame numbers, or times that would be no cine
    return None if found.times.times_ms is None or found.times.note is not None else found


def with_sidecar_times(stack: FrameStack, path: Path) -> FrameStack:
    """A stack with the frame times from the JSON file next to it, if this has one per frame."""
    sidecar = json_object_if_any(sidecar_of(path))
    frames = stack.frames.shape[0]
    for key, ms_per_unit in _TIME_KEYS.items():
        given = sidecar.get(key)
        values = [_number(v) for v in given] if isinstance(given, list) else []
        if frames < 2 or len(values) != frames or None in values:
            continue
        times = np.array(values, dtype=np.float64)
        if (np.diff(times) <= 0).any():
            return replace(stack, frame_times_ms=None, time_problem=f"the {key} of its JSON file does not increase")
        return _with_times(stack, file_times(times, ms_per_unit, stack.name), _rr(sidecar))
    return stack


def sidecar_of(path: Path) -> Path:
    """The JSON file that describes an image."""
    return path.with_name(f"{_SUFFIX.sub('', path.name)}.json")


def with_volume_times(stack: FrameStack, found: VolumeTimes | None) -> FrameStack:
    """A stack of volumes in the order of their times, with these times; unchanged if there are none."""
    if found is None:
        return stack
    return with_times_of_volumes(replace(stack, frames=stack.frames[found.order]), found)


def with_times_of_volumes(stack: FrameStack, found: VolumeTimes) -> FrameStack:
    """A stack of volumes that are in the order of their times, with these times."""
    return _with_times(stack, found.times, found.rr_ms)


def _with_times(stack: FrameStack, times: FileTimes, rr_ms: float | None) -> FrameStack:
    rr_ms, rr_note, rr_problem = file_rr(stack.rr_ms or rr_ms, stack.name)
    notes = [each for each in (times.note, rr_note) if each is not None]
    if times.times_ms is not None:
        text = "The frame times were read from the names of the files or from JSON files next to them."
        notes += [note("frame_times_from_names", text, source=stack.name), *gap_notes(times.times_ms, stack.name)]
    return replace(
        stack,
        frame_times_ms=times.times_ms,
        time_problem=times.problem,
        rr_ms=rr_ms,
        rr_problem=rr_problem,
        notes=(*stack.notes, *notes),
    )


def _in_order(times: Array, ms_per_unit: float, name: str, rr_ms: float | None) -> VolumeTimes:
    order = np.argsort(times, kind="stable")
    return VolumeTimes(file_times(times[order], ms_per_unit, name), order, rr_ms)


def _rr(sidecar: dict[str, Any]) -> float | None:
    return next((value for value in (_number(sidecar.get(key)) for key in _RR_KEYS) if value), None)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if np.isfinite(value) else None
