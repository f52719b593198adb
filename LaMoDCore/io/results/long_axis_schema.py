"""What ``long_axis`` of strain.json must contain for those who read it: types, ranges, and lengths that agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from LaMoDCore.heart.long_axis.view import LINE_NAMES
from LaMoDCore.runtime.schema import Anything, Kind, ListOf, Number, Numbers, ObjectOf, Optional, Record, Text, Whole

_VALUE = Optional(Number())
_CURVE = ListOf(_VALUE)


def _of_lines(kind: Kind, *, endings: tuple[str, ...] = ("",)) -> dict[str, Kind]:
    return {f"{line}{ending}": kind for line in LINE_NAMES for ending in endings}


_GLS_ENDINGS = ("", "_green_lagrange", "_es", "_time_to_peak_ms")
_GLS = Record(
    {**_of_lines(_VALUE, endings=_GLS_ENDINGS), "interval": Record(_of_lines(ListOf(_VALUE, 2, 2)), LINE_NAMES)},
    (*_of_lines(_VALUE, endings=_GLS_ENDINGS), "interval"),
)
_SEGMENT = Record(
    {
        "wall": Text(),
        "level": Text(),
        "aha": Optional(Whole(1, 17)),
        "strain_systolic_peak": _VALUE,
        "strain_es": _VALUE,
    },
    ("wall", "level", "aha", "strain_systolic_peak", "strain_es"),
)
_VIEW = Record(
    {
        "name": Anything(),  # of a file or series, with any characters
        "view": Optional(Text()),
        "walls": ListOf(Text(), 2, 2),
        "rr_ms": Number(1.0),
        "reference_frame": Whole(0),
        "es_frame": Whole(0),
        "frame_times_ms": Numbers((-1,), increasing=True),
        "frames_carried": Whole(0),
        "curves": Record(_of_lines(_CURVE), LINE_NAMES),
        "length_mm": _CURVE,
        "mapse_mm": ObjectOf(_VALUE),
        "drift": Record(_of_lines(_VALUE), LINE_NAMES),
        "segments": ListOf(_SEGMENT),
    },
    (
        *("name", "view", "rr_ms", "reference_frame", "es_frame", "frame_times_ms"),
        *("curves", "length_mm", "mapse_mm", "drift", "segments"),
    ),
)
_VOLUMES = Record(
    {"method": Text(), "edv_ml": _VALUE, "esv_ml": _VALUE, "ef": _VALUE},
    ("method", "edv_ml", "esv_ml", "ef"),
)
_LONG_AXIS = Record(
    {
        "definitions": ObjectOf(Anything()),
        "rr_ms": Number(1.0),
        "es_time_ms": _VALUE,
        "gls": _GLS,
        "curves": Record({"time_ms": Numbers((-1,), increasing=True), **_of_lines(_CURVE)}, ("time_ms", *LINE_NAMES)),
        "views": ListOf(_VIEW, 1),
        "bullseye": ListOf(_VALUE, 17, 17),
        "volumes": Optional(_VOLUMES),
    },
    ("rr_ms", "es_time_ms", "gls", "curves", "views"),
)


def long_axis_faults(summary: Any) -> Iterator[str]:
    """One clause per fault of ``long_axis`` of strain.json; none if it can be used."""
    found = list(_LONG_AXIS.faults(summary, "long_axis"))
    yield from found
    if found:
        return
    yield from _lengths("long_axis.curves", summary["curves"], len(summary["curves"]["time_ms"]))
    for number, view in enumerate(summary["views"]):
        name, frames = f"long_axis.views[{number}]", len(view["frame_times_ms"])
        yield from _lengths(f"{name}.curves", view["curves"], frames)
        yield from _lengths(name, {"length_mm": view["length_mm"]}, frames)
        for key in ("reference_frame", "es_frame"):
            if view[key] >= frames:
                yield f"{name}.{key} is {view[key]}, but there are {frames} frames"


def _lengths(name: str, curves: Mapping[str, Any], count: int) -> Iterator[str]:
    for key in (*LINE_NAMES, "length_mm"):
        if key in curves and len(curves[key]) != count:
            yield f"{name}.{key} has {len(curves[key])} values for {count} times"
