"""Adds cines and masks that are new in the scene to the series of the heart; masks that fit a cine join it."""

from typing import Any

from LaMoDSlicerLib.Heart import SeriesFinder
from LaMoDSlicerLib.Heart.Examination import Examination
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Scene.CineSource import CineSource


def add(series: list[HeartSeries], dismissed: set[str]) -> None:
    """Add the new cines and masks of the scene to a list of series.

    Args:
        series: those of the heart, to which new ones are appended.
        dismissed: IDs of nodes that a person removed.
    """
    masks = [node for node in SeriesFinder.masks() if node.GetID() not in dismissed]
    free = [node for node in masks if not any(s.holds(node) for s in series)]
    for cine in SeriesFinder.cines():
        if cine.GetID() not in dismissed and not any(s.cine is cine for s in series):
            _addCine(cine, series)
    for one in series:
        if one.cine is not None and one.masks is None:
            one.masks = SeriesFinder.bestMasks(one.cine, free)
            free = [node for node in free if node is not one.masks]
    _pairTheOnlyOnes(series, free)
    for node in free:
        if not any(s.holds(node) or _isSecondReader(node, s) for s in series):
            series.append(HeartSeries(masks=node))


def _addCine(cine: Any, series: list[HeartSeries]) -> None:
    """Add a cine as a series, or to the series of masks without a cine that fit it."""
    alone = next((s for s in series if s.cine is None and SeriesFinder.fit(cine, s.masks)), None)
    if alone is None:
        series.append(HeartSeries(cine=cine))
    else:
        alone.cine = cine


def _pairTheOnlyOnes(series: list[HeartSeries], free: list[Any]) -> None:
    """A single cine and single masks with as many frames belong together, whatever their positions.

    Not if one of them is of short and the other of long axis.
    """
    without = [s for s in series if s.cine is not None and s.masks is None]
    if len(series) == 1 and len(without) == 1 and len(free) == 1:
        isOther = Examination.ofNode(without[0].cine).whyNot(Examination.ofNode(free[0]))
        frames = CineSource(without[0].cine).numberOfFrames()
        isAcross = SeriesFinder.liesAcross(without[0].cine, free[0])
        if frames == SeriesFinder.frameCount(free[0]) and not isOther and not isAcross:
            without[0].masks = free.pop()


def _isSecondReader(masks: Any, series: HeartSeries) -> bool:
    """Whether masks show the slices of a series that has masks already."""
    if Examination.of(series).whyNot(Examination.ofNode(masks)):
        return False
    if series.cine is not None and SeriesFinder.fit(series.cine, masks):
        return True
    mine = SeriesFinder.gridOf(masks)
    other = SeriesFinder.gridOf(series.masks) if series.masks is not None else None
    return mine is not None and other is not None and mine.isSameAs(other)
