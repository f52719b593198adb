"""Conventions by which contours are drawn, which mean different strain for the same heart.

Contours on cine images usually follow the blood pool: at end-diastole they leave the trabeculae out of the wall, at
end-systole the compressed trabeculae are drawn as wall. Contours on DENSE or tagged images follow the tissue, the same
material in every frame. The circumferential strain of the endocardium differs by some points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ContourConvention = Literal["auto", "blood-pool", "tissue"]
#: All conventions; the index is the network's number of a convention, 0 where it is not known.
CONTOUR_CONVENTIONS: tuple[ContourConvention, ...] = ("auto", "blood-pool", "tissue")
#: Contours that leave out less, in mm at end-diastole, follow the tissue; those that leave out more, the blood pool.
TISSUE_BELOW_MM, BLOOD_POOL_ABOVE_MM = 0.4, 1.0


def convention_number(convention: ContourConvention) -> int:
    """Number of a convention as an input of the networks: 0 for auto, 1 for blood-pool, 2 for tissue."""
    return CONTOUR_CONVENTIONS.index(convention)


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


@dataclass(frozen=True)
class ConventionUsed:
    """The convention that a prediction of one slice used.

    Attributes:
        given: as given for the slice; "auto" if it was left to the network.
        layer: the network's estimate from the contours alone; None for a model without an input for the convention.
    """

    given: ContourConvention
    layer: LeftOutLayer | None = None

    @property
    def used(self) -> ContourConvention:
        """The given convention, otherwise the inferred one; "auto" if it could not be inferred."""
        return self.given if self.given != "auto" or self.layer is None else self.layer.convention

    @property
    def contradicted(self) -> bool:
        """Whether the contours clearly follow the other convention than the given one."""
        inferred = "auto" if self.layer is None else self.layer.convention
        return "auto" not in (self.given, inferred) and self.given != inferred
