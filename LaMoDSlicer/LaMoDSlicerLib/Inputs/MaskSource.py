import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs import FrameMask
from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


@dataclass(frozen=True, eq=False)
class MaskFrames:
    """The segmented structures of all frames on one grid, as written for the worker.

    Attributes:
        labels: uint8 [T, Z, H, W]: 1 right ventricle, 2 myocardium, 3 left-ventricular cavity (as in ACDC).
        geometry: the grid of each frame.
        indexValues: the sequence's index value of each frame.
        timesMs: float [T].
        hasTimes: whether the times come from the data; otherwise they are spread evenly over `ASSUMED_RR_MS`.
        origins: the LaMoDCore ContourOrigin of each slice; empty if a person drew the masks.
    """

    labels: np.ndarray
    geometry: VolumeGeometry
    indexValues: tuple[str, ...]
    timesMs: np.ndarray
    hasTimes: bool
    origins: tuple[Any, ...] = ()

    RIGHT_VENTRICLE, MYOCARDIUM, CAVITY = 1, 2, 3
    ASSUMED_RR_MS = 1000.0

    @property
    def labelOption(self) -> str:
        """The value of `lamod predict --labels`: the structures that are present."""
        present = set(np.unique(self.labels).tolist())
        values = {"myo": self.MYOCARDIUM, "rv": self.RIGHT_VENTRICLE, "lv": self.CAVITY}
        return ",".join(f"{name}={value}" for name, value in values.items() if value in present)

    @staticmethod
    def sharedLabelOption(several: Iterable["MaskFrames"]) -> str:
        """The value of `--labels` for masks that one command reads together."""
        parts = [part for masks in several for part in masks.labelOption.split(",")]
        return ",".join(dict.fromkeys(parts))

    def write(self, path: Path) -> None:
        """Write a `.seq.nrrd` of labelmaps with the origin of automatic contours; assumed times are omitted."""
        from LaMoDCore.heart.contour_origin import METADATA_KEY, origins_to_text
        from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

        write_seq_nrrd(
            path,
            self.labels,
            self.geometry.ijkToLps,
            self.timesMs if self.hasTimes else None,
            node_class="vtkMRMLLabelMapVolumeNode",
            metadata={METADATA_KEY: origins_to_text(self.origins)} if self.origins else None,
        )

    def emptyFrames(self) -> list[int]:
        """Frames, counted from 0, without myocardium."""
        drawn = (self.labels == self.MYOCARDIUM).any(axis=(1, 2, 3))
        return np.flatnonzero(~drawn).tolist()


#: SNOMED CT codes in terminology entries: 74281007 myocardium, 87878005 left ventricle, 53085002 right ventricle.
_CODES = {"myocardium": ("74281007", "304578005"), "cavity": ("87878005",), "rightVentricle": ("53085002",)}
_RIGHT = re.compile(r"\brv\b|\brvc|\bright\b|rechts|droit")
_WALL = re.compile(r"myo|\blvm\b|\bwall\b|septum")
_LEFT = re.compile(r"\blv\b|\blvc|\bleft\b|blood|cavity|\bbp\b|\bpool\b")


def structureOf(name: str, terminology: str = "") -> str | None:
    """The structure of a segment: "myocardium", "cavity", "rightVentricle", or None if it is unknown.

    Args:
        name: of the segment, such as "LV myocardium", "myo", "RV" or "LV_bp".
        terminology: Slicer's terminology entry of the segment; its codes take precedence over the name.
    """
    for structure, codes in _CODES.items():
        if any(f"SCT^{code}^" in terminology for code in codes):
            return structure
    words = re.sub(r"[_\-./]+", " ", name).lower()
    if _RIGHT.search(words):
        return None if _WALL.search(words) else "rightVentricle"
    if _WALL.search(words):
        return "myocardium"
    return "cavity" if _LEFT.search(words) else None


