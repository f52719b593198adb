"""Assign the contour conventions that a user gives, or those of the contour engine, to the slices of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.contour_convention import ContourConvention, as_convention, one_per_slice
from LaMoDCore.io.case.slice_reader import ReadSlice
from LaMoDCore.runtime.errors import LaMoDInputError


def with_conventions(
    read: Sequence[ReadSlice], ordered: Sequence[ReadSlice], conventions: Sequence[ContourConvention] | None
) -> list[CineSlice]:
    """The usable slices from base to apex with their contour conventions.

    Args:
        read: all slices in the order in which they were read.
        ordered: the usable ones from base to apex.
        conventions: one for all slices, or one per usable slice from base to apex; None for those of the contour engine
            that drew the contours, and auto for other contours.

    Raises:
        LaMoDInputError: their number is wrong, or they are different and the files are in another order than the heart.
    """
    slices = [one.slice for one in ordered if one.slice is not None]
    if conventions is None:
        return [replace(slice_, contour_convention=_of_engine(slice_)) for slice_ in slices]
    given = one_per_slice(conventions, len(slices))
    # masks identify the slices, because their names may occur twice
    as_read = [id(one.slice.myocardium) for one in read if one.slice is not None]
    in_order_of_files = dict(zip(as_read, given, strict=True))
    differs = [in_order_of_files[id(slice_.myocardium)] != own for slice_, own in zip(slices, given, strict=True)]
    if any(differs) and len({one.source for one in read}) > 1:
        raise LaMoDInputError(
            "--contour-convention",
            "the files are not in the order of the slices from base to apex, so it is not clear which slice is which",
            "name the files from base to apex, or predict slices of different conventions one by one",
        )
    return [replace(slice_, contour_convention=own) for slice_, own in zip(slices, given, strict=True)]


def _of_engine(slice_: CineSlice) -> ContourConvention:
    return "auto" if slice_.contour_origin is None else as_convention(slice_.contour_origin.convention)
