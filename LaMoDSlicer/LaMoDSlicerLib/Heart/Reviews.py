"""The contour checks of a series for the table."""

from typing import Any

from LaMoDSlicerLib.Contours import ContourReview
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Inputs.InputError import InputError


def known(series: HeartSeries) -> tuple[Any, ...] | None:
    """One review per slice with contours; None if they are not checked yet."""
    return ContourReview.known(series.masks, series.cine, series.myocardium)


def step(series: HeartSeries) -> bool:
    """Check the next slice of a series; returns whether nothing is left to check."""
    try:
        return bool(ContourReview.checkOf(series.masks, series.cine, series.myocardium).step())
    except InputError:
        return True
