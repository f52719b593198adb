"""Reads the used slices of the heart from the scene as one request, and refuses contours that cannot be predicted."""

from dataclasses import replace
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart.HeartModel import HeartModel
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Heart.SliceRow import LEVELS, SliceRow
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.LongAxis import LongAxisReader
from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionOptions, PredictionRequest
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Widgets import Numbering

#: Intervals that the prediction accepts, ms.
RR_RANGE_MS = (300.0, 2200.0)


def problem(model: HeartModel, parameters: Any) -> str:
    """Why no strain can be predicted, as far as it is known without reading all frames; empty if it can."""
    if not model.rows:
        return _("Add a cine or masks of the left ventricle: press “Add…”, or load them in any module of Slicer.")
    broken = [row for row in model.rows if row.problem]
    if not model.usedRows and not model.longAxisRows:
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
    parts, levels = [], []
    for series in model.usedSeries:
        rows = [row for row in model.usedRows if row.series is series]
        part, ofDepth = _partOf(series, rows, parameters)
        _refuseFaults(part, ofDepth, len(model.usedRows))
        parts.append(part)
        levels += [ofDepth[k].chosenLevel or AUTOMATIC for k in _drawn(part)]
    if not parts:
        raise InputError(_("Tick at least one slice in the column “Use”."))
    if _levelProblem(model):
        raise InputError(_levelProblem(model))
    _refuseIfNoneIsWhole(parts)
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


def _refuseFaults(part: PredictionRequest, ofDepth: dict[int, SliceRow], slices: int) -> None:
    """Refuse separate pieces and a cavity outside the ring: drawing errors that a person should correct.

    Raises:
        InputError: the first of them.
    """
    for k in _drawn(part):
        fault = _faultOf(part.masks, k)
        if fault is not None and fault.kind in ("pieces", "cavity"):
            raise InputError(_sentence(fault, part, ofDepth[k].number if slices > 1 else 0))


def _refuseIfNoneIsWhole(parts: list[PredictionRequest]) -> None:
    """Refuse a heart without a slice whose ring is closed in every frame.

    Raises:
        InputError: the fault of the first slice.
    """
    faults = [(part, _faultOf(part.masks, k)) for part in parts for k in _drawn(part)]
    if faults and all(fault is not None for _part, fault in faults):
        part, fault = faults[0]
        raise InputError(_sentence(fault, part, 1 if len(faults) > 1 else 0))


def _faultOf(masks: MaskFrames, k: int) -> Any:
    """The fault of a slice that the prediction would report, or None."""
    from LaMoDCore.heart.ring.faults import find_fault, remove_specks

    if masks.origins and masks.origins[k] is not None and masks.origins[k].volume_only_because:
        return None
    wall, _dropped = remove_specks(masks.labels[:, k] == MaskFrames.MYOCARDIUM)
    cavity = masks.labels[:, k] == MaskFrames.CAVITY
    return find_fault(wall, cavity if cavity.any() else None)


def _sentence(fault: Any, part: PredictionRequest, number: int) -> str:
    """What is wrong in which frames, and what to do.

    Args:
        fault: a LaMoDCore SliceFault.
        part: of which series.
        number: of the slice, from 1; 0 if there is only one.
    """
    texts = {
        "missing": _("the myocardium is empty at {frames}: draw it there, or do not use this slice"),
        "open": _("the myocardium is not a closed ring at {frames}: close it in the Segment Editor"),
        "pieces": _("the myocardium is in several pieces at {frames}: remove those that do not belong to it"),
        "cavity": _("the cavity lies outside the ring of the myocardium at {frames}: check the chosen segments"),
    }
    where = _("“{name}”").format(name=part.name)
    if number:
        where = _("Slice {number} (“{name}”)").format(number=number, name=part.name)
    return f"{where}: {texts[fault.kind].format(frames=Numbering.frames(fault.frames))}."
