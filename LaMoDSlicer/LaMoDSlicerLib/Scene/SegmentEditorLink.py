"""Opens the Segment Editor on the current frame, segment and image."""

from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene import HiddenMasks


def show(masksNode: Any, segmentId: str, volumeNode: Any, sequenceNode: Any, browserNode: Any) -> None:
    """Open the Segment Editor.

    Args:
        masksNode: the segmentation that shows the current frame.
        segmentId: of the myocardium.
        volumeNode: the cine's volume, or None.
        sequenceNode, browserNode: of the masks, or None; edits are saved to the sequence.

    Raises:
        InputError: the masks are a labelmap, which the Segment Editor does not edit.
    """
    if not masksNode.IsA("vtkMRMLSegmentationNode"):
        text = _(
            "“{name}” is a labelmap, which the Segment Editor does not edit: convert it to a segmentation in the "
            "Data module first (right-click, Convert labelmap to segmentation node)."
        )
        raise InputError(text.format(name=masksNode.GetName()))
    if sequenceNode is not None and browserNode is not None:
        browserNode.SetSaveChanges(sequenceNode, True)
    HiddenMasks.bringBack()
    display = masksNode.GetDisplayNode()
    if display is not None:
        display.SetVisibility(True)  # showResult hides the segmentation
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    editor.setSegmentationNode(masksNode)
    if volumeNode is not None:
        editor.setSourceVolumeNode(volumeNode)
    editor.setCurrentSegmentID(segmentId)
