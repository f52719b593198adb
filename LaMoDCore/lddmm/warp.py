"""Warp images and carry points and masks by a displacement in millimetres."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from LaMoDCore.heart.geometry import Array
from LaMoDCore.lddmm.interpolation import sample_linear_clamped


def warp_image(image: Tensor, displacement_mm: Tensor, spacing_mm: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """Sample an image bilinearly at x + displacement(x).

    With ``shot.inverse`` this is S∘φ⁻¹, the image carried forward by φ.

    Args:
        image: [N, C, H, W].
        displacement_mm: [N, 2, H, W], channels (x, y).
        spacing_mm: (dx, dy).

    Returns:
        [N, C, H, W]; beyond its edge the image has the edge value.
    """
    height, width = displacement_mm.shape[-2:]
    column = torch.arange(width, device=displacement_mm.device)
    row = torch.arange(height, device=displacement_mm.device)[:, None]
    x = column + displacement_mm[:, 0] / spacing_mm[0]
    y = row + displacement_mm[:, 1] / spacing_mm[1]
    return sample_linear_clamped(image, x, y)


def sample_displacement(field: Tensor, points_mm: Tensor, spacing_mm: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """Bilinear samples of a field at points.

    Args:
        field: [N, C, H, W].
        points_mm: [N, P, 2] positions (x, y) in mm from the centre of pixel (0, 0).
        spacing_mm: (dx, dy).

    Returns:
        [N, P, C].
    """
    x = points_mm[:, None, :, 0] / spacing_mm[0]
    y = points_mm[:, None, :, 1] / spacing_mm[1]
    return sample_linear_clamped(field, x, y)[:, :, 0].transpose(1, 2)


def compose(outer_mm: Tensor, inner_mm: Tensor, spacing_mm: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """Displacement of (id + outer) ∘ (id + inner): [N, 2, H, W] each."""
    return inner_mm + warp_image(outer_mm, inner_mm, spacing_mm)


def carry_mask(
    mask: npt.ArrayLike, displacement_mm: npt.ArrayLike, spacing_mm: tuple[float, float] = (1.0, 1.0)
) -> Array:
    """Carry the contours of a mask by a motion and fill them, which gives the mask at the later frame.

    A ring keeps its cavity, because the fill follows the even-odd rule. The contours lie midway between pixels inside
    and outside, so that zero motion gives the unchanged mask.

    Args:
        mask: bool [H, W].
        displacement_mm: [2, H, W] mm, the motion of the material points that lie at the pixels.
        spacing_mm: (dx, dy).

    Returns:
        bool [H, W].
    """
    inside = np.asarray(mask, dtype=bool)
    motion = np.asarray(displacement_mm, dtype=np.float64)
    if inside.ndim != 2 or motion.shape != (2, *inside.shape):
        raise ValueError(f"mask must be [H, W] and displacement_mm [2, H, W], got {inside.shape} and {motion.shape}")
    starts, ends = contour_edges(inside)
    if not len(starts):
        return np.zeros_like(inside)
    scale = np.asarray(spacing_mm, dtype=np.float64)
    return _fill(_move(starts, motion, scale), _move(ends, motion, scale), inside.shape)


def contour_edges(inside: Array) -> tuple[Array, Array]:
    """Marching squares at level one half: edges between midpoints of pixel pairs, [E, 2] (x, y) pixels each.

    Diagonal neighbours are not connected, as in the default of `scipy.ndimage.label`.
    """
    padded = np.pad(inside, 1).astype(np.int8)
    code = padded[:-1, :-1] + 2 * padded[:-1, 1:] + 4 * padded[1:, 1:] + 8 * padded[1:, :-1]
    # Midpoints of the sides of a cell, relative to its upper left pixel: top, right, bottom, left.
    side = np.array([[0.5, 0.0], [1.0, 0.5], [0.5, 1.0], [0.0, 0.5]])
    table = {
        1: [(3, 0)], 2: [(0, 1)], 3: [(3, 1)], 4: [(1, 2)], 5: [(3, 0), (1, 2)], 6: [(0, 2)], 7: [(3, 2)],
        8: [(2, 3)], 9: [(2, 0)], 10: [(0, 1), (2, 3)], 11: [(2, 1)], 12: [(1, 3)], 13: [(1, 0)], 14: [(0, 3)],
    }  # fmt: skip
    starts: list[Array] = []
    ends: list[Array] = []
    for value, pairs in table.items():
        rows, columns = np.nonzero(code == value)
        corner = np.stack((columns, rows), axis=1) - 1.0
        for first, last in pairs:
            starts.append(corner + side[first])
            ends.append(corner + side[last])
    return np.concatenate(starts), np.concatenate(ends)


def _move(points: Array, motion: Array, spacing: Array) -> Array:
    """Points [P, 2] in pixels, moved by bilinear samples of ``motion`` [2, H, W] mm."""
    height, width = motion.shape[1:]
    x, y = np.clip(points[:, 0], 0, width - 1), np.clip(points[:, 1], 0, height - 1)
    column = np.minimum(x.astype(np.intp), max(width - 2, 0))
    row = np.minimum(y.astype(np.intp), max(height - 2, 0))
    right, below = np.minimum(column + 1, width - 1), np.minimum(row + 1, height - 1)
    s, t = x - column, y - row
    moved = (
        motion[:, row, column] * (1 - s) * (1 - t)
        + motion[:, row, right] * s * (1 - t)
        + motion[:, below, column] * (1 - s) * t
        + motion[:, below, right] * s * t
    )
    return np.asarray(points + moved.T / spacing)


def _fill(starts: Array, ends: Array, shape: tuple[int, int]) -> Array:
    """Even-odd fill of closed contours given as edges [E, 2] in pixels: bool [H, W] at the pixel centres."""
    height, width = shape
    low, high = np.minimum(starts[:, 1], ends[:, 1]), np.maximum(starts[:, 1], ends[:, 1])
    # Rows y with low <= y < high cross the edge once; the interval is half-open so that a vertex on a row counts once.
    first = np.ceil(low).astype(np.intp)
    count = np.ceil(high).astype(np.intp) - first
    edge = np.repeat(np.arange(len(low)), count)
    offset = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    row = first[edge] + offset
    rise = ends[edge, 1] - starts[edge, 1]
    x = starts[edge, 0] + (row - starts[edge, 1]) / rise * (ends[edge, 0] - starts[edge, 0])
    column = np.clip(np.ceil(x), 0, width).astype(np.intp)
    keep = (row >= 0) & (row < height)
    crossings = np.zeros((height, width + 1), dtype=np.int64)
    np.add.at(crossings, (row[keep], column[keep]), 1)
    return np.asarray(np.cumsum(crossings, axis=1)[:, :width] % 2 == 1)
