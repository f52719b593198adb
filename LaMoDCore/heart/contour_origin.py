"""Origin of the contours of a slice that were drawn automatically."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from LaMoDCore.runtime.json_file import parse_json

FrameStatus = Literal["automatic", "unsure", "reviewed", "edited"]
FRAME_STATUSES: tuple[FrameStatus, ...] = ("automatic", "unsure", "reviewed", "edited")
#: Statuses of frames whose contours a person accepted or changed.
BY_PERSON: tuple[FrameStatus, ...] = ("reviewed", "edited")
#: Metadata key of a sequence file under which the origin of each of its slices is stored as JSON.
METADATA_KEY = "LaMoD contour origin"
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class ContourOrigin:
    """Automatic contours of one slice.

    Attributes:
        engine: name of the contour engine.
        engine_sha256: SHA-256 of its network.
        licence: licences of the engine's weights and of the data that they were trained on.
        convention: blood-pool, tissue, or auto where the engine does not state it.
        status: automatic, unsure (automatic, with low confidence), reviewed (accepted by a person) or edited (changed
            by a person), per frame.
        confidence: confidence of each frame, 0–1.
        rv_insertion_lps: anterior RV insertion of the slice in LPS mm, or None.
        volume_only_because: why the slice is used for volumes but not for strain; "" if it is used for both.
    """

    engine: str
    engine_sha256: str
    licence: str
    convention: str
    status: tuple[FrameStatus, ...]
    confidence: tuple[float, ...]
    rv_insertion_lps: tuple[float, float, float] | None = None
    volume_only_because: str = ""

    def __post_init__(self) -> None:
        if len(self.status) != len(self.confidence):
            raise ValueError("status and confidence must have one entry per frame")
        unknown = set(self.status) - set(FRAME_STATUSES)
        if unknown:
            raise ValueError(f"status must be one of {', '.join(FRAME_STATUSES)}, got {sorted(unknown)}")

    @property
    def is_reviewed(self) -> bool:
        """Whether a person accepted or changed every frame."""
        return all(status in BY_PERSON for status in self.status)

    def reviewed(self) -> ContourOrigin:
        """The same contours, accepted by a person; edited frames remain edited."""
        status: tuple[FrameStatus, ...] = tuple("edited" if each == "edited" else "reviewed" for each in self.status)
        return replace(self, status=status)

    def to_dict(self) -> dict[str, Any]:
        """As it is stored in a file."""
        return {
            "engine": self.engine,
            "engine_sha256": self.engine_sha256,
            "licence": self.licence,
            "convention": self.convention,
            "status": list(self.status),
            "confidence": [round(value, 4) for value in self.confidence],
            "rv_insertion_lps": None if self.rv_insertion_lps is None else list(self.rv_insertion_lps),
            "volume_only_because": self.volume_only_because,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ContourOrigin:
        """The origin of `to_dict`.

        Raises:
            ValueError: a key is missing or a value is not allowed.
        """
        try:
            texts = [_short_text(stored[key], key) for key in ("engine", "engine_sha256", "licence", "convention")]
            confidence = tuple(float(value) for value in stored["confidence"])
            point = stored.get("rv_insertion_lps")
            x, y, z = (math.nan,) * 3 if point is None else (float(value) for value in point)
            if not all(0.0 <= value <= 1.0 for value in confidence):
                raise ValueError("confidence must lie between 0 and 1")
            if point is not None and not all(map(math.isfinite, (x, y, z))):
                raise ValueError("rv_insertion_lps must be three finite numbers")
            return cls(
                engine=texts[0],
                engine_sha256=texts[1],
                licence=texts[2],
                convention=texts[3],
                status=tuple(stored["status"]),
                confidence=confidence,
                rv_insertion_lps=None if point is None else (x, y, z),
                volume_only_because=_short_text(stored.get("volume_only_because", ""), "volume_only_because"),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a contour origin: {error}") from error


def _short_text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST_TEXT:
        raise ValueError(f"{name} must be a short text")
    return value


def origins_to_text(origins: Sequence[ContourOrigin]) -> str:
    """The origins of the slices of a file, as the value of `METADATA_KEY`."""
    return json.dumps([origin.to_dict() for origin in origins])


def origins_from_text(text: str, slices: int, frames: int) -> tuple[ContourOrigin, ...]:
    """The origins of a file with so many slices and frames.

    Raises:
        ValueError: the text is not what `origins_to_text` gives, or the counts differ.
    """
    try:
        stored = parse_json(text)
    except ValueError as error:
        raise ValueError("its contour origin is not readable JSON") from error
    if not isinstance(stored, list) or len(stored) != slices or not all(isinstance(each, dict) for each in stored):
        raise ValueError(f"its contour origin does not describe {slices} slice(s)")
    origins = tuple(ContourOrigin.from_dict(each) for each in stored)
    if any(len(origin.status) != frames for origin in origins):
        raise ValueError(f"its contour origin does not describe {frames} frames")
    return origins
