from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Inputs import FrameMask
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames, MaskSource
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


@dataclass(frozen=True, eq=False)
class SeriesFacts:
    """What the table shows of a series, read once and kept until its nodes change.

    Attributes:
        geometry: the grid of the masks, or of the cine without masks; None if neither can be read.
        frames: number of frames.
        timesMs: [T], or None if the data contain no times.
        drawn: bool [Z, T], where the myocardium is drawn.
        walls: depth -> bool [H, W], the myocardium in the first frame in which it is drawn.
        rightVentricles: depth -> bool [H, W], the right ventricle in that frame.
        problem: why the masks cannot be used; empty if they can.
        storedRrMs: length of the cycle in the file of the images, or of the masks; None if it is not recorded.
    """

    geometry: VolumeGeometry | None = None
    frames: int = 0
    timesMs: np.ndarray | None = None
    drawn: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))
    walls: dict[int, np.ndarray] = field(default_factory=dict)
    rightVentricles: dict[int, np.ndarray] = field(default_factory=dict)
    problem: str = ""
    storedRrMs: float | None = None

    _cache: ClassVar[dict[Any, tuple[Any, "SeriesFacts"]]] = {}
    _MAX_CACHE = 64

    @classmethod
    def of(cls, series: HeartSeries) -> "SeriesFacts":
        """The facts of a series as it is now."""
        key = tuple(node.GetID() if node is not None else "" for node in (series.cine, series.masks))
        state = stateOf(series)
        known = cls._cache.get(key)
        if known is None or known[0] != state:
            if len(cls._cache) > cls._MAX_CACHE:
                cls._cache.clear()
            known = (state, replace(cls._read(series), storedRrMs=storedRr(series)))
            cls._cache[key] = known
        return known[1]

    @classmethod
    def _read(cls, series: HeartSeries) -> "SeriesFacts":
        images = CineSource(series.cine) if series.cine is not None else None
        try:
            if images is not None:
                images.check()
        except InputError as error:
            return cls(problem=str(error))
        times = images.timesMs() if images is not None else None
        if series.masks is None:
            geometry = images.geometry()
            return cls(geometry, images.numberOfFrames(), times, np.zeros((geometry.shape[0], 0), bool))
        source = MaskSource(series.masks)
        times = source.sequence.timesMs() if times is None else times
        frames = source.numberOfFrames()
        reader = RequestReader(series)
        try:
            structures = reader.structures()
            reader.check()
        except InputError as error:
            return cls(cls._gridOf(source), frames, times, problem=str(error))
        try:
            masks = source.read(structures, None, times if times is None or len(times) == frames else None, True)
        except InputError as error:
            return cls(cls._gridOf(source), frames, times, problem=str(error))
        return cls._ofMasks(masks, times)

    @classmethod
    def _ofMasks(cls, masks: MaskFrames, times: np.ndarray | None) -> "SeriesFacts":
        wall = masks.labels == MaskFrames.MYOCARDIUM
        drawn = wall.any(axis=(2, 3)).T
        depths = np.flatnonzero(drawn.any(axis=1)).tolist()
        first = {k: int(drawn[k].argmax()) for k in depths}
        problem = "" if depths else _("no contours in any frame")
        return cls(
            masks.geometry,
            len(masks.labels),
            times,
            drawn,
            {k: wall[t, k] for k, t in first.items()},
            {k: masks.labels[t, k] == MaskFrames.RIGHT_VENTRICLE for k, t in first.items()},
            problem,
        )

    @staticmethod
    def _gridOf(source: MaskSource) -> VolumeGeometry | None:
        try:
            return FrameMask.geometryOf(source.sequence.frames())
        except InputError:
            return None

    @property
    def depths(self) -> list[int]:
        """The slices to list: those with contours, or all without masks."""
        if self.walls:
            return sorted(self.walls)
        return list(range(self.geometry.shape[0])) if self.geometry is not None and not self.problem else [0]

    @property
    def rrMs(self) -> float | None:
        """Length of the cycle, which the frames are assumed to cover if it is not recorded; None without times."""
        return cycleMs(self.storedRrMs, self.timesMs)


def cycleMs(storedRrMs: float | None, timesMs: np.ndarray | None) -> float | None:
    """Length of the cycle, which the frames are assumed to cover if it is not recorded; None without times."""
    if storedRrMs is not None:
        return storedRrMs
    if timesMs is None or len(timesMs) < 2:
        return None
    return float(timesMs[-1] - timesMs[0] + np.median(np.diff(timesMs)))


def storedRr(series: HeartSeries) -> float | None:
    """Length of the cycle in the file of a series' images, or of its masks; None if it is not recorded."""
    try:
        images = CineSource(series.cine).rrMs if series.cine is not None else None
    except InputError:  # a browser without images
        images = None
    masks = FrameSequence(series.masks).rrMs if series.masks is not None else None
    return images if images is not None else masks


def stateOf(series: HeartSeries) -> tuple[Any, ...]:
    """Changes with everything that `SeriesFacts` reads, but not with the frame that is shown."""
    parts: list[Any] = [series.myocardium]
    if series.cine is not None:
        images = CineSource(series.cine)
        try:
            geometry = images.geometry()
            parts += [images.numberOfFrames(), geometry.shape, np.round(geometry.ijkToLps, 4).tobytes()]
            parts.append(images.volumeNode().GetParentTransformNode() is not None)
            parts.append(images.indexValues()[-1:])
        except InputError as error:
            parts.append(str(error))
    if series.masks is not None:
        frames = FrameSequence(series.masks).frames()
        parts += [FrameMask.modificationTimes(frame) for frame in frames]
        parts.append(series.masks.GetParentTransformNode() is not None)
        holder = FrameSequence(series.masks).sequenceNode or series.masks
        parts.append(holder.GetAttribute(MaskSource.CHOSEN))
    return tuple(parts)
