"""What a check found: where, how bad, in a sentence, with its number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """The kinds of fault; the value is what tables and files call it."""

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


class Light(Enum):
    """Traffic light of a frame. The word stands beside the colour everywhere: not everyone tells red from green."""

    GOOD = "good"
    LOOK = "look"
    MEND = "mend"


@dataclass(frozen=True)
class Finding:
    """One fault of one frame.

    Attributes:
        fault: its kind.
        light: MEND where strain cannot be computed or would be wrong for certain, LOOK where a person must judge.
        slice_name: the slice.
        slice_index: counted from 0, in the order checked.
        frame: counted from 0.
        sentence: what is seen, with its number, for the person.
        value: the number itself.
        limit: the number from which it is reported.
        unit: of both.
    """

    fault: Fault
    light: Light
    slice_name: str
    slice_index: int
    frame: int
    sentence: str
    value: float
    limit: float
    unit: str


def light_of(findings: Iterable[Finding]) -> Light:
    """The worst of some findings; GOOD without any."""
    lights = {finding.light for finding in findings}
    return Light.MEND if Light.MEND in lights else Light.LOOK if Light.LOOK in lights else Light.GOOD
