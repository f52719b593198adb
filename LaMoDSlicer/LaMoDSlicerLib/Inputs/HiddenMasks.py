from typing import Any

import slicer


class HiddenMasks:
    """Masks that nobody sees, taken out of the views' hands while a beat is looked at.

    Slicer makes the outlines of a segmentation anew in every view at every frame, also of one that is hidden: about
    3 ms of processor a view and frame. Without its display node it is not asked to. The node stays in the scene, and
    the segmentation remembers it, so that it finds it again, also in a scene that was saved meanwhile.
    """

    REFERENCE = "LaMoD.Display"

    @classmethod
    def setAside(cls, browserNode: Any) -> None:
        """Take the display node off every hidden segmentation that a sequence browser steps through."""
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            display = node.GetDisplayNode()
            steps = browserNode.GetSequenceNode(node) is not None
            if steps and display is not None and not display.GetVisibility():
                node.SetNodeReferenceID(cls.REFERENCE, display.GetID())
                node.SetAndObserveDisplayNodeID(None)

    @classmethod
    def bringBack(cls) -> None:
        """Give every segmentation its display node again; one that was given another meanwhile keeps that."""
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            display = node.GetNodeReference(cls.REFERENCE)
            if display is not None and node.GetDisplayNode() is None:
                node.SetAndObserveDisplayNodeID(display.GetID())
            node.SetNodeReferenceID(cls.REFERENCE, None)
