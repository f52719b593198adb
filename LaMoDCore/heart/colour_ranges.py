"""Limits of the colour scales: one per quantity, for the report and for Slicer."""

from __future__ import annotations

from collections.abc import Mapping

#: Upper limit of each quantity. Scales of strains and of the difference of two results are symmetric about zero, the
#: others begin at zero. Units: per cent of strain; mm for the displacement; percentage points for the difference and
#: for the standard deviation over the samples.
COLOUR_RANGES: Mapping[str, float] = {
    "ecc": 25.0,
    "err": 60.0,
    "e1": 60.0,
    "e2": 25.0,
    "longitudinal": 30.0,  # engineering strain, about 25 as Green–Lagrange strain
    "displacement": 10.0,
    "uncertainty": 5.0,
    "difference": 10.0,
}
