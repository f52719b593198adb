"""Assign the contour conventions that a user gives, or those of the contour engine, to the slices of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.contour_convention import ContourConvention, as_convention, one_per_slice
from LaMoDCore.io.case.slice_reader import ReadSlice
from LaMoDCore.runtime.errors import LaMoDInputError

_ONE_BY_ONE = "name one convention for all slices, or predict slices of different conventions one by one"


def with_conventions(
    read: Sequence[ReadSlice],
    ordered: Sequence[ReadSlice],
    conventions: Sequence[ContourConvention] | None,
    *,
    is_guess: bool = False,
) -> list[CineSlice]:
    """The usable slices from base to apex with their contour conventions.

    Args:
        read: all slices in the order in which they were read.
        ordered: the usable ones from base to apex.
        conventions: one for all slices, or one per slice from base to apex, with or without those that are left out;
            None for those of the contour engine that drew the contours, and auto for other contours.
        is_guess: whether the order from base to apex is a guess that differs from the order of the files.

    Raises:
        LaMoDInputError: their number is wrong, or they are different and the order of the slices is not clear.
    """
    slices = [one.slice for one in ordered if one.slice is not None]
    if conventions is None:
        return [_with_that_of_engine(slice_) for slice_ in slices]
    # masks identify the slices, because their names may occur twice
    places = [next(k for k, one in enumerate(read) if one.slice is not None and _same(one.slice, s)) for s in slices]
    from_apex = places == sorted(places, reverse=True) and places != sorted(places)
    if len(conventions) == len(read) > len(slices):
        all_places = range(len(read))[::-1] if from_apex else range(len(read))
        of_place = dict(zip(all_places, conventions, strict=True))
        conventions = [of_place[place] for place in sorted(places, reverse=from_apex)]
    given = one_per_slice(conventions, len(slices), _left_out(read))
    if len(set(given)) > 1 and is_guess:
        raise LaMoDInputError(
            "--contour-convention", "the files do not state which slice is the base and which the apex", _ONE_BY_ONE
        )
    in_order_of_files = dict(zip(sorted(places), given, strict=True))
    differs = [in_order_of_files[place] != own for place, own in zip(places, given, strict=True)]
    if any(differs) and len({one.source for one in read}) > 1:
        raise LaMoDInputError(
            "--contour-convention",
            "the files are not in the order of the slices from base to apex, so it is not clear which slice is which",
            "name the files from base to apex, or predict slices of different conventions one by one",
        )
    return [
        replace(slice_, contour_convention=own, convention_source="user")
        for slice_, own in zip(slices, given, strict=True)
    ]


def _same(one: CineSlice, other: CineSlice) -> bool:
    return one.myocardium is other.myocardium


def _left_out(read: Sequence[ReadSlice]) -> str:
    """Clause that names the slices that cannot be used."""
    names = [one.name for one in read if one.slice is None]
    return f" (left out: {', '.join(names)})" if names else ""


def _with_that_of_engine(slice_: CineSlice) -> CineSlice:
    if slice_.contour_origin is None:
        return slice_
    return replace(
        slice_, contour_convention=as_convention(slice_.contour_origin.convention), convention_source="engine"
    )
