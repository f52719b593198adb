"""The contour checks of a series for the table; they are calculated while nothing else runs."""

from typing import Any

from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries


def known(series: HeartSeries) -> tuple[Any, ...] | None:
    """One review per slice with contours; None if they are not checked yet."""
    try:
        from LaMoDSlicerLib.Contours import ContourReview
    except ImportError:
        return None
    return ContourReview.known(series.masks, series.cine, series.myocardium)


def check(series: HeartSeries) -> None:
    """Check the contours of a series."""
    try:
        from LaMoDSlicerLib.Contours import ContourReview
    except ImportError:
        return
    ContourReview.of(series.masks, series.cine, series.myocardium)
