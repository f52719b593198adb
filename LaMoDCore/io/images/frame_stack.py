"""FrameStack: the contents of an image file, before its labels are interpreted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note

#: A DICOM image: SOP instance UID and index of the frame in the instance, from 0.
ImageKey = tuple[str, int]
#: Metadata key for the meaning of the labels, in the notation of ``--labels``.
LABEL_KEY = "label meaning"
#: Slice thickness of images without one.
ASSUMED_THICKNESS_MM = 8.0


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
        has_position: False if the image lies on the scanner's axes and begins at their origin, a default of writers and
            no position in the patient.
        other_ijk_to_lps: [4, 4], a second transform of the file that contradicts the first; None if there is none.
        transform_names: of both transforms, as in sform and qform.
        time_problem: why times that the file contains cannot be used, as a clause; "" if there is none.
        rr_problem: the same for its R–R interval.
        scanner_times: whether the times are those of the scanner, as in DICOM images.
        images: keys of the DICOM images that are the frames; empty for other files.
        cine_frames: frames of the cine, from 0, to which the frames of a mask belong; empty if they are unknown.
        drawn_on: keys of the DICOM images on which the frames of a mask were drawn; empty if they are unknown.
        thickness_known: False if the file has no slice thickness, and `ASSUMED_THICKNESS_MM` is used.
    """

    name: str
    frames: Array
    ijk_to_lps: Array
    frame_times_ms: Array | None = None
    rr_ms: float | None = None
    has_orientation: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    has_position: bool = True
    other_ijk_to_lps: Array | None = None
    transform_names: tuple[str, str] = ("", "")
    time_problem: str = ""
    rr_problem: str = ""
    scanner_times: bool = False
    images: tuple[ImageKey, ...] = ()
    drawn_on: tuple[ImageKey, ...] = ()
    cine_frames: tuple[int, ...] = ()
    thickness_known: bool = True

    def __post_init__(self) -> None:
        if self.frames.ndim != 4:
            raise ValueError(f"frames must be [T, Z, H, W], got {self.frames.shape}")
        if self.ijk_to_lps.shape != (4, 4):
            raise ValueError(f"ijk_to_lps must be [4, 4], got {self.ijk_to_lps.shape}")
        if self.frame_times_ms is not None and self.frame_times_ms.shape != (self.frames.shape[0],):
            raise ValueError(f"frame_times_ms must have {self.frames.shape[0]} entries, one per frame")
        for name in ("images", "drawn_on", "cine_frames"):
            if len(getattr(self, name)) not in (0, self.frames.shape[0]):
                raise ValueError(f"{name} must have {self.frames.shape[0]} entries, one per frame")

    @property
    def is_located(self) -> bool:
        """Whether the file contains a position in the patient that can be trusted."""
        return self.has_orientation and self.has_position

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
