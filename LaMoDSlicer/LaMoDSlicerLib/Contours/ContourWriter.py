from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder


class ContourWriter:
    """Writes repaired masks to their nodes, and undoes this.

    Before the first change, the masks are copied to a sequence of labelmaps, "… (original)".
    """

    ORIGINAL = "original"

    def __init__(self) -> None:
        self._steps: list[tuple[str, Any, dict[int, Any]]] = []

    @property
    def lastStep(self) -> str:
        """Name of the step that `undo` reverts; empty if there is none."""
        return self._steps[-1][0] if self._steps else ""

    @property
    def lastFrames(self) -> list[int]:
        """Frames, counted from 0, that `undo` changes."""
        return list(self._steps[-1][2]) if self._steps else []

    def forget(self) -> None:
        """Discard all steps because other masks were selected."""
        self._steps.clear()

    def write(self, name: str, contours: ContourSlices, repaired: list[Any]) -> list[int]:
        """Write slices as a step that can be undone.

        Args:
            name: of the step.
            contours: before the step.
            repaired: CineSlices in the order of ``contours.slices()``.

        Returns:
            The frames that changed.
        """
        myocardium = contours.frames.labels == MaskFrames.MYOCARDIUM
        cavity = contours.frames.labels == MaskFrames.CAVITY
        newWall, newCavity = myocardium.copy(), cavity.copy()
        for k, slice_ in zip(contours.depths, repaired, strict=True):
            newWall[:, k] = slice_.myocardium
            if slice_.cavity is not None:
                newCavity[:, k] = slice_.cavity
        newCavity &= ~newWall
        changed = [int(t) for t in np.flatnonzero((newWall != myocardium).any(axis=(1, 2, 3)))]
        if not changed:
            return []
        self._keepOriginal(contours)
        nodes = contours.source.sequence.frames()
        self._steps.append((name, contours.masksNode, {t: self._copyOf(nodes[t]) for t in changed}))
        for t in changed:
            if contours.source.isSegmentation:
                self._writeSegmentation(nodes[t], contours, newWall[t], newCavity[t])
            else:
                self._writeLabelmap(nodes[t], contours, newWall[t])
        self._changed(contours.source.sequence)
        return changed

    def undo(self) -> str:
        """Revert the last step exactly; returns its name, empty if there is none."""
        if not self._steps:
            return ""
        name, masksNode, copies = self._steps.pop()
        if masksNode.GetScene() is None:
            return ""
        sequence = FrameSequence(masksNode)
        nodes = sequence.frames()
        for t, copy in copies.items():
            if nodes[t].IsA("vtkMRMLSegmentationNode"):
                nodes[t].GetSegmentation().DeepCopy(copy)
            else:
                nodes[t].GetImageData().DeepCopy(copy)
            nodes[t].Modified()
        self._changed(sequence)
        return name

    def _keepOriginal(self, contours: ContourSlices) -> None:
        holder = contours.source.sequence.sequenceNode or contours.masksNode
        if holder.GetNodeReference("LaMoD.Original") is not None:
            return
        builder = SequenceBuilder(contours.frames.indexValues, "ms" if contours.frames.hasTimes else "")
        name = _("{name} (original)").format(name=contours.masksNode.GetName())
        kept = builder.labelmaps(name, self.ORIGINAL, contours.frames.labels, contours.frames.geometry)
        holder.SetNodeReferenceID("LaMoD.Original", kept.GetID())

    @staticmethod
    def _copyOf(node: Any) -> Any:
        if node.IsA("vtkMRMLSegmentationNode"):
            copy = slicer.vtkSegmentation()
            copy.DeepCopy(node.GetSegmentation())
            return copy
        image = vtk.vtkImageData()
        image.DeepCopy(node.GetImageData())
        return image

    @staticmethod
    def _writeSegmentation(node: Any, contours: ContourSlices, wall: np.ndarray, cavity: np.ndarray) -> None:
        # a myocardium that was drawn filled is stored filled again
        new = {"myocardium": wall | cavity if contours.frames.isFilled else wall, "cavity": cavity}
        for structure, mask in new.items():
            choice = contours.structures.get(structure)
            if choice is None:
                continue
            image = contours.frames.geometry.asOrientedImage()
            vtk_to_numpy(image.GetPointData().GetScalars())[:] = mask.ravel()
            segmentId = contours.source.segmentIn(node, choice)
            if segmentId is None:  # a frame that was not drawn may lack the segment
                name, color = contours.source.choices()[choice], contours.source.colorOf(choice)
                node.AddSegmentFromBinaryLabelmapRepresentation(image, name, color, choice)
                continue
            segment = node.GetSegmentation().GetSegment(segmentId)
            segment.RemoveAllRepresentations("Binary labelmap")
            segment.SetLabelValue(1)
            segment.AddRepresentation("Binary labelmap", image)
        node.Modified()

    @staticmethod
    def _writeLabelmap(node: Any, contours: ContourSlices, wall: np.ndarray) -> None:
        from LaMoDCore.io.files.labels import LabelMap
        from LaMoDCore.io.files.rewrite import relabelled

        numbers = {s: int(v) for s, v in contours.structures.items()}
        meaning = LabelMap(numbers["myocardium"], numbers.get("cavity"), numbers.get("rightVentricle"))
        voxels = slicer.util.arrayFromVolume(node)
        voxels[:] = relabelled(voxels, wall, meaning)
        node.GetImageData().GetPointData().GetScalars().Modified()
        node.GetImageData().Modified()
        node.Modified()

    @staticmethod
    def _changed(sequence: FrameSequence) -> None:
        """Mark a sequence whose frames changed as not saved, which Slicer does not notice, and show its frame."""
        if sequence.sequenceNode is not None:
            sequence.sequenceNode.StorableModified()
            sequence.sequenceNode.Modified()
        if sequence.browserNode is not None:
            slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(sequence.browserNode)
