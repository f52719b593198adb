"""The left ventricle as a stack of short-axis slices, some of which may be drawn in only some frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.function.summation import SAME_PLANE_MM
from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.heart.taper import axis_to_apex
from LaMoDCore.heart.ventricle import VentricleSlice


def ventricle_of(slices: Sequence[CineSlice]) -> tuple[VentricleSlice, ...]:
    """Slices of a case; a cavity that was not drawn is the hole of the ring."""
    return tuple(
        VentricleSlice(
            grid=s.grid,
            cavity=np.stack([cavity(ring) for ring in s.myocardium]) if s.cavity is None else s.cavity,
            myocardium=s.myocardium,
            frame_times_ms=s.frame_times_ms,
            rr_ms=s.rr_ms,
        )
        for s in slices
    )


def whole_ventricle(case: Case) -> tuple[VentricleSlice, ...]:
    """Collect every slice of a case that contains part of the ventricle, including those not usable for strain.

    Returns:
        sorted along the long axis, from base to apex; slices in the plane of another one are left out.
    """
    both = [*ventricle_of(case.slices), *case.volume_slices]
    axis = axis_to_apex(case.slices)
    both.sort(key=lambda s: float(s.grid.center_lps @ axis))
    kept: list[VentricleSlice] = []
    for one in both:
        if not kept or abs(float((one.grid.center_lps - kept[-1].grid.center_lps) @ axis)) >= SAME_PLANE_MM:
            kept.append(one)
    return tuple(kept)
