from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.HiddenMasks import HiddenMasks
from LaMoDSlicerLib.Inputs.InputError import InputError


class SegmentEditorLink:
    """Opens the Segment Editor on the frame, segment and picture that are looked at."""

    @staticmethod
    def open(masksNode: Any, segmentId: str, volumeNode: Any, sequenceNode: Any, browserNode: Any) -> None:
        """Args:
            masksNode: the segmentation that shows the current frame.
            segmentId: of the myocardium.
            volumeNode: the cine's volume, or None.
            sequenceNode, browserNode: of the masks, or None; what is drawn is then kept in the sequence.

        Raises:
            InputError: the masks are a labelmap, which the Segment Editor does not edit.
        """
        if not masksNode.IsA("vtkMRMLSegmentationNode"):
            text = _(
                "“{name}” is a labelmap, which the Segment Editor does not edit: turn it into a segmentation in the "
                "Data module first (right click, Convert labelmap to segmentation node)."
            )
            raise InputError(text.format(name=masksNode.GetName()))
        if sequenceNode is not None and browserNode is not None:
            browserNode.SetSaveChanges(sequenceNode, True)
        HiddenMasks.bringBack()
        display = masksNode.GetDisplayNode()
        if display is not None:
            display.SetVisibility(True)  # a result hides the segmentation: it brings the drawn contours as lines
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
        editor.setSegmentationNode(masksNode)
        if volumeNode is not None:
            editor.setSourceVolumeNode(volumeNode)
        editor.setCurrentSegmentID(segmentId)
