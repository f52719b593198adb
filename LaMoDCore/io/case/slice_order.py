"""The order of slices from base to apex: by position, by the taper of the ventricle, or as a person corrects it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.levels import depths_towards_apex
from LaMoDCore.heart.ring.mask import epicardial_region
from LaMoDCore.heart.taper import areas_mm2, runs_from_apex
from LaMoDCore.io.images.stated_geometry import lies_on_scanner_axes


@dataclass(frozen=True)
class SliceOrder:
    """Slices from base to apex.

    Attributes:
        indices: of the slices, the most basal first.
        depths_mm: position of each towards the apex, in this order, from an arbitrary origin.
        by_taper: whether the taper of the ventricle reversed the order of the positions.
        is_known: whether the files state which end is the apex.
    """

    indices: tuple[int, ...]
    depths_mm: tuple[float, ...]
    by_taper: bool
    is_known: bool


def order_of(slices: Sequence[CineSlice], *, has_orientation: bool = True, swap: bool = False) -> SliceOrder:
    """Order slices from base to apex.

    Where the orientation is missing, or looks like one that an export has lost, the taper of the ventricle decides.

    Args:
        slices: in any order.
        has_orientation: whether the files of all slices contain their orientation.
        swap: exchange base and apex, because a person sees that the order is wrong.
    """
    depths = depths_towards_apex([center_lps_of(s) for s in slices], [s.grid for s in slices])
    indices = sorted(range(len(slices)), key=lambda i: depths[i])
    known = has_orientation and not all(lies_on_scanner_axes(s.grid.ijk_to_lps) for s in slices)
    by_taper = not known and runs_from_apex(*zip(*(areas_mm2(slices[i]) for i in indices), strict=True))
    if by_taper != swap:
        indices, depths = indices[::-1], [-depth for depth in depths]
    return SliceOrder(tuple(indices), tuple(depths[i] for i in indices), by_taper, known)


def center_lps_of(slice_: CineSlice) -> Array:
    """[3]: centre of the ventricle in the first frame, LPS mm."""
    rows, columns = np.nonzero(epicardial_region(slice_.myocardium[0]))
    return slice_.grid.pixel_to_lps(np.array([columns.mean(), rows.mean()]))
