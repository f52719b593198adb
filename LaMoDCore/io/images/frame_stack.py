"""FrameStack: the contents of an image file, before its labels are interpreted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note

#: Metadata key for the meaning of the labels, in the notation of ``--labels``.
LABEL_KEY = "label meaning"


@dataclass(frozen=True, eq=False)
class FrameStack:
    """A scalar image over time, as stored in its file.

    Attributes:
        name: file or series name, without folder.
        frames: [T, Z, H, W].
        ijk_to_lps: [4, 4], (column i, row j, slice k) to LPS mm. Its third column is the step between slices and need
            not be perpendicular to the plane: neighbouring slices may be shifted.
        frame_times_ms: float [T] from the R wave; None if the file has none.
        rr_ms: length of the cardiac cycle; None if the file does not contain it.
        has_orientation: whether the file contains the image's position and orientation in the patient.
        metadata: the file's own key-value pairs.
        notes: assumptions made while reading.
    """

    name: str
    frames: Array
    ijk_to_lps: Array
    frame_times_ms: Array | None = None
    rr_ms: float | None = None
    has_orientation: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        if self.frames.ndim != 4:
            raise ValueError(f"frames must be [T, Z, H, W], got {self.frames.shape}")
        if self.ijk_to_lps.shape != (4, 4):
            raise ValueError(f"ijk_to_lps must be [4, 4], got {self.ijk_to_lps.shape}")
        if self.frame_times_ms is not None and self.frame_times_ms.shape != (self.frames.shape[0],):
            raise ValueError(f"frame_times_ms must have {self.frames.shape[0]} entries, one per frame")

    def slice_grid(self, k: int) -> SliceGrid:
        """The grid of slice ``k``; its third column is along the normal, even if the stack is sheared."""
        return slice_grid(self.ijk_to_lps, k, self.frames.shape[2:])


def slice_grid(ijk_to_lps: Array, k: int, shape: tuple[int, ...]) -> SliceGrid:
    """The grid of slice ``k`` of a stack with affine ``ijk_to_lps`` and (H, W) = ``shape``."""
    affine = np.array(ijk_to_lps, dtype=np.float64)
    x, y, step = affine[:3, 0], affine[:3, 1], affine[:3, 2]
    normal = np.cross(x, y)
    normal /= np.linalg.norm(normal)
    affine[:3, 3] += k * step
    affine[:3, 2] = normal * (step @ normal)
    return SliceGrid((int(shape[0]), int(shape[1])), affine)
