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
        """The finding as `lamod check --json` and findings.json contain it: the note, with value, limit and unit."""
        return {
            **self.note.to_dict(),
            "fault": self.fault.value,
            "value": round(self.value, 4),
            "limit": round(self.limit, 4),
            "unit": self.unit,
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
) -> Finding:
    """A finding in one frame of a slice; the parameters are the attributes of `Finding`."""
    return Finding(fault, light, drawn.slice.name, drawn.index, int(frame), text, float(value), float(limit), unit)


def light_of(findings: Iterable[Finding]) -> Light:
    """The most severe light of some findings; GOOD without findings."""
    lights = {each.light for each in findings}
    return Light.REPAIR if Light.REPAIR in lights else Light.LOOK if Light.LOOK in lights else Light.GOOD
