"""Global strain of a heart: mean curves over all slices, and their main numbers, also of every sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.case import CineSlice, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.strain.curves import Cycle, peak

CURVES = ("ecc", "err")
#: Global numbers that have an interval, with the curve that each is read from.
GLOBAL_NUMBERS = {"gcs_peak": "ecc", "gcs_es": "ecc", "grs_peak": "err", "grs_es": "err"}


def heart_curves(slices: Sequence[CineSlice], strains: Sequence[SliceStrain]) -> dict[str, Array]:
    """Mean curves of a heart, ecc and err [T]: over its slices, weighted by myocardial area."""
    areas = wall_areas_mm2(slices, strains)
    return {name: np.average([s.global_curves[name] for s in strains], axis=0, weights=areas) for name in CURVES}


def heart_sample_curves(slices: Sequence[CineSlice], strains: Sequence[SliceStrain]) -> dict[str, Array]:
    """`heart_curves` of every sample, [N, T]; empty if a slice has none.

    Sample n of the heart consists of sample n of every slice: slices are sampled from the same noise, so that the
    errors that they share do not cancel in the mean.
    """
    if not all(strain.global_curves_samples for strain in strains):
        return {}
    areas = wall_areas_mm2(slices, strains)
    return {
        name: np.average([s.global_curves_samples[name] for s in strains], axis=0, weights=areas) for name in CURVES
    }


def wall_areas_mm2(slices: Sequence[CineSlice], strains: Sequence[SliceStrain]) -> Array:
    """[Z]: area of the myocardium at the reference frame."""
    return np.array([s.myocardium.sum() * np.prod(c.grid.spacing_mm) for s, c in zip(strains, slices, strict=True)])


def global_number(name: str, curve: Array, course: Cycle) -> float:
    """One of `GLOBAL_NUMBERS` of its curve [T]; NaN where it is unknown."""
    if name.endswith("_es"):
        return float(curve[course.es_frame])
    return peak(curve, course, "shortening" if name == "gcs_peak" else "thickening").value


def sample_spread(name: str, sample_curves: Array, course: Cycle) -> float:
    """Standard deviation (n − 1) of one of `GLOBAL_NUMBERS` over the samples' curves [N, T]."""
    return float(np.std([global_number(name, curve, course) for curve in sample_curves], ddof=1))
