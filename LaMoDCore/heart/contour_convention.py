"""Conventions by which contours are drawn, which mean different strain for the same heart.

Contours on cine images usually follow the blood pool: at end-diastole they leave the trabeculae out of the wall, at
end-systole the compressed trabeculae are drawn as wall. Contours on DENSE or tagged images follow the tissue, the same
material in every frame. The circumferential strain of the endocardium differs by some points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted

ContourConvention = Literal["auto", "blood-pool", "tissue"]
#: Who stated a convention: the user of the prediction, the case.json of a dataset, or the contour engine.
ConventionSource = Literal["user", "case", "engine"]
#: All conventions; the index is the network's number of a convention, 0 where it is not known.
CONTOUR_CONVENTIONS: tuple[ContourConvention, ...] = ("auto", "blood-pool", "tissue")
#: Conventions as readers of a report know them.
CONVENTION_WORDS: dict[ContourConvention, str] = {"auto": "unknown", "blood-pool": "blood pool", "tissue": "tissue"}
CONVENTION_SOURCES: tuple[ConventionSource, ...] = ("user", "case", "engine")
#: Contours that leave out less, in mm at end-diastole, follow the tissue; those that leave out more, the blood pool.
TISSUE_BELOW_MM, BLOOD_POOL_ABOVE_MM = 0.4, 1.0


def convention_number(convention: ContourConvention) -> int:
    """Number of a convention as an input of the networks: 0 for auto, 1 for blood-pool, 2 for tissue."""
    return CONTOUR_CONVENTIONS.index(convention)


def as_convention(word: str) -> ContourConvention:
    """The convention of a name; "auto" for any other text, such as that of a file of an older version."""
    return next((each for each in CONTOUR_CONVENTIONS if each == word), "auto")


def parse_conventions(conventions: str | Sequence[str] | None) -> tuple[ContourConvention, ...] | None:
    """Read one convention, or several separated by commas or in a sequence; None stays None.

    Raises:
        LaMoDInputError: another word, or another type.
    """
    if conventions is None:
        return None
    if isinstance(conventions, bytes) or not isinstance(conventions, Iterable):
        words = [conventions]
    else:
        words = conventions.split(",") if isinstance(conventions, str) else list(conventions)
    parsed: list[ContourConvention] = []
    for word in words:
        name = str(word).strip().lower()
        if name not in CONTOUR_CONVENTIONS:
            known = ", ".join(CONTOUR_CONVENTIONS)
            reason = f"'{str(word).strip()}' is not a contour convention"
            raise LaMoDInputError("--contour-convention", reason, f"use {known}: one, or one per slice")
        parsed.append(as_convention(name))
    return tuple(parsed)


def one_per_slice(
    conventions: Sequence[ContourConvention], slices: int, left_out: str = ""
) -> tuple[ContourConvention, ...]:
    """One convention for each of `slices` slices: a single one applies to all of them.

    Args:
        conventions: the conventions.
        slices: number of slices.
        left_out: clause for the message on slices of the input that are not among them.

    Raises:
        LaMoDInputError: there are neither one nor as many as slices.
    """
    if len(conventions) not in (1, slices):
        raise LaMoDInputError(
            "--contour-convention",
            f"{counted(len(conventions), 'convention')} for {counted(slices, 'slice')}{left_out}",
            "name one for all slices, or one per slice from base to apex",
        )
    return tuple(conventions) if len(conventions) == slices else (conventions[0],) * slices


@dataclass(frozen=True)
class LeftOutLayer:
    """Estimate of the trabeculated layer that contours leave out of the wall at end-diastole and include at ES.

    Attributes:
        thickness_mm: its mean thickness at end-diastole.
        deviation_mm: standard deviation of the estimate.
    """

    thickness_mm: float
    deviation_mm: float

    @property
    def convention(self) -> ContourConvention:
        """The convention that the estimate agrees with; "auto" if it lies between or is too uncertain."""
        low, high = self.thickness_mm - self.deviation_mm, self.thickness_mm + self.deviation_mm
        if high < BLOOD_POOL_ABOVE_MM and self.thickness_mm < TISSUE_BELOW_MM:
            return "tissue"
        if low > TISSUE_BELOW_MM and self.thickness_mm > BLOOD_POOL_ABOVE_MM:
            return "blood-pool"
        return "auto"


def layer_text(layer: LeftOutLayer) -> str:
    """The estimate in words."""
    return f"{layer.thickness_mm:.1f} ± {layer.deviation_mm:.1f} mm left out"


@dataclass(frozen=True)
class ConventionUsed:
    """The convention that a prediction of one slice used.

    Attributes:
        given: as given for the slice; "auto" if it was left to the model.
        layer: the network's estimate from the contours alone; None for a model without one.
        is_input: whether the model has an input for the convention.
        source: who gave it; without meaning for "auto".
    """

    given: ContourConvention = "auto"
    layer: LeftOutLayer | None = None
    is_input: bool = False
    source: ConventionSource = "user"

    @property
    def used(self) -> ContourConvention | None:
        """The given convention, otherwise the inferred one; "auto" if it could not be inferred, None if not used."""
        if not self.is_input:
            return None
        if self.given != "auto":
            return self.given
        return "auto" if self.layer is None else self.layer.convention

    @property
    def is_ignored(self) -> bool:
        """Whether a convention was given to a model without an input for it."""
        return self.given != "auto" and not self.is_input

    @property
    def contradicted(self) -> bool:
        """Whether the contours clearly follow the other convention than the given one."""
        inferred = "auto" if self.layer is None else self.layer.convention
        return "auto" not in (self.given, inferred) and self.given != inferred

    def to_dict(self) -> dict[str, Any]:
        """As it is stored in strain.json."""
        return {
            "given": self.given,
            "source": None if self.given == "auto" else self.source,
            "used": self.used,
            "left_out_layer_mm": None if self.layer is None else self.layer.thickness_mm,
            "left_out_layer_sd_mm": None if self.layer is None else self.layer.deviation_mm,
        }

    @classmethod
    def from_dict(cls, stored: Any) -> ConventionUsed | None:
        """The convention of `to_dict`; None if it is missing, as in results of older versions, or not readable."""
        if not isinstance(stored, Mapping) or stored.get("given") not in CONTOUR_CONVENTIONS:
            return None
        numbers = [stored.get(key) for key in ("left_out_layer_mm", "left_out_layer_sd_mm")]
        known = [float(n) for n in numbers if isinstance(n, int | float) and math.isfinite(n) and n >= 0]
        layer = LeftOutLayer(known[0], known[1]) if len(known) == len(numbers) else None
        given, used = as_convention(stored["given"]), stored.get("used")
        if given == "auto" and used in ("blood-pool", "tissue") and layer is None:
            return None  # nothing from which the convention could have been inferred
        sources = [each for each in CONVENTION_SOURCES if each == stored.get("source")]
        return cls(given, layer, is_input=used in CONTOUR_CONVENTIONS, source=sources[0] if sources else "user")
