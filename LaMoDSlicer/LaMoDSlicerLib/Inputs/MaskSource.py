import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs import FrameMask, SegmentShapes
from LaMoDSlicerLib.Inputs.CarriedRecord import CarriedRecord
from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.SegmentNames import structureOf
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


@dataclass(frozen=True, eq=False)
class MaskFrames:
    """The segmented structures of all frames on one grid, as written for the worker.

    Attributes:
        labels: uint8 [T, Z, H, W]: 1 right ventricle, 2 myocardium, 3 left-ventricular cavity (as in ACDC). Those of
            `MaskSource.read` are read-only, because they are kept for the next one who reads the same masks.
        geometry: the grid of each frame.
        indexValues: the sequence's index value of each frame.
        timesMs: float [T].
        hasTimes: whether the times come from the data; otherwise they are spread evenly over `ASSUMED_RR_MS`.
        origins: the LaMoDCore ContourOrigin of each slice; empty if a person drew the masks.
        carried: frames, counted from 0, whose contours were carried from drawn ones, by slice of the grid.
        rrMs: length of the cardiac cycle in the file of the images, or of the masks; None if it is not recorded.
        isFilled: whether the myocardium was drawn filled, as the region inside the epicardium, and became a ring by
            removing the cavity from it.
    """

    labels: np.ndarray
    geometry: VolumeGeometry
    indexValues: tuple[str, ...]
    timesMs: np.ndarray
    hasTimes: bool
    origins: tuple[Any, ...] = ()
    isFilled: bool = False
    carried: dict[int, tuple[int, ...]] = field(default_factory=dict)
    rrMs: float | None = None

    RIGHT_VENTRICLE, MYOCARDIUM, CAVITY = 1, 2, 3
    VALUES: ClassVar = {"rightVentricle": RIGHT_VENTRICLE, "myocardium": MYOCARDIUM, "cavity": CAVITY}
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
            rr_ms=self.rrMs,
            metadata={METADATA_KEY: origins_to_text(self.origins)} if self.origins else None,
        )

    def emptyFrames(self) -> list[int]:
        """Frames, counted from 0, without myocardium."""
        drawn = (self.labels == self.MYOCARDIUM).any(axis=(1, 2, 3))
        return np.flatnonzero(~drawn).tolist()


