from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


@dataclass(frozen=True, eq=False)
class MaskFrames:
    """The drawn structures of every frame on one grid, as the worker reads them.

    Attributes:
        labels: uint8 [T, Z, H, W]: 1 right ventricle, 2 myocardium, 3 left-ventricular cavity (as ACDC).
        geometry: the grid of each frame.
        indexValues: what the sequence calls each frame.
        timesMs: float [T].
        hasTimes: whether the times come from the data, or are spread over `ASSUMED_RR_MS`.
    """

    labels: np.ndarray
    geometry: VolumeGeometry
    indexValues: tuple[str, ...]
    timesMs: np.ndarray
    hasTimes: bool

    RIGHT_VENTRICLE, MYOCARDIUM, CAVITY = 1, 2, 3
    ASSUMED_RR_MS = 1000.0

    @property
    def labelOption(self) -> str:
        """What `lamod predict --labels` is told: only what is there."""
        present = set(np.unique(self.labels).tolist())
        words = {"myo": self.MYOCARDIUM, "rv": self.RIGHT_VENTRICLE, "lv": self.CAVITY}
        return ",".join(f"{word}={value}" for word, value in words.items() if value in present)

    @staticmethod
    def sharedLabelOption(several: Iterable["MaskFrames"]) -> str:
        """The same of masks that one command reads together."""
        words = [word for masks in several for word in masks.labelOption.split(",")]
        return ",".join(dict.fromkeys(words))

    def write(self, path: Path) -> None:
        """Write them as a `.seq.nrrd` that Slicer takes for labels; times that are spread, not known, stay away."""
        CoreLibrary.makeImportable()
        from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

        times = self.timesMs if self.hasTimes else None
        write_seq_nrrd(path, self.labels, self.geometry.ijkToLps, times, node_class="vtkMRMLLabelMapVolumeNode")

    def emptyFrames(self) -> list[int]:
        """Frames, counted from 0, in which no myocardium is drawn."""
        drawn = (self.labels == self.MYOCARDIUM).any(axis=(1, 2, 3))
        return np.flatnonzero(~drawn).tolist()
