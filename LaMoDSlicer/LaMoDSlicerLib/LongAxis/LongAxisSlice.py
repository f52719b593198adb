import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Heart import SeriesFacts
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.LongAxis import ContourFiles, SceneCurves
from LaMoDSlicerLib.LongAxis.WallMasks import spacingOf
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


@dataclass(frozen=True, eq=False)
class LongAxisSlice:
    """A long-axis slice of the scene with its contours.

    Attributes:
        series: to which it belongs.
        depth: index of the slice in the grid.
        geometry: grid of the cine, or of the masks without a cine; None if neither can be read.
        frames: number of frames.
        timesMs: [T], or None if the data contain no times.
        storedRrMs: length of the cycle in the file of the images, or of the masks; None if it is not recorded.
        wall: bool [T, H, W] if the contours are masks, otherwise None.
        holders: text node or curves that have the contours, if they are no masks.
        lines: LaMoDCore WallLines by frame, counted from 0.
        problem: why the contours cannot be used; empty if they can, or if there are none.
    """

    series: HeartSeries
    depth: int
    geometry: VolumeGeometry | None
    frames: int = 0
    timesMs: np.ndarray | None = None
    storedRrMs: float | None = None
    wall: np.ndarray | None = None
    holders: tuple[Any, ...] = ()
    lines: dict[int, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def grid(self) -> Any:
        """The LaMoDCore SliceGrid, or None."""
        from LaMoDCore.heart.geometry import SliceGrid

        if self.geometry is None:
            return None
        return SliceGrid(self.geometry.shape[1:], self.geometry.sliceIjkToLps(self.depth))

    @property
    def hasContours(self) -> bool:
        return self.wall is not None or bool(self.holders)

    @property
    def isLocated(self) -> bool:
        """Whether the images state their position in the patient."""
        from LaMoDCore.io.images.stated_geometry import lies_on_scanner_axes

        return self.geometry is not None and not lies_on_scanner_axes(self.geometry.sliceIjkToLps(self.depth))

    @property
    def rrMs(self) -> float | None:
        """Length of the cycle, which the frames are assumed to cover if it is not recorded; None without times."""
        return SeriesFacts.cycleMs(self.storedRrMs, self.timesMs)

    @property
    def browser(self) -> Any:
        """The sequence browser of the cine or the masks, or None."""
        from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence

        cine = self.series.cine
        if cine is not None:
            return cine if cine.IsA("vtkMRMLSequenceBrowserNode") else None
        return FrameSequence(self.series.masks).browserNode if self.series.masks is not None else None

    def lps(self, pointsMm: np.ndarray) -> np.ndarray:
        """In-plane mm [..., 2] as LPS mm [..., 3]."""
        return np.asarray(self.grid.pixel_to_lps(pointsMm / np.array(self._spacing)))

    @property
    def _spacing(self) -> tuple[float, float]:
        return spacingOf(self.geometry)

    def landmarksLps(self, frame: int) -> np.ndarray | None:
        """[3, 3]: both annulus points and the endocardial apex that the contours of a frame give, or None."""
        lines = self.lines.get(frame)
        if lines is None:
            return None
        apex = lines.endo_mm[len(lines.endo_mm) // 2]
        return self.lps(np.concatenate([lines.annulus_mm, apex[None]]))

    def view(self, kind: str | None) -> Any:
        """The drawn frames as a LaMoDCore LongAxisView."""
        from LaMoDCore.heart.long_axis.view import LongAxisView, stacked

        frames = sorted(self.lines)
        endo, epi, annulus = stacked([self.lines[t] for t in frames])
        times = np.arange(float(len(frames)))
        return LongAxisView(
            self.series.name, self.grid, endo, epi, annulus, times, float(len(frames)), kind, located=self.isLocated
        )

    def digest(self) -> str:
        """A hash of the contours, to find out whether they changed."""
        content = hashlib.sha256()
        if self.wall is not None:
            content.update(np.packbits(self.wall).tobytes())
        for node in self.holders:
            isFile = node.IsA("vtkMRMLTextNode")
            content.update(node.GetText().encode() if isFile else _curveText(node).encode())
        return content.hexdigest()[:16]

    def writeContours(self, folder: Path, name: str) -> Path:
        """Write the contours as LaMoDCore reads them; returns the file or folder."""
        if self.wall is None:
            if self.holders[0].IsA("vtkMRMLTextNode"):
                return ContourFiles.write(self.holders[0], folder, name)
            return SceneCurves.write(list(self.holders), folder, name)
        from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

        path = folder / f"{name}.seq.nrrd"
        masks, affine = self.wall[:, None].astype(np.uint8), self.geometry.sliceIjkToLps(self.depth)
        kind = "vtkMRMLLabelMapVolumeNode"
        write_seq_nrrd(path, masks, affine, self.timesMs, rr_ms=self.storedRrMs, node_class=kind)
        return path


def _curveText(node: Any) -> str:
    points = np.round(SceneCurves.pointsOf(node), 3).tolist()
    return json.dumps([node.GetClassName(), node.GetName(), points])
