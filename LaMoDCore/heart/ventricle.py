"""A slice used for LV volumes, whose contours may be missing in some frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.contour_origin import ContourOrigin
from LaMoDCore.heart.geometry import Array, SliceGrid


@dataclass(frozen=True, eq=False)
class VentricleSlice:
    """Blood pool and wall of one slice.

    Attributes:
        grid: pixel grid in LPS.
        cavity: bool [T, H, W], the left-ventricular blood pool; papillary muscles count as drawn.
        myocardium: bool [T, H, W].
        frame_times_ms: float [T], from the R wave.
        rr_ms: length of the cardiac cycle.
        contour_origin: engine, status and confidence where the contours were drawn automatically, otherwise None.

    Raises:
        ValueError: a mask does not match the grid and the frame times.
    """

    grid: SliceGrid
    cavity: Array
    myocardium: Array
    frame_times_ms: Array
    rr_ms: float
    contour_origin: ContourOrigin | None = None

    def __post_init__(self) -> None:
        expected = (len(self.frame_times_ms), *self.grid.shape)
        for name in ("cavity", "myocardium"):
            if getattr(self, name).shape != expected:
                raise ValueError(f"{name} must be {expected}, got {getattr(self, name).shape}")

    @property
    def cavity_mm2(self) -> Array:
        """[T]: area of the blood pool."""
        return np.asarray(self.cavity.sum(axis=(1, 2)) * np.prod(self.grid.spacing_mm), dtype=np.float64)

    @property
    def myocardium_mm2(self) -> Array:
        """[T]: area of the wall."""
        return np.asarray(self.myocardium.sum(axis=(1, 2)) * np.prod(self.grid.spacing_mm), dtype=np.float64)
