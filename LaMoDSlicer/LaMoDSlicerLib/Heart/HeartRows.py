"""Lists the slices of several series as one heart: from base to apex, with proposed levels."""

from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart import SeriesFinder
from LaMoDSlicerLib.Heart.Examination import Examination
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Heart.SeriesFacts import SeriesFacts
from LaMoDSlicerLib.Heart.SlicePlace import SlicePlace
from LaMoDSlicerLib.Heart.SliceRow import SliceRow

#: Slices of one heart are parallel up to this cosine between their normals (20°) and no farther apart than this, mm.
_PARALLEL, _REACH_MM = 0.94, 160.0
_SAME_PLANE_MM = 1.0


def rowsOf(series: list[HeartSeries], swap: bool) -> list[SliceRow]:
    """The slices of all series, from base to apex.

    Args:
        series: of the heart.
        swap: whether a person exchanged base and apex.
    """
    places = [place for one in series for place in _placesOf(one)]
    remarks = _remarks(places)
    used = [
        place.series.uses.get(place.depth, not remark) and not place.facts.problem
        for place, remark in zip(places, remarks, strict=True)
    ]
    order, proposals = _arranged(places, used, swap)
    rows: list[SliceRow] = []
    number = 0
    for i in order:
        place = places[i]
        number += used[i]
        rows.append(
            SliceRow(
                series=place.series,
                depth=place.depth,
                grid=place.grid,
                isUsed=used[i],
                number=number if used[i] else 0,
                proposal=proposals.get(i, ""),
                frames=place.facts.frames,
                rrMs=place.facts.rrMs,
                drawn=int(place.facts.drawn[place.depth].sum()) if place.wall is not None else 0,
                problem=place.facts.problem,
                remark=remarks[i],
            )
        )
    return rows


def _placesOf(series: HeartSeries) -> list[SlicePlace]:
    facts = SeriesFacts.of(series)
    grids = {k: SeriesFinder.grid(facts.geometry, k) if facts.geometry is not None else None for k in facts.depths}
    return [SlicePlace(series, k, facts, grids[k]) for k in facts.depths]


def _remarks(places: list[SlicePlace]) -> list[str]:
    """Why each slice is not used by default; empty if it is. Slices with contours come first."""
    from LaMoDCore.heart.geometry import MIN_AXIS_COSINE

    remarks = [""] * len(places)
    kept: list[SlicePlace] = []
    for i in sorted(range(len(places)), key=lambda i: places[i].wall is None):
        place = places[i]
        if place.grid is None:
            continue
        examination = Examination.of(place.series)
        others = (examination.whyNot(Examination.of(other.series)) for other in kept)
        isChosen = place.series.uses.get(place.depth, False)
        if abs(place.grid.axis_cosine) < MIN_AXIS_COSINE:
            remarks[i] = _("not a short-axis view by its orientation")
        elif foreign := next(filter(None, others), ""):
            remarks[i] = foreign
        elif any(place.grid.same_plane(other.grid, _SAME_PLANE_MM) for other in kept):
            remarks[i] = _("in the plane of another slice")
        elif kept and not _isOfOneHeart(place.grid, kept[0].grid):
            remarks[i] = _("not parallel to the other slices, or far from them")
        if isChosen or not remarks[i]:
            kept.append(place)
    return remarks


def _isOfOneHeart(grid: Any, other: Any) -> bool:
    away = float(np.linalg.norm(grid.center_lps - other.center_lps))
    return abs(float(grid.normal @ other.normal)) > _PARALLEL and away < _REACH_MM


def _arranged(places: list[SlicePlace], used: list[bool], swap: bool) -> tuple[list[int], dict[int, str]]:
    """Indices from base to apex, and the proposed level of each used slice with contours."""
    from LaMoDCore.heart.levels import depths_towards_apex
    from LaMoDCore.io.case.slice_order import center_lps_of, order_of

    located = [i for i, place in enumerate(places) if place.grid is not None]
    known = [i for i in located if used[i] and places[i].wall is not None]
    slices = {i: _sliceOf(places[i]) for i in located if places[i].wall is not None}
    found = order_of([slices[i] for i in known], swap=swap) if known else None
    isReversed = swap if found is None else found.by_taper != swap
    centers = [center_lps_of(slices[i]) if i in slices else places[i].grid.center_lps for i in located]
    depths = depths_towards_apex(centers, [places[i].grid for i in located]) if located else []
    order = [i for _depth, i in sorted(zip(depths, located, strict=True), reverse=isReversed)]
    order += [i for i in range(len(places)) if i not in located]
    if found is None:
        return order, {}
    inOrder = [known[i] for i in found.indices]
    return order, dict(zip(inOrder, _proposals([places[i] for i in inOrder], found.depths_mm), strict=True))


def _proposals(places: list[SlicePlace], depthsMm: Any) -> list[str]:
    """The level of each slice, from base to apex, if none is chosen for it; it fits those chosen for other slices."""
    from LaMoDCore.heart.levels import completed_levels

    chosen = [place.series.levels.get(place.depth) for place in places]
    others = ([*chosen[:i], None, *chosen[i + 1 :]] for i in range(len(chosen)))
    return [completed_levels(levels, depthsMm)[i] for i, levels in enumerate(others)]


def _sliceOf(place: SlicePlace) -> Any:
    """One frame of a slice as a LaMoDCore CineSlice."""
    from LaMoDCore.heart.case import CineSlice

    right = place.facts.rightVentricles[place.depth]
    return CineSlice(
        name=place.series.name,
        grid=place.grid,
        myocardium=place.wall[None],
        frame_times_ms=np.zeros(1),
        rr_ms=1000.0,
        right_ventricle=right[None],
    )


def isOrderKnown(rows: list[SliceRow]) -> bool:
    """Whether the orientation of the images states which end of the heart is the apex."""
    from LaMoDCore.io.images.stated_geometry import lies_on_scanner_axes

    grids = [row.grid for row in rows if row.grid is not None]
    return bool(grids) and not all(lies_on_scanner_axes(grid.ijk_to_lps) for grid in grids)