class MaskSource:
    """Masks in the scene: a segmentation or labelmap, either of a sequence or one node per frame.

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
        """All masks in the scene with several frames; of one node per frame, the first."""
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
        """The segments or labels to choose from: segment ID or label number -> displayed name."""
        first = self.sequence.frames()[0]
        if self.isSegmentation:
            segmentation = first.GetSegmentation()
            ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
            return {i: segmentation.GetSegment(i).GetName() or i for i in ids}
        return {str(v): f"Label {v}" for v in self._labelValues()}

    def structures(self) -> dict[str, str]:
        """The identified structures: "myocardium", "cavity", "rightVentricle" -> one of `choices`."""
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
            structure = structureOf(name, str(terminology))
            if structure is not None:
                found.setdefault(structure, segmentId)
        return found

    def _labelValues(self) -> list[int]:
        values = np.unique(slicer.util.arrayFromVolume(self.sequence.frames()[0]))
        return [int(v) for v in values if v != 0]

    def _structuresByTopology(self) -> dict[str, str]:
        from LaMoDCore.io.files.labels import meaning_of_labels
        from LaMoDCore.runtime.errors import LaMoDInputError

        frame = slicer.util.arrayFromVolume(self.sequence.frames()[0])[None].astype(np.int32)
        try:
            meaning, _note = meaning_of_labels([frame], self.node.GetName())
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
        """Resample all frames to one grid.

        Args:
            structures: as returned by `structures`; must contain "myocardium".
            reference: grid of the cine; None for the masks' own grid.
            timesMs: [T] of the cine; None for the masks' own times.
            allowEmpty: whether frames without myocardium are accepted.

        Raises:
            InputError: the masks cannot be used.
        """
        frames = self.sequence.frames()
        geometry = reference or FrameMask.ownGeometry(frames[0])
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
        origins = ContourOriginRecord(self.node).onGrid(geometry, len(frames))
        masks = MaskFrames(labels, geometry, self.sequence.indexValues(), times, ownTimes is not None, origins)
        if not allowEmpty:
            self._check(masks)
        return masks

    def maskOf(self, choice: str, frame: int, geometry: VolumeGeometry) -> np.ndarray:
        """bool [Z, H, W]: one of `choices` in one frame, resampled to a grid by nearest neighbour."""
        return self._binary(self.sequence.frames()[frame], choice, geometry)

    def _check(self, masks: MaskFrames) -> None:
        empty = masks.emptyFrames()
        if len(empty) == len(masks.labels):
            text = _(
                "“{name}” has no myocardium on the cine's slices: check that the masks belong to this cine and that "
                "the right segment is selected."
            )
            raise InputError(text.format(name=self.node.GetName()))
        if empty:
            named = ", ".join(str(t + 1) for t in empty[:5]) + (" …" if len(empty) > 5 else "")
            text = _(
                "The myocardium is empty at frame {frames} of {all}: draw it there, or select masks of the whole cycle."
            )
            raise InputError(text.format(frames=named, all=len(masks.labels)))

    def segmentIn(self, frame: Any, choice: str) -> str | None:
        """The chosen segment in another frame: the one with the same ID or, if IDs differ per frame, the same name."""
        segmentation = frame.GetSegmentation()
        if segmentation.GetSegment(choice) is not None:
            return choice
        return segmentation.GetSegmentIdBySegmentName(self._name(choice)) or None

    def _name(self, choice: str) -> str:
        return self.sequence.frames()[0].GetSegmentation().GetSegment(choice).GetName()

    def _binary(self, frame: Any, choice: str, geometry: VolumeGeometry) -> np.ndarray:
        """bool [Z, H, W]: one structure of one frame, resampled to a grid by nearest neighbour."""
        if not self.isSegmentation:
            return FrameMask.ofLabel(frame, int(choice), geometry)
        segmentId = self.segmentIn(frame, choice)
        return np.zeros(geometry.shape, bool) if segmentId is None else FrameMask.ofSegment(frame, segmentId, geometry)
