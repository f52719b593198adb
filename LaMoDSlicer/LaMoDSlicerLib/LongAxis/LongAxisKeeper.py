"""Adds longitudinal strain to the scene, next to a short-axis result or alone, and finds out whether it is current."""

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart.HeartRecord import HeartRecord
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.LongAxis import LongAxisReader, LongAxisSlices
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode


def read(folder: Path) -> Any:
    """The LaMoDCore StoredLongAxis in a folder that `lamod predict` wrote.

    Raises:
        InputError: a file is missing or damaged; the message contains no path.
    """
    from LaMoDCore.io.results.long_axis_files import read_long_axis
    from LaMoDCore.runtime.errors import LaMoDInputError

    reason = _("it has no long-axis views")
    try:
        stored = read_long_axis(folder)
        if stored is not None:
            return stored
    except LaMoDInputError as error:
        reason = f"{Path(error.source).name}: {error.reason}"
    raise InputError(_("The result “{name}” cannot be read ({reason}).").format(name=folder.name, reason=reason))


def add(stored: Any, request: Any, name: str) -> LongAxisNode:
    """Add a result that was measured alone; it replaces an earlier one of this kind.

    Args:
        stored: LaMoDCore StoredLongAxis.
        request: the LongAxisRequest, or None for a result from disk.
        name: of the result.
    """
    _removeAlone()
    return LongAxisNode.create(stored, request, name)


def addTo(resultNode: Any, stored: Any, request: Any, name: str) -> None:
    """Add the long-axis part of a result, if it has one.

    Args:
        resultNode: text node of its ResultNode.
        stored, request, name: as of `add`; None without long-axis slices.
    """
    if stored is None:
        return
    _removeAlone()
    node = LongAxisNode.create(stored, request, name, isAlone=False)
    resultNode.SetNodeReferenceID(LongAxisNode.OF_RESULT, node.node.GetID())


def removeOf(resultNode: Any) -> None:
    """Remove the long-axis part of a result that is being removed."""
    part = LongAxisNode.ofResult(resultNode)
    if part is not None:
        slicer.mrmlScene.RemoveNode(part.node)


def _removeAlone() -> None:
    for earlier in LongAxisNode.alone():
        slicer.mrmlScene.RemoveNode(earlier.node)


def isOutOfDate(node: LongAxisNode | None) -> bool:
    """Whether contours, views or landmarks changed after the measurement, or were removed or unticked.

    False for a result that was measured outside this scene.
    """
    if node is None:
        return False
    stored = node.storedDigests()
    present = _digests() if stored else []
    return any(each not in present for each in stored)


def _digests() -> list[tuple[tuple[str, str], str]]:
    """(IDs of cine and masks, hash) of each long-axis slice of the heart that is ticked, as it is now."""
    for parameterNode in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
        if parameterNode.GetAttribute(HeartRecord.ATTRIBUTE):
            _short, long = LongAxisSlices.split(HeartRecord(parameterNode).series())
            slices = [each for one in long for each in LongAxisSlices.of(one) if each.hasContours]
            ticked = [each for each in slices if each.series.uses.get(each.depth, True)]
            return [(_idsOf(each), LongAxisReader.digestOf(each)) for each in ticked]
    return []


def _idsOf(one: Any) -> tuple[str, str]:
    cine, masks = (node.GetID() if node is not None else "" for node in (one.series.cine, one.series.masks))
    return cine, masks
