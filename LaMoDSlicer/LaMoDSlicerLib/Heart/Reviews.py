"""The contour checks of a series for the table."""

from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours import ContourReview
from LaMoDSlicerLib.Contours.SliceReview import SliceReview
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Heart.SliceRow import SliceRow
from LaMoDSlicerLib.Inputs import SliceFaults
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Widgets import Numbering


def known(series: HeartSeries) -> tuple[Any, ...] | None:
    """One review per slice with contours; None if they are not checked yet."""
    return ContourReview.known(series.masks, series.cine, series.myocardium)


def step(series: HeartSeries) -> bool:
    """Check the next slice of a series; returns whether nothing is left to check."""
    try:
        return bool(ContourReview.checkOf(series.masks, series.cine, series.myocardium).step())
    except InputError:
        return True


def nextRepair(rows: list[SliceRow]) -> str:
    """The repair without which no strain can be predicted, as far as the contours are checked; "" if there is none.

    Args:
        rows: the used slices.
    """
    faults = _faultsOf(rows)
    isLost = bool(faults) and all(review.fault is not None for _row, review in faults)
    for row, review in faults:
        if review.fault is not None and (isLost or review.fault.kind in SliceFaults.REFUSED or _isGap(row, review)):
            text = _("Next: repair the contours. {fault}")
            if review.fault.kind == "missing" and row.series.cine is not None:
                text = _("Next: press “Carry to empty frames” in the section Contours, or draw them. {fault}")
            sentence = SliceFaults.sentence(review.fault, row.series.name, row.number if len(rows) > 1 else 0)
            return text.format(fault=sentence)
    return ""


def leftOut(rows: list[SliceRow]) -> str:
    """Which used slices the prediction leaves out because of their contours; "" if there is none."""
    parts = [
        _("slice {number} ({frames})").format(number=row.number, frames=Numbering.frames(review.fault.frames))
        for row, review in _faultsOf(rows)
        if review.fault is not None
    ]
    return _("Left out unless repaired: {slices}.").format(slices=", ".join(parts)) if parts else ""


def _faultsOf(rows: list[SliceRow]) -> list[tuple[SliceRow, SliceReview]]:
    """The rows whose contours are checked."""
    reviews = {id(row.series): known(row.series) or () for row in rows}
    found = ((row, next((r for r in reviews[id(row.series)] if r.depth == row.depth), None)) for row in rows)
    return [(row, review) for row, review in found if review is not None]


def _isGap(row: SliceRow, review: SliceReview) -> bool:
    """Whether a series has a frame without any contours."""
    empty = (set(each.empty) for each in known(row.series) or ())
    return review.fault.kind == "missing" and bool(set.intersection(*empty))
