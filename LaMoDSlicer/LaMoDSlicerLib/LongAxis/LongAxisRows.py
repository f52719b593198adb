"""Lists the long-axis slices of the heart as rows of its table, with the view that each of them shows."""

from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Heart.SliceRow import SliceRow
from LaMoDSlicerLib.LongAxis import LongAxisSlices
from LaMoDSlicerLib.LongAxis.LongAxisSlice import LongAxisSlice
from LaMoDSlicerLib.LongAxis.ViewNames import VIEWS


def rowsOf(series: list[HeartSeries], insertionLps: np.ndarray | None = None) -> list[SliceRow]:
    """The rows of long-axis series, in their order.

    Args:
        series: long-axis series.
        insertionLps: [3] anterior RV insertion in LPS mm, by which views are recognised more reliably; None if it is
            not known.
    """
    slices = [each for one in series for each in LongAxisSlices.of(one)]
    kinds = viewsOf(slices, insertionLps)
    if any(_chosen(each) for each in slices):  # what “auto” would give for them
        automatic = viewsOf(slices, insertionLps, isChoiceUsed=False)
        kinds = [a if _chosen(each) else k for each, k, a in zip(slices, kinds, automatic, strict=True)]
    return [_row(each, kind) for each, kind in zip(slices, kinds, strict=True)]


def sliceOf(row: SliceRow) -> LongAxisSlice:
    """The slice of a row; without a grid if its nodes were removed since."""
    found = (each for each in LongAxisSlices.of(row.series) if each.depth == row.depth)
    return next(found, LongAxisSlice(row.series, row.depth, None))


def namedView(one: LongAxisSlice) -> str | None:
    """The view that a person chose; None if it is to be recognised.

    The name of a series counts only without a position: scanners often keep the description of an earlier view.
    """
    return _chosen(one) or _byName(one)


def _byName(one: LongAxisSlice) -> str | None:
    from LaMoDCore.heart.long_axis.recognise import kind_in_name

    return None if one.isLocated else kind_in_name(one.series.name)


def _chosen(one: LongAxisSlice) -> str | None:
    chosen = one.series.levels.get(one.depth)
    return chosen if chosen in VIEWS else None


def viewsOf(
    slices: list[LongAxisSlice], insertionLps: np.ndarray | None, isChoiceUsed: bool = True
) -> list[str | None]:
    """The view of each slice: chosen, recognised by its position, or in its name; None if it is not known.

    Args:
        slices: of the heart.
        insertionLps: as of `rowsOf`.
        isChoiceUsed: whether a person's choice is used.
    """
    from LaMoDCore.heart.long_axis.end_diastole import reference_frame
    from LaMoDCore.heart.long_axis.recognise import heart_frame, recognised

    found = [namedView(each) if isChoiceUsed else _byName(each) for each in slices]
    placed = [i for i, each in enumerate(slices) if each.lines and not each.problem and each.isLocated]
    if any(found[i] is None for i in placed):
        views = [slices[i].view(found[i]) for i in placed]
        frames = [reference_frame(view) for view in views]
        ordered, _notes = recognised(views, frames, heart_frame(views, frames, insertionLps))
        for i, view in zip(placed, ordered, strict=True):
            found[i] = view.kind
    return found


def _row(one: LongAxisSlice, kind: str | None) -> SliceRow:
    problem, remark = one.problem, ""
    if not problem and one.hasContours and kind is None and not _chosen(one):
        problem = _("the images do not state their position: choose the view in the column “Level”")
    if not one.hasContours and not problem:
        remark = _("long axis without contours: add masks, guide points or curves of the open wall for GLS")
    wanted = one.series.uses.get(one.depth, one.hasContours)
    return SliceRow(
        series=one.series,
        depth=one.depth,
        grid=one.grid,
        isUsed=bool(wanted and one.hasContours and not problem),
        number=0,
        proposal=kind or "",
        frames=one.frames,
        rrMs=one.rrMs,
        drawn=len(one.lines),
        problem=problem,
        remark=remark,
        isLongAxis=True,
    )


def contoursText(row: SliceRow) -> str:
    """The column on contours: drawn on all frames, on some, or none."""
    if not row.drawn:
        return _("none")
    if row.drawn == row.frames:
        return _("drawn")
    return _("{count} of {all}").format(count=row.drawn, all=row.frames)


def selectedText(row: SliceRow) -> str:
    """Facts about a selected row: how the view is known and where its contours come from."""
    one: Any = sliceOf(row)
    parts = []
    if row.chosenLevel in VIEWS:
        parts.append(_("view chosen"))
    elif namedView(one) is not None:
        parts.append(_("view by the name of the series"))
    elif row.proposal:
        parts.append(_("view recognised by its position"))
    if one.wall is not None:
        parts.append(_("contours: masks “{name}”").format(name=one.series.masks.GetName()))
    elif one.holders:
        names = [node.GetName() for node in one.holders]
        shown = names[0] if len(names) == 1 else _("{count} curves").format(count=len(names))
        parts.append(_("contours: {name}").format(name=shown))
    return " · ".join(parts)
