"""Detaches hidden segmentations from the views during playback.

Slicer computes the outlines of a segmentation in every view at every frame, even if it is hidden: about 3 ms per view
and frame. It does not do so without a display node. It also copies the masks at every frame, unless their playback is
off. The segmentation references the detached display node, which stays in the scene, so it is found again in a scene
that was saved meanwhile.
"""

from typing import Any

import slicer

REFERENCE = "LaMoD.Display"


def setAside(browserNode: Any) -> None:
    """Detach the display node of each hidden segmentation of a sequence browser."""
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        display = node.GetDisplayNode()
        sequence = browserNode.GetSequenceNode(node)
        if sequence is not None and display is not None and not display.GetVisibility():
            node.SetNodeReferenceID(REFERENCE, display.GetID())
            node.SetAndObserveDisplayNodeID(None)
            browserNode.SetPlayback(sequence, False)


def bringBack() -> None:
    """Attach the display nodes again; a segmentation that has another display node by now keeps it."""
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        display = node.GetNodeReference(REFERENCE)
        if display is not None and node.GetDisplayNode() is None:
            node.SetAndObserveDisplayNodeID(display.GetID())
        if display is not None:
            _play(node)
        node.SetNodeReferenceID(REFERENCE, None)


def _play(segmentationNode: Any) -> None:
    """Let a segmentation follow its browsers again, and show their frame."""
    for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
        sequence = browser.GetSequenceNode(segmentationNode)
        if sequence is not None and not browser.GetPlayback(sequence):
            browser.SetPlayback(sequence, True)
            slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
