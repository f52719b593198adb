"""Convert between array axes and patient LPS millimetres. No other module converts axes or signs.

A short-axis slice is an array ``[H, W]``: rows ``y`` (axis 0), columns ``x`` (axis 1). Pixel coordinates
are ``(x, y) = (column, row)`` and in-plane vectors ``(x, y)`` are in millimetres along the column and the
row direction. Patient coordinates are LPS (DICOM, ITK).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: From base to apex in LPS: the apex lies left-anterior-inferior.
BASE_TO_APEX_LPS = np.array([1.0, -1.0, -1.0]) / np.sqrt(3.0)

#: The networks' input: pixels per side and pixel size in mm.
CANONICAL_SIZE, CANONICAL_SPACING_MM = 128, 1.0
#: Below this cosine between slice normal and heart axis the apical side is a guess, which a note reports.
MIN_AXIS_COSINE = 0.2
#: A slice is a short-axis slice if its normal is within about 45° of the heart's expected axis.
SHORT_AXIS_COSINE = 0.7


@dataclass(frozen=True, eq=False)
class SliceGrid:
    """The pixel grid of one slice in the patient.

    Attributes:
        shape: (H, W).
        ijk_to_lps: [4, 4] affine from (column i, row j, slice k) to LPS mm; its third column is one slice spacing
            along the normal, in either direction.

    Raises:
        ValueError: the affine is not a finite, invertible 4×4 matrix.
    """

    shape: tuple[int, int]
    ijk_to_lps: Array

    def __post_init__(self) -> None:
        affine = np.array(self.ijk_to_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError(f"ijk_to_lps must be a finite 4×4 matrix, got shape {affine.shape}")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise ValueError("ijk_to_lps is singular: its columns are linearly dependent")
        affine.setflags(write=False)
        object.__setattr__(self, "ijk_to_lps", affine)
        object.__setattr__(self, "shape", (int(self.shape[0]), int(self.shape[1])))

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """(dx, dy): the distance between columns and between rows."""
        dx, dy = np.linalg.norm(self.ijk_to_lps[:3, :2], axis=0)
        return float(dx), float(dy)

    @property
    def slice_spacing_mm(self) -> float:
        """Distance between slices along the normal."""
        return float(np.linalg.norm(self.ijk_to_lps[:3, 2]))

    @property
    def directions(self) -> Array:
        """[3, 2]: unit vectors of x (increasing column) and y (increasing row) in LPS."""
        columns = self.ijk_to_lps[:3, :2]
        return np.asarray(columns / np.linalg.norm(columns, axis=0))

    @property
    def normal(self) -> Array:
        """[3]: x × y, a unit vector."""
        x, y = self.directions.T
        cross = np.cross(x, y)
        return np.asarray(cross / np.linalg.norm(cross))

    @property
    def axis_cosine(self) -> float:
        """Cosine between the normal x × y and the expected axis from apex to base; negative if mirrored."""
        return float(-(self.normal @ BASE_TO_APEX_LPS))

    @property
    def view_sign(self) -> int:
        """+1 if the array, shown with rows downwards, is seen from the apex, −1 if from the base."""
        return 1 if self.axis_cosine >= 0 else -1

    @property
    def center_lps(self) -> Array:
        """[3]: centre of the image in LPS mm."""
        height, width = self.shape
        return self.pixel_to_lps(np.array([(width - 1) / 2, (height - 1) / 2]))

    def pixel_to_lps(self, xy: npt.ArrayLike) -> Array:
        """Convert pixel coordinates (x, y) [..., 2] to LPS mm [..., 3]."""
        points = np.asarray(xy, dtype=np.float64)
        return np.asarray(points @ self.ijk_to_lps[:3, :2].T + self.ijk_to_lps[:3, 3])

    def lps_to_pixel(self, lps: npt.ArrayLike) -> Array:
        """Project points in LPS mm [..., 3] orthogonally onto the slice: pixel coordinates (x, y) [..., 2]."""
        offset = np.asarray(lps, dtype=np.float64) - self.ijk_to_lps[:3, 3]
        return np.asarray(offset @ np.linalg.pinv(self.ijk_to_lps[:3, :2]).T)

    def distance_mm(self, lps: npt.ArrayLike) -> Array:
        """Signed distance [...] in mm of LPS points [..., 3] from the slice's plane, along ``normal``."""
        offset = np.asarray(lps, dtype=np.float64) - self.ijk_to_lps[:3, 3]
        return np.asarray(offset @ self.normal)

    def vectors_to_lps(self, xy_mm: npt.ArrayLike) -> Array:
        """Convert in-plane vectors [..., 2] in mm along (x, y) to LPS [..., 3]."""
        return np.asarray(np.asarray(xy_mm) @ self.directions.T)

    def vectors_from_lps(self, lps_mm: npt.ArrayLike) -> Array:
        """Project LPS vectors [..., 3] in mm onto the plane: components [..., 2] along (x, y)."""
        return np.asarray(np.asarray(lps_mm) @ np.linalg.pinv(self.directions).T)

    def pixel_centers_mm(self) -> tuple[Array, Array]:
        """In-plane position of every pixel: x [H, W] and y [H, W] in mm from pixel (0, 0)."""
        dx, dy = self.spacing_mm
        x, y = np.meshgrid(np.arange(self.shape[1]) * dx, np.arange(self.shape[0]) * dy)
        return x, y

    def angles_from_apex(self, vectors_xy_mm: npt.ArrayLike) -> Array:
        """Angle of in-plane vectors [..., 2], radians, counter-clockwise positive **as seen from the apex**."""
        vectors = np.asarray(vectors_xy_mm, dtype=np.float64)
        return np.asarray(self.view_sign * np.arctan2(-vectors[..., 1], vectors[..., 0]))

    def same_plane(self, other: SliceGrid, tolerance_mm: float = 0.5) -> bool:
        """Whether the planes of both grids coincide over the extent of this grid."""
        height, width = self.shape
        corners = self.pixel_to_lps(np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]))
        return bool(np.abs(other.distance_mm(corners)).max() <= tolerance_mm)


