from typing import Any

import slicer

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.RoleNodes import RoleNodes
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


class SeriesPairs:
    """Finds, for every cine of the scene, the masks that were drawn on it, and masks that lie on no cine."""

    @classmethod
    def ofScene(cls) -> list[tuple[Any, Any]]:
        """(sequence browser of the cine or None, node of the masks), in the scene's order."""
        candidates = cls._maskSequences()
        pairs, alone = [], list(candidates)
        for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
            try:
                cine = CineSource(browser)
                cine.check()
            except InputError:
                continue
            fitting = [node for node in candidates if cls._fits(cine, node)]
            if fitting:
                pairs.append((browser, fitting[-1]))  # what was added last
                alone = [node for node in alone if node not in fitting]
        return [*pairs, *((None, node) for node in alone)]

    @staticmethod
    def _maskSequences() -> list[Any]:
        found = []
        for className in ("vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"):
            for node in slicer.util.getNodesByClass(className):
                sequence = FrameSequence(node)
                ours = node.GetAttribute(RoleNodes.ATTRIBUTE) is not None
                frames = sequence.sequenceNode.GetNumberOfDataNodes() if sequence.sequenceNode is not None else 0
                if not ours and frames >= RequestReader.MIN_FRAMES:
                    found.append(node)
        return found

    @staticmethod
    def _fits(cine: CineSource, masks: Any) -> bool:
        """Masks in the cine's own browser, or on its very grid, with as many frames."""
        sequence = FrameSequence(masks)
        if sequence.sequenceNode.GetNumberOfDataNodes() != cine.numberOfFrames():
            return False
        if masks.IsA("vtkMRMLLabelMapVolumeNode") and masks.GetImageData() is not None:
            return VolumeGeometry.ofVolume(masks).isSameAs(cine.geometry())
        return sequence.browserNode is cine.node
