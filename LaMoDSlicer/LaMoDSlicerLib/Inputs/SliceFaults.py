"""Faults of a slice's contours from which no strain can be computed, as the prediction finds them."""

from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Widgets import Numbering

#: Drawing errors that a person should correct; a slice with another fault can be left out of the heart.
REFUSED = ("pieces", "cavity")


def faultOf(masks: MaskFrames, depth: int) -> Any:
    """The LaMoDCore SliceFault of a slice, or None.

    Args:
        masks: of all slices.
        depth: index of the slice in their volume.
    """
    from LaMoDCore.heart.ring.faults import find_fault, remove_specks

    if masks.origins and masks.origins[depth] is not None and masks.origins[depth].volume_only_because:
        return None
    wall, _dropped = remove_specks(masks.labels[:, depth] == MaskFrames.MYOCARDIUM)
    cavity = masks.labels[:, depth] == MaskFrames.CAVITY
    return find_fault(wall, cavity if cavity.any() else None)


def sentence(fault: Any, name: str, number: int) -> str:
    """What is wrong in which frames, and what to do.

    Args:
        fault: a LaMoDCore SliceFault.
        name: of the series.
        number: of the slice, from 1; 0 if there is only one.
    """
    texts = {
        "missing": _("the myocardium is empty at {frames}: draw it there, or do not use this slice"),
        "open": _("the myocardium is not a closed ring at {frames}: close it in the Segment Editor"),
        "pieces": _("the myocardium is in several pieces at {frames}: remove those that do not belong to it"),
        "cavity": _("the cavity lies outside the ring of the myocardium at {frames}: check the chosen segments"),
    }
    where = _("“{name}”").format(name=name)
    if number:
        where = _("Slice {number} (“{name}”)").format(number=number, name=name)
    return f"{where}: {texts[fault.kind].format(frames=Numbering.frames(fault.frames))}."
