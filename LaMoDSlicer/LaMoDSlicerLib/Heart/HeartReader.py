"""Reads the used slices of the heart from the scene as one request, and refuses contours that cannot be predicted."""

from dataclasses import replace
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart.HeartModel import HeartModel
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Heart.SliceRow import LEVELS, SliceRow
from LaMoDSlicerLib.Inputs import SliceFaults
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.LongAxis import LongAxisReader
from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionOptions, PredictionRequest
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: Intervals that the prediction accepts, ms.
RR_RANGE_MS = (300.0, 2200.0)


def problem(model: HeartModel, parameters: Any) -> str:
    """Why no strain can be predicted, as far as it is known without reading all frames; empty if it can."""
    if not model.rows:
        return _("Add a cine or masks of the left ventricle: press “Add…”, or load them in any module of Slicer.")
    broken = [row for row in model.rows if row.problem]
    if not model.usedRows and not model.longAxisRows:
        if not broken and not any(row.drawn or not row.isLongAxis for row in model.rows):
            return _("Add contours of the long-axis slices: masks, guide points or curves of the open wall.")
        return broken[0].problem if broken else _("Tick at least one slice in the column “Use”.")
    if _levelProblem(model):
        return _levelProblem(model)
    if parameters.rrMs and not RR_RANGE_MS[0] <= parameters.rrMs <= RR_RANGE_MS[1]:
        text = _("The R–R interval must lie between {least:.0f} and {most:.0f} ms: correct it, or set it to 0.")
        return text.format(least=RR_RANGE_MS[0], most=RR_RANGE_MS[1])
    return ""


def read(model: HeartModel, parameters: Any) -> HeartRequest:
    """Read the used slices of all series.

    Raises:
        InputError: they cannot be used.
    """
    from LaMoDCore.heart.levels import AUTOMATIC

    longAxis = LongAxisReader.read(model)
    if longAxis is not None and not model.usedRows:
        untimed = all(part.slice.timesMs is None for part in longAxis.parts)
        options = PredictionOptions.ofParameters(parameters)
        return HeartRequest((), rrMs=parameters.rrMs if untimed else 0.0, longAxis=longAxis, options=options)
    parts, levels, faults = [], [], []
    for series in model.usedSeries:
        rows = [row for row in model.usedRows if row.series is series]
        part, ofDepth = _partOf(series, rows, parameters)
        parts.append(part)
        found = {k: SliceFaults.faultOf(part.masks, k) for k in _drawn(part)}
        faults += [(fault, part.name, ofDepth[k].number) for k, fault in found.items()]
        levels += [ofDepth[k].chosenLevel or AUTOMATIC for k in _drawn(part)]
    if not parts:
        raise InputError(_("Tick at least one slice in the column “Use”."))
    _refuseFaults(faults)
    if _levelProblem(model):
        raise InputError(_levelProblem(model))
    untimed = all(not part.masks.hasTimes for part in parts)
    return HeartRequest(
        tuple(parts),
        levels=tuple(levels) if any(row.chosenLevel for row in model.usedRows) else (),
        swapBaseAndApex=parameters.swapBaseAndApex,
        rrMs=parameters.rrMs if untimed else 0.0,
        referenceFrame=parameters.referenceFrame - 1 if parameters.referenceFrame else None,
        longAxis=longAxis,
    )


def _levelProblem(model: HeartModel) -> str:
    """Why the chosen levels cannot be used; empty if they can.

    The prediction takes levels that ascend only in the order of the files for levels in the order of the heart. They
    are refused here, so that it has nothing to guess.
    """
    rows = [row for row in model.usedRows if row.finalLevel]
    if not any(row.chosenLevel for row in rows):
        return ""
    ranks = [LEVELS.index(row.finalLevel) for row in rows]
    # a choice of every level is trusted; a single one at the other end of the heart would also move the automatic ones
    isPartial = not all(row.chosenLevel for row in rows)
    isOpposite = any({row.chosenLevel, row.proposal} == {"base", "apex"} for row in rows)
    if ranks == sorted(ranks) and not (isPartial and isOpposite):
        return ""
    return _(
        "The levels do not run from base to apex: correct them in the column “Level”, or press “Swap base and apex”."
    )


def _partOf(
    series: HeartSeries, rows: list[SliceRow], parameters: Any
) -> tuple[PredictionRequest, dict[int, SliceRow]]:
    """The request of one series with its used slices only, and the row of each slice of its volume."""
    part = RequestReader(series.parameters(parameters)).read()
    ofDepth = {_depthIn(part.masks.geometry, row): row for row in rows}
    unused = [k for k in _drawn(part) if k not in ofDepth]
    if not unused:
        return part, ofDepth
    labels = part.masks.labels.copy()
    labels[:, unused] = 0
    return replace(part, masks=replace(part.masks, labels=labels)), ofDepth


def _drawn(part: PredictionRequest) -> list[int]:
    return [int(k) for k in np.flatnonzero((part.masks.labels == MaskFrames.MYOCARDIUM).any(axis=(0, 2, 3)))]


def _depthIn(geometry: VolumeGeometry, row: SliceRow) -> int:
    """Index of a row's slice in the volume of the request, which has the grid of the cine."""
    center = np.append(row.grid.center_lps, 1.0)
    return int(np.rint(np.linalg.solve(geometry.ijkToLps, center)[2]))


def _refuseFaults(faults: list[tuple[Any, str, int]]) -> None:
    """Refuse drawing errors that a person should correct, and a heart without a slice whose contours can be used.

    Args:
        faults: of every slice, a LaMoDCore SliceFault or None, the name of its series, and its number from the base.

    Raises:
        InputError: the first of them.
    """
    isLost = all(fault is not None for fault, _name, _number in faults)
    for fault, name, number in faults:
        if fault is not None and (isLost or fault.kind in SliceFaults.REFUSED):
            raise InputError(SliceFaults.sentence(fault, name, number if len(faults) > 1 else 0))