def canonical_grid(
    source: SliceGrid, center_xy: npt.ArrayLike, size: int = CANONICAL_SIZE, spacing_mm: float = CANONICAL_SPACING_MM
) -> SliceGrid:
    """Create the grid of the networks' input: in the source's plane, centred on the ventricle, seen from the apex.

    x points towards the patient's left as far as the plane allows, y completes a right-handed frame whose normal x × y
    points from apex to base. The canonical image is therefore the same for rotated, flipped or transposed exports.

    Args:
        source: the slice.
        center_xy: the ventricle's centre in the source's pixel coordinates (x, y).
        size: pixels per side.
        spacing_mm: isotropic pixel size.
    """
    normal = source.normal * source.view_sign
    left = np.array([1.0, 0.0, 0.0])
    x = left - (left @ normal) * normal
    if np.linalg.norm(x) < 0.3:  # a sagittal plane: take posterior instead
        posterior = np.array([0.0, 1.0, 0.0])
        x = posterior - (posterior @ normal) * normal
    x = x / np.linalg.norm(x)
    y = np.cross(normal, x)
    center = source.pixel_to_lps(center_xy)
    origin = center - (x + y) * spacing_mm * (size - 1) / 2
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = x * spacing_mm, y * spacing_mm
    affine[:3, 2], affine[:3, 3] = normal * source.slice_spacing_mm, origin
    return SliceGrid((size, size), affine)


def affine_2d(source: SliceGrid, target: SliceGrid) -> tuple[Array, Array]:
    """Compute the map between pixels of two grids in one plane: ``target_xy = matrix @ source_xy + offset``.

    Returns:
        matrix [2, 2], offset [2].
    """
    inverse = np.linalg.pinv(target.ijk_to_lps[:3, :2])
    matrix = inverse @ source.ijk_to_lps[:3, :2]
    offset = inverse @ (source.ijk_to_lps[:3, 3] - target.ijk_to_lps[:3, 3])
    return np.asarray(matrix), np.asarray(offset)


def vector_rotation(source: SliceGrid, target: SliceGrid) -> Array:
    """[2, 2]: rotation of in-plane vectors in mm from the source's (x, y) to the target's."""
    return np.asarray(np.linalg.pinv(target.directions) @ source.directions)
