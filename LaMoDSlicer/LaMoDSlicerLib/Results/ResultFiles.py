import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Results.MotionStore import MotionStore


@dataclass(frozen=True, eq=False)
class ResultFiles:
    """What `lamod predict` wrote, as far as the scene shows it. T frames, Z slices.

    Attributes:
        folder: where it lies.
        displacementMm: float64 [Z, T, 2, H, W], in-plane (x, y) mm, finite everywhere.
        fields: "ecc", "err", "e1", "e2": float [T, Z, H, W] in the material frame, fractions; "ecc_std", the spread of
            the model's samples, where more than one was drawn.
        myocardium: bool [Z, H, W] at the reference frame.
        ijkToLps: [Z, 4, 4] of each slice.
        frameTimesMs: [T].
        referenceFrame: end-diastole.
        endSystole: the frame of end-systole.
        summary: strain.json.
    """

    folder: Path
    displacementMm: np.ndarray
    fields: dict[str, np.ndarray]
    myocardium: np.ndarray
    ijkToLps: np.ndarray
    frameTimesMs: np.ndarray
    referenceFrame: int
    endSystole: int
    summary: dict[str, Any]

    _FIELDS = ("ecc", "err", "e1", "e2")
    _SPREADS = ("ecc_std",)

    @classmethod
    def read(cls, folder: Path) -> "ResultFiles":
        """Raises:
        OSError, KeyError, ValueError: a file is missing or is not what it should be.
        """
        with np.load(folder / "motion.npz", allow_pickle=False) as motion:
            arrays = {name: motion[name] for name in motion.files}
        myocardium = arrays["myocardium"].astype(bool)
        return cls(
            folder=folder,
            displacementMm=cls._inPlane(arrays["displacement_mm"], myocardium, arrays["ijk_to_lps"]),
            fields={name: arrays[name] for name in cls._FIELDS} | {n: arrays[n] for n in cls._SPREADS if n in arrays},
            myocardium=myocardium,
            ijkToLps=arrays["ijk_to_lps"],
            frameTimesMs=arrays["frame_times_ms"][0],
            referenceFrame=int(arrays["reference_frame"]),
            endSystole=int(arrays["es_frame"]),
            summary=json.loads((folder / "strain.json").read_text(encoding="utf-8")),
        )

    @property
    def numberOfFrames(self) -> int:
        return int(self.displacementMm.shape[1])

    def spacingMm(self, k: int) -> tuple[float, float]:
        """(dx, dy) of a slice."""
        dx, dy = np.linalg.norm(self.ijkToLps[k][:3, :2], axis=0)
        return float(dx), float(dy)

    @property
    def motion(self) -> MaterialMotion:
        return MaterialMotion(self.displacementMm, self.myocardium, self.ijkToLps)

    @staticmethod
    def _inPlane(displacementLps: np.ndarray, myocardium: np.ndarray, ijkToLps: np.ndarray) -> np.ndarray:
        """[Z, T, 2, H, W] from LPS [T, Z, H, W, 3]; outside the wall the nearest of the wall's values."""
        from LaMoDCore.heart.geometry import SliceGrid

        slices = []
        for k, affine in enumerate(ijkToLps):
            grid = SliceGrid(myocardium.shape[1:], affine)
            inPlane = grid.vectors_from_lps(np.nan_to_num(displacementLps[:, k]))
            slices.append(np.moveaxis(inPlane, -1, 1))
        return MotionStore.filled(np.stack(slices), myocardium)
