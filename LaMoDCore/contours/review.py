"""Automatic contours of a heart, frame by frame: their confidence, and whether a person reviewed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.contour_origin import ContourOrigin

#: Status of a frame without contours.
NOT_DRAWN = "none"


@dataclass(frozen=True)
class SliceReview:
    """Automatic contours of one slice.

    Attributes:
        origin: engine, confidence and status, as the mask file states them.
        is_drawn: for each frame, whether it has contours.
    """

    origin: ContourOrigin
    is_drawn: tuple[bool, ...]

    @property
    def status(self) -> tuple[str, ...]:
        """For each frame automatic, unsure, reviewed, edited, or none if nothing is drawn."""
        pairs = zip(self.origin.status, self.is_drawn, strict=True)
        return tuple(status if drawn else NOT_DRAWN for status, drawn in pairs)

    @property
    def unsure(self) -> tuple[int, ...]:
        """Frames with a low confidence that no person has reviewed, from 0."""
        return tuple(frame for frame, status in enumerate(self.status) if status == "unsure")

    def to_dict(self) -> dict[str, Any]:
        """As `lamod check --json` and findings.json contain it."""
        stored = self.origin.to_dict()
        return {**stored, "status": list(self.status), "reviewed": self.origin.is_reviewed}


def review_of(slices: Sequence[CineSlice]) -> tuple[SliceReview | None, ...]:
    """The review of each slice; None if a person drew the contours."""
    found: list[SliceReview | None] = []
    for slice_ in slices:
        origin, drawn = slice_.contour_origin, [bool(mask.any()) for mask in slice_.myocardium]
        found.append(None if origin is None else SliceReview(origin, tuple(drawn)))
    return tuple(found)