class MaskSource:
    """Masks in the scene: a segmentation or labelmap, either of a sequence or one node per frame.

    Args:
        node: vtkMRMLSegmentationNode or vtkMRMLLabelMapVolumeNode.
    """

    STRUCTURES = ("myocardium", "cavity", "rightVentricle")
    #: Attribute of the masks' sequence, or of the masks if there is no sequence: the person's choices as JSON.
    CHOSEN = "LaMoD.Structures"
    #: Number of frames in which shapes are compared.
    _SAMPLE = 4
    #: (node, property) -> modification times of the frames, value.
    _cache: ClassVar[dict[tuple[str, str], tuple[Any, dict[str, str]]]] = {}
    #: (node, structures, grid) -> modification times of the frames, and what `_labelled` returned; the last one read is
    #: the last entry. The table, the checks and the prediction read the same masks one after the other.
    _read: ClassVar[dict[tuple[Any, ...], tuple[Any, tuple[np.ndarray, bool]]]] = {}
    _MOST_READ_BYTES = 128 * 1024**2

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
        """The segments or labels of all frames: segment ID or label number -> displayed name.

        The IDs of a segment may differ between frames; it is listed once, with the ID in the first frame that has it.
        """
        return dict(self._kept("choices", self._segments if self.isSegmentation else self._labels))

    def _kept(self, what: str, calculate: Callable[[], dict[str, str]]) -> dict[str, str]:
        """A calculated property of the masks, kept until a frame changes."""
        state = self._state(self.sequence.frames())
        key = (self.node.GetID(), what)
        if self._cache.get(key, (None,))[0] != state:
            self._cache[key] = (state, calculate())
        return self._cache[key][1]

    @staticmethod
    def _state(frames: list[Any]) -> Any:
        """Changes whenever the masks of a frame change."""
        return tuple((FrameMask.identity(frame), FrameMask.modificationTimes(frame)) for frame in frames)

    def _segments(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for frame in self.sequence.frames():
            segmentation = frame.GetSegmentation()
            for i in range(segmentation.GetNumberOfSegments()):
                segmentId = segmentation.GetNthSegmentID(i)
                name = segmentation.GetNthSegment(i).GetName() or segmentId
                if name not in found.values():
                    found.setdefault(segmentId, name)
        return found

    def _labels(self) -> dict[str, str]:
        values: set[int] = set()
        for frame in self.sequence.frames():
            voxels = slicer.util.arrayFromVolume(frame)
            values |= set(np.unique(voxels[voxels != 0]).tolist())
        return {str(int(v)): _("Label {number}").format(number=int(v)) for v in sorted(values)}

    def structures(self) -> dict[str, str]:
        """The identified structures: "myocardium", "cavity", "rightVentricle" -> one of `choices`.

        Segments are identified by terminology and name, then by shape; labels by shape. A choice of the person, see
        `choose`, takes precedence. A myocardium that encloses the cavity as a filled region becomes a ring in `read`.
        """
        choices = self.choices()
        chosen = {s: next((c for c, text in choices.items() if text == name), "") for s, name in self.chosen().items()}
        found = self._kept("structures", self._identified)
        found = {s: c for s, c in found.items() if s not in chosen and c not in chosen.values()}
        return {**found, **{structure: choice for structure, choice in chosen.items() if choice}}

    def structuresWith(self, myocardium: str) -> dict[str, str]:
        """As `structures`, with a given segment ID or label as the myocardium; empty to identify it."""
        found = self.structures()
        if not myocardium or myocardium not in self.choices():
            return found
        return {**{s: c for s, c in found.items() if c != myocardium}, "myocardium": myocardium}

    def chosen(self) -> dict[str, str]:
        """The person's choices: structure -> displayed name, empty if the structure is not used."""
        from LaMoDCore.runtime.json_file import parse_json

        try:
            stored = parse_json(self._holder().GetAttribute(self.CHOSEN) or "{}")
        except ValueError:
            return {}
        names = set(self.STRUCTURES)
        return {str(s): str(n) for s, n in stored.items() if s in names} if isinstance(stored, dict) else {}

    def choose(self, structure: str, choice: str | None) -> None:
        """Store a choice with the masks.

        Args:
            structure: one of `STRUCTURES`.
            choice: one of `choices`; empty if the structure is not used, None to identify it automatically.
        """
        chosen = self.chosen()
        chosen.pop(structure, None)
        if choice is not None:
            chosen[structure] = self.choices().get(choice, "")
        self._holder().SetAttribute(self.CHOSEN, json.dumps(chosen, sort_keys=True) if chosen else None)

    def _holder(self) -> Any:
        return self.sequence.sequenceNode or self.node

    def structuresText(self, structures: dict[str, str] | None = None) -> str:
        """A line that names the segment of each structure."""
        choices, used = self.choices(), structures or self.structures()
        if "myocardium" not in used:
            return _("The myocardium is unknown: choose its segment.")
        named = {structure: f"“{choices.get(choice, choice)}”" for structure, choice in used.items()}
        text = _("Myocardium: {name}").format(name=named["myocardium"])
        if self.isFilled(used):
            text = _("Myocardium: {outer} without {inner}").format(outer=named["myocardium"], inner=named["cavity"])
        parts = [text]
        if "cavity" in named:
            parts.append(_("cavity: {name}").format(name=named["cavity"]))
        if "rightVentricle" in named:
            parts.append(_("right ventricle: {name}").format(name=named["rightVentricle"]))
        return "; ".join(parts)

    def isFilled(self, structures: dict[str, str]) -> bool:
        """Whether the myocardium was drawn filled, so that it contains the cavity; decided on a sample of frames."""
        if not self.isSegmentation or not {"myocardium", "cavity"} <= set(structures):
            return False
        pair = structures["myocardium"], structures["cavity"]

        def calculate() -> dict[str, str]:
            outer, inner = (np.stack(self._sampled()[choice]) for choice in pair)
            return {"filled": "yes"} if SegmentShapes.isNested(inner, outer) else {}

        return bool(self._kept(f"filled {pair}", calculate))

    def _identified(self) -> dict[str, str]:
        choices = self.choices()
        found: dict[str, str] = {}
        if self.isSegmentation:
            found = self.named()
        if "myocardium" not in found:
            taken = {found[s] for s in ("rightVentricle",) if s in found}
            candidates = {c: frames for c, frames in self._sampled().items() if c not in taken}
            byShape = SegmentShapes.structuresOf(candidates, self.node.GetName())
            if "myocardium" in byShape:
                others = {s: c for s, c in found.items() if c not in byShape.values()}
                found = {**others, **byShape, **{s: found[s] for s in ("rightVentricle",) if s in found}}
        if "myocardium" not in found and len(choices) == 1:
            found = {"myocardium": next(iter(choices))}
        return found

    def named(self) -> dict[str, str]:
        """The structures of a segmentation by terminology and name alone, as `structures` returns them."""
        found: dict[str, str] = {}
        for segmentId, name in self.choices().items():
            frame = next(f for f in self.sequence.frames() if f.GetSegmentation().GetSegment(segmentId) is not None)
            terminology = vtk.mutable("")
            frame.GetSegmentation().GetSegment(segmentId).GetTag("TerminologyEntry", terminology)
            structure = structureOf(name, str(terminology))
            if structure is not None:
                found.setdefault(structure, segmentId)
        outer, inner = found.pop("epicardium", None), found.pop("endocardium", None)
        if outer is not None:
            found.setdefault("myocardium", outer)
        if inner is not None:
            found.setdefault("cavity", inner)
        return found

    def _sampled(self) -> dict[str, list[np.ndarray]]:
        """[Z, H, W] of every choice in a few frames, from the first and in equal steps."""
        frames = self.sequence.frames()
        geometry = FrameMask.geometryOf(frames)
        sample = frames[:: max(1, -(-len(frames) // self._SAMPLE))]
        choices = self.choices()
        return {choice: [self._binary(frame, choice, geometry, choices) for frame in sample] for choice in choices}

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
        geometry = reference or FrameMask.geometryOf(frames)
        labels, isFilled = self._readOnce(frames, structures, geometry)
        ownTimes = self.sequence.timesMs() if timesMs is None else timesMs
        assumed = np.arange(len(frames)) * (MaskFrames.ASSUMED_RR_MS / len(frames))
        times = assumed if ownTimes is None else ownTimes
        origins = ContourOriginRecord(self.node).onGrid(geometry, len(frames))
        values, carried = self.sequence.indexValues(), self._carried(structures, geometry, labels)
        rr = self.sequence.rrMs
        masks = MaskFrames(labels, geometry, values, times, ownTimes is not None, origins, isFilled, carried, rr)
        if not allowEmpty:
            self._check(masks)
        return masks

    def _readOnce(
        self, frames: list[Any], structures: dict[str, str], geometry: VolumeGeometry
    ) -> tuple[np.ndarray, bool]:
        """As `_labelled`, from memory if neither the masks nor the grid changed since."""
        grid = (geometry.shape, np.round(geometry.ijkToLps, 4).tobytes())
        key, state = (self.node.GetID(), tuple(sorted(structures.items())), grid), self._state(frames)
        known = self._read.pop(key, None)
        if known is None or known[0] != state:
            known = (state, self._labelled(frames, structures, geometry))
        self._read[key] = known
        size = sum(labels.nbytes for _state, (labels, _isFilled) in self._read.values())
        while size > self._MOST_READ_BYTES and len(self._read) > 1:
            _state, (labels, _isFilled) = self._read.pop(next(iter(self._read)))
            size -= labels.nbytes
        return known[1]

    def _labelled(
        self, frames: list[Any], structures: dict[str, str], geometry: VolumeGeometry
    ) -> tuple[np.ndarray, bool]:
        """The labels of all frames on a grid, read-only, and whether the myocardium was drawn filled."""
        choices = self.choices() if self.isSegmentation else None
        found = {
            structure: np.stack([self._binary(frame, structures[structure], geometry, choices) for frame in frames])
            for structure in self.STRUCTURES
            if structure in structures
        }
        labels = np.zeros((len(frames), *geometry.shape), np.uint8)
        isFilled = "cavity" in found and SegmentShapes.isNested(found["cavity"], found["myocardium"])
        order = ("rightVentricle", *(("myocardium", "cavity") if isFilled else ("cavity", "myocardium")))
        for structure in (each for each in order if each in found):
            labels[found[structure]] = MaskFrames.VALUES[structure]
        labels.setflags(write=False)  # several parts of the panel share them
        return labels, isFilled

    @classmethod
    def forget(cls) -> None:
        """Release the results of reading, because the scene was closed."""
        cls._cache.clear()
        cls._read.clear()

    def _carried(
        self, structures: dict[str, str], geometry: VolumeGeometry, labels: np.ndarray
    ) -> dict[int, tuple[int, ...]]:
        """Carried frames by slice of a grid: the record refers to the masks' own grid."""
        record = CarriedRecord(self._holder())
        if not record.exists:
            return {}
        own = FrameMask.geometryOf(self.sequence.frames())
        if own.isSameAs(geometry):
            found = {k: record.of(k, labels[:, k] == MaskFrames.MYOCARDIUM) for k in record.depths()}
            return {k: frames for k, frames in found.items() if frames}
        found = self.read(structures, own, None, allowEmpty=True).carried
        nearest = {z: ContourOriginRecord.nearest(found, own.ijkToLps, geometry, z) for z in range(geometry.shape[0])}
        return {z: found[k] for z, k in nearest.items()} if found else {}

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

    def segmentIn(self, frame: Any, choice: str, choices: dict[str, str] | None = None) -> str | None:
        """The chosen segment in another frame: the one with the same name, because IDs may differ per frame.

        Args:
            frame: a node.
            choice: the ID in the first frame that has the segment.
            choices: as returned by `choices`, which looks at all frames; for a call for each of them.
        """
        segmentation = frame.GetSegmentation()
        choices = self.choices() if choices is None else choices
        name = choices.get(choice, choice)
        segment = segmentation.GetSegment(choice)
        if segment is not None and (segment.GetName() or choice) == name:
            return choice
        other = segmentation.GetSegmentIdBySegmentName(name)
        if other:
            return other
        isOther = segment is not None and segment.GetName() in choices.values()
        return choice if segment is not None and not isOther else None

    def colorOf(self, segmentId: str) -> tuple[float, float, float]:
        """Colour of a segment in the first frame that has it."""
        frames = (frame.GetSegmentation() for frame in self.sequence.frames())
        found = next(segmentation for segmentation in frames if segmentation.GetSegment(segmentId) is not None)
        red, green, blue = found.GetSegment(segmentId).GetColor()
        return red, green, blue

    def _binary(
        self, frame: Any, choice: str, geometry: VolumeGeometry, choices: dict[str, str] | None = None
    ) -> np.ndarray:
        """bool [Z, H, W]: one structure of one frame, resampled to a grid by nearest neighbour."""
        if not self.isSegmentation:
            return FrameMask.ofLabel(frame, int(choice), geometry)
        segmentId = self.segmentIn(frame, choice, choices)
        return np.zeros(geometry.shape, bool) if segmentId is None else FrameMask.ofSegment(frame, segmentId, geometry)
