"""Findings of the contour checks: where a fault is, how severe it is, and by how much it exceeds the limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.notes import Note, note


class Fault(Enum):
    """Kinds of fault; tables and files use the value."""

    EMPTY = "empty"
    OPEN_RING = "open ring"
    HOLE = "hole"
    ISLAND = "island"
    PIECES = "several pieces"
    BORDER = "touches border"
    CENTER_JUMP = "centre jump"
    AREA_JUMP = "area jump"
    THICKNESS_JUMP = "thickness jump"
    AREA_RANGE = "area out of range"
    WALLS_TOUCH = "walls touch"
    OUT_OF_REGISTER = "out of register"

    @property
    def code(self) -> str:
        """Its note code in `LaMoDCore.heart.notes.CODES`."""
        return f"contour_{self.value.replace(' ', '_')}"


class Light(Enum):
    """Traffic light of a frame. The word is shown with the colour everywhere, for readers with colour blindness."""

    GOOD = "good"
    LOOK = "look"
    REPAIR = "repair"


@dataclass(frozen=True)
class Place:
    """A circle around a fault in the image.

    Attributes:
        pixel: centre (column, row); whole numbers are pixel centres.
        lps_mm: the centre in patient coordinates.
        radius_mm: its radius, at least a pixel more than the fault's.
    """

    pixel: tuple[float, float]
    lps_mm: tuple[float, float, float]
    radius_mm: float

    def to_dict(self) -> dict[str, Any]:
        """As findings.json contains it."""
        return {
            "pixel": [round(value, 1) for value in self.pixel],
            "lps_mm": [round(value, 2) for value in self.lps_mm],
            "radius_mm": round(self.radius_mm, 2),
        }


@dataclass(frozen=True)
class Finding:
    """One fault of one frame.

    Attributes:
        fault: its kind.
        light: REPAIR where strain cannot be computed or would certainly be wrong, LOOK where a person must judge.
        slice_name: name of the slice.
        slice_index: counted from 0, in the order checked.
        frame: counted from 0.
        text: one sentence with the measured number.
        value: the measured number.
        limit: the limit from which the fault is reported.
        unit: unit of value and limit.
        places: where it is in the image; empty if it concerns the whole contour.
    """

    fault: Fault
    light: Light
    slice_name: str
    slice_index: int
    frame: int
    text: str
    value: float
    limit: float
    unit: str
    places: tuple[Place, ...] = ()

    @property
    def note(self) -> Note:
        """The finding as a note; its slice counts from 1."""
        return note(
            self.fault.code,
            self.text,
            slice=self.slice_index + 1,
            frame=self.frame,
            source=self.slice_name,
            severity="error" if self.light is Light.REPAIR else "warning",
        )

    def to_dict(self) -> dict[str, Any]:
        """As `lamod check --json` and findings.json contain it: the note, with value, limit, unit and places."""
        return {
            **self.note.to_dict(),
            "fault": self.fault.value,
            "value": round(self.value, 4),
            "limit": round(self.limit, 4),
            "unit": self.unit,
            "places": [place.to_dict() for place in self.places],
        }


def finding(
    drawn: SliceShapes,
    fault: Fault,
    light: Light,
    frame: int | np.integer[Any],
    text: str,
    value: float,
    limit: float,
    unit: str,
    places: Iterable[Place] = (),
) -> Finding:
    """A finding in one frame of a slice; the parameters are the attributes of `Finding`."""
    name, t = drawn.slice.name, int(frame)
    return Finding(fault, light, name, drawn.index, t, text, float(value), float(limit), unit, tuple(places))


def light_of(findings: Iterable[Finding]) -> Light:
    """The most severe light of some findings; GOOD without findings."""
    lights = {each.light for each in findings}
    return Light.REPAIR if Light.REPAIR in lights else Light.LOOK if Light.LOOK in lights else Light.GOOD
