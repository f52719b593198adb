from dataclasses import dataclass

import numpy as np

from LaMoDSlicerLib.VolumeGeometry import VolumeGeometry


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

    def emptyFrames(self) -> list[int]:
        """Frames, counted from 0, in which no myocardium is drawn."""
        drawn = (self.labels == self.MYOCARDIUM).any(axis=(1, 2, 3))
        return np.flatnonzero(~drawn).tolist()
