from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskFrames import MaskFrames
from LaMoDSlicerLib.Inputs.StructureNames import StructureNames
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


class MaskSource:
    """Masks in the scene: a segmentation or labelmap, of a sequence or one node a frame.

    Args:
        node: vtkMRMLSegmentationNode or vtkMRMLLabelMapVolumeNode.
    """

    def __init__(self, node: Any) -> None:
        self.node = node
        self.sequence = FrameSequence(node)
        self.isSegmentation = node.IsA("vtkMRMLSegmentationNode")

    def numberOfFrames(self) -> int:
        return len(self.sequence.frames())

    @staticmethod
    def candidates() -> list[Any]:
        """Masks of several frames in the scene; of one node a frame, the first."""
        candidates, counted = [], set()
        for className in ("vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"):
            for node in slicer.util.getNodesByClass(className):
                if node.GetAttribute(SequenceBuilder.ROLE) is not None or node.GetID() in counted:
                    continue
                sequence = FrameSequence(node)
                frames = sequence.frames()
                if sequence.sequenceNode is None:
                    counted.update(frame.GetID() for frame in frames)
                if len(frames) > 1:
                    candidates.append(node)
        return candidates

    def choices(self) -> dict[str, str]:
        """What can be the myocardium: segment ID or label number -> how to call it."""
        first = self.sequence.frames()[0]
        if self.isSegmentation:
            segmentation = first.GetSegmentation()
            ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
            return {i: segmentation.GetSegment(i).GetName() or i for i in ids}
        return {str(v): f"Label {v}" for v in self._labelValues()}

    def structures(self) -> dict[str, str]:
        """The structures that could be told: "myocardium", "cavity", "rightVentricle" -> one of `choices`."""
        found = self._namedStructures() if self.isSegmentation else self._structuresByTopology()
        choices = list(self.choices())
        if "myocardium" not in found and len(choices) == 1:
            found = {"myocardium": choices[0]}
        return found

    def _namedStructures(self) -> dict[str, str]:
        segmentation = self.sequence.frames()[0].GetSegmentation()
        found: dict[str, str] = {}
        for segmentId, name in self.choices().items():
            terminology = vtk.mutable("")
            segmentation.GetSegment(segmentId).GetTag("TerminologyEntry", terminology)
            structure = StructureNames.structureOf(name, str(terminology))
            if structure is not None:
                found.setdefault(structure, segmentId)
        return found

    def _labelValues(self) -> list[int]:
        values = np.unique(slicer.util.arrayFromVolume(self.sequence.frames()[0]))
        return [int(v) for v in values if v != 0]

    def _structuresByTopology(self) -> dict[str, str]:
        CoreLibrary.makeImportable()
        from LaMoDCore.io.files.labels import meaning_of_labels
        from LaMoDCore.runtime.errors import LaMoDInputError

        frame = slicer.util.arrayFromVolume(self.sequence.frames()[0])[None].astype(np.int32)
        try:
            meaning, _ = meaning_of_labels([frame], self.node.GetName())
        except LaMoDInputError:
            return {}
        found = {"myocardium": meaning.myocardium, "cavity": meaning.cavity, "rightVentricle": meaning.right_ventricle}
        return {structure: str(label) for structure, label in found.items() if label is not None}

    def read(
        self,
        structures: dict[str, str],
        reference: VolumeGeometry | None,
        timesMs: np.ndarray | None,
        allowEmpty: bool = False,
    ) -> MaskFrames:
        """All frames on one grid.

        Args:
            structures: as `structures` gives them; "myocardium" must be among them.
            reference: grid of the cine; the masks' own where there is none.
            timesMs: the cine's times; the masks' own where it has none.
            allowEmpty: whether frames without myocardium are taken as they are.

        Raises:
            InputError: what is drawn cannot be used, and what to do.
        """
        frames = self.sequence.frames()
        geometry = reference or self._ownGeometry(frames[0])
        labels = np.zeros((len(frames), *geometry.shape), np.uint8)
        values = {
            "rightVentricle": MaskFrames.RIGHT_VENTRICLE,
            "cavity": MaskFrames.CAVITY,
            "myocardium": MaskFrames.MYOCARDIUM,
        }
        for t, frame in enumerate(frames):
            for structure, value in values.items():
                if structure in structures:
                    labels[t][self._binary(frame, structures[structure], geometry)] = value
        ownTimes = self.sequence.timesMs() if timesMs is None else timesMs
        assumed = np.arange(len(frames)) * (MaskFrames.ASSUMED_RR_MS / len(frames))
        times = assumed if ownTimes is None else ownTimes
        masks = MaskFrames(labels, geometry, self.sequence.indexValues(), times, ownTimes is not None)
        if not allowEmpty:
            self._check(masks)
        return masks

    def maskOf(self, choice: str, frame: int, geometry: VolumeGeometry) -> np.ndarray:
        """bool [Z, H, W]: one of `choices` in one frame on a grid, nearest neighbour."""
        return self._binary(self.sequence.frames()[frame], choice, geometry)

    def _check(self, masks: MaskFrames) -> None:
        empty = masks.emptyFrames()
        if len(empty) == len(masks.labels):
            text = _(
                "“{name}” has no myocardium on the cine's slices: check that the masks belong to this cine and that "
                "the right segment is chosen."
            )
            raise InputError(text.format(name=self.node.GetName()))
        if empty:
            named = ", ".join(str(t + 1) for t in empty[:5]) + (" …" if len(empty) > 5 else "")
            text = _(
                "The myocardium is empty at frame {frames} of {all}: draw it there, or choose masks of the whole cycle."
            )
            raise InputError(text.format(frames=named, all=len(masks.labels)))

    def _ownGeometry(self, frame: Any) -> VolumeGeometry:
        if not self.isSegmentation:
            if frame.GetImageData() is None:
                raise InputError(_("“{name}” holds no voxels: choose other masks.").format(name=self.node.GetName()))
            return VolumeGeometry.ofVolume(frame)
        segmentation = frame.GetSegmentation()
        text = segmentation.GetConversionParameter("Reference image geometry")
        image = slicer.vtkOrientedImageData()
        if text and slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False):
            return VolumeGeometry.ofOrientedImage(image)
        if segmentation.GetNumberOfSegments() == 0:
            raise InputError(_("“{name}” has no segment: draw the myocardium first.").format(name=self.node.GetName()))
        return VolumeGeometry.ofOrientedImage(self._segmentImage(frame, segmentation.GetNthSegmentID(0)))

    def _segmentImage(self, frame: Any, segmentId: str) -> Any:
        image = slicer.vtkOrientedImageData()
        if not frame.GetBinaryLabelmapRepresentation(segmentId, image):
            text = _("Segment “{segment}” of “{name}” cannot be made a labelmap: draw it in the Segment Editor.")
            raise InputError(text.format(segment=segmentId, name=frame.GetName()))
        return image

    def segmentIn(self, frame: Any, choice: str) -> str | None:
        """The chosen segment in another frame: of the same ID or, where IDs were made anew, of the same name."""
        segmentation = frame.GetSegmentation()
        if segmentation.GetSegment(choice) is not None:
            return choice
        return segmentation.GetSegmentIdBySegmentName(self._name(choice)) or None

    def _name(self, choice: str) -> str:
        return self.sequence.frames()[0].GetSegmentation().GetSegment(choice).GetName()

    def _binary(self, frame: Any, choice: str, geometry: VolumeGeometry) -> np.ndarray:
        """bool [Z, H, W]: one structure of one frame on the wanted grid, nearest neighbour."""
        if self.isSegmentation:
            segmentId = self.segmentIn(frame, choice)
            if segmentId is None:
                return np.zeros(geometry.shape, bool)
            image = self._segmentImage(frame, segmentId)
            wanted = 1
        else:
            if VolumeGeometry.ofVolume(frame).isSameAs(geometry):
                return slicer.util.arrayFromVolume(frame) == int(choice)
            image = slicer.vtkOrientedImageData()
            image.DeepCopy(frame.GetImageData())
            image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(VolumeGeometry.ofVolume(frame).ijkToRas))
            wanted = int(choice)
        if image.IsEmpty():
            return np.zeros(geometry.shape, bool)
        resampled = slicer.vtkOrientedImageData()
        slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
            image, geometry.asOrientedImage(), resampled, False, False
        )
        array = vtk_to_numpy(resampled.GetPointData().GetScalars()).reshape(geometry.shape)
        return array == wanted
