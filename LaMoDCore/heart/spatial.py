"""From the material to the spatial description: fields of the reference frame on the deformed wall of each frame.

A material field f is given on the reference frame's pixels X. At frame τ the material point is at
x = φ_τ(X) = X + u(X, τ), so the spatial field is f(φ_τ⁻¹(x), τ). Overlays on the cine need the spatial field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Points seeded along each side of a material pixel: no gaps occur up to a stretch of this factor.
_SEEDS_PER_SIDE = 3
_NEWTON_STEPS = 6
#: A pixel whose material point is not found with this accuracy (pixels) is left out.
_TOLERANCE_PX = 0.02
#: A share of the wall that is one half up to rounding counts as one half.
_ROUNDING = 1e-9
#: Pixels around the moving wall that are needed to differentiate and to iterate.
_MARGIN_PX = 6


@dataclass(frozen=True, eq=False)
class DeformedWall:
    """The pixels that the deformed myocardium covers, over all frames, and the material point at each.

    Attributes:
        frame, row, column: int [P].
        point: pixel coordinates (x, y) at the reference frame, float64 [2, P].
        shape: (T, H, W).
    """

    frame: Array
    row: Array
    column: Array
    point: Array
    shape: tuple[int, int, int]

    def values(self, field: Array, myocardium: Array) -> Array:
        """Values float32 [P] of a material field [T, H, W]; only those inside `myocardium` [H, W] are used."""
        if not self.frame.size:
            return np.zeros(0, dtype=np.float32)
        wall = np.asarray(myocardium, dtype=bool)
        (rows, columns), corner = _box(wall, (1, 1))
        known = wall[rows, columns] & np.isfinite(field[:, rows, columns])
        stacked = np.stack([np.where(known, field[:, rows, columns], 0.0), known], axis=-1, dtype=np.float64)
        frames, *size = known.shape
        at_points = _bilinear(self.frame, self.point - corner[:, None], tuple(size), frames)
        value, weight = (at_points @ stacked.reshape(-1, 2)).T
        with np.errstate(invalid="ignore", divide="ignore"):
            # the rim of the wall lies between known and unknown pixels: interpolate only over the known ones
            return np.asarray(np.where(weight > 1e-6, value / weight, np.nan), dtype=np.float32)


def deformed_wall(displacement_mm: Array, myocardium: Array, spacing_mm: tuple[float, float]) -> DeformedWall:
    """Find the material point at each pixel of the deformed myocardium: φ_τ⁻¹ on the pixel grid.

    Scattering φ_τ(X) gives a first guess for every pixel that the deformed myocardium covers; Newton's iteration
    X ← X − (I + ∇u)⁻¹ (X + u(X) − x) then solves for the exact point.

    Args:
        displacement_mm: Lagrangian [T, 2, H, W], (x, y) in mm, finite everywhere.
        myocardium: bool [H, W] at the reference frame.
        spacing_mm: (dx, dy).

    Raises:
        ValueError: shapes that do not fit.
    """
    wall = np.asarray(myocardium, dtype=bool)
    if displacement_mm.ndim != 4 or displacement_mm.shape[1] != 2 or displacement_mm.shape[2:] != wall.shape:
        raise ValueError(
            f"displacement_mm must be [T, 2, {wall.shape[0]}, {wall.shape[1]}], got {displacement_mm.shape}"
        )
    shape = (len(displacement_mm), *wall.shape)
    if not wall.any():
        none = np.zeros(0, dtype=np.int64)
        return DeformedWall(none, none, none, np.zeros((2, 0)), shape)
    box, corner = _box_of_motion(displacement_mm, wall, spacing_mm)
    wall = wall[box]
    u = np.asarray(displacement_mm[:, :, box[0], box[1]], dtype=np.float64) / np.array(spacing_mm)[:, None, None]
    (frame, row, column), guess = _scatter(u, wall)
    target = np.stack([column, row]).astype(np.float64)
    point, residual = _newton(u, frame, target, guess)
    share = _bilinear(np.zeros_like(frame), point, wall.shape, 1) @ wall.ravel().astype(np.float64)
    inside = share >= 0.5 - _ROUNDING
    keep = inside & (np.abs(residual).max(axis=0) <= _TOLERANCE_PX)
    return DeformedWall(
        frame[keep], row[keep] + corner[1], column[keep] + corner[0], point[:, keep] + corner[:, None], shape
    )


def material_coordinates(displacement_mm: Array, myocardium: Array, spacing_mm: tuple[float, float]) -> Array:
    """`deformed_wall` as an array: reference positions of the material at each pixel and frame.

    Args:
        displacement_mm: Lagrangian [T, 2, H, W], (x, y) in mm, finite everywhere.
        myocardium: bool [H, W] at the reference frame.
        spacing_mm: (dx, dy).

    Returns:
        float64 [T, 2, H, W]: pixel coordinates (x, y) at the reference frame; NaN outside the deformed
        myocardium.

    Raises:
        ValueError: shapes that do not fit.
    """
    covered = deformed_wall(displacement_mm, myocardium, spacing_mm)
    found = np.full(displacement_mm.shape, np.nan)
    found[covered.frame, :, covered.row, covered.column] = covered.point.T
    return found


def _box_of_motion(
    displacement_mm: Array, wall: Array, spacing_mm: tuple[float, float]
) -> tuple[tuple[slice, slice], Array]:
    """The part of the image that the wall reaches, with a margin, and the pixel (x, y) of its corner."""
    reach = np.ceil(np.abs(displacement_mm[:, :, wall]).max(axis=(0, 2)) / spacing_mm).astype(int) + _MARGIN_PX
    return _box(wall, (int(reach[1]), int(reach[0])))


def _box(wall: Array, margin: tuple[int, int]) -> tuple[tuple[slice, slice], Array]:
    """The part of the image around a wall that is not empty, with margins (rows, columns), and its corner (x, y)."""
    sides = []
    for axis in (0, 1):
        drawn = np.flatnonzero(wall.any(axis=1 - axis))
        first, last = int(drawn[0]) - margin[axis], int(drawn[-1]) + margin[axis]
        sides.append(slice(max(first, 0), min(last + 1, wall.shape[axis])))
    return (sides[0], sides[1]), np.array([sides[1].start, sides[0].start])


def push_forward(field: Array, material_xy: Array, myocardium: Array) -> Array:
    """Evaluate a material field on the deformed myocardium of each frame.

    Args:
        field: [T, H, W] on the reference frame's pixels; only the values inside `myocardium` are used.
        material_xy: [T, 2, H, W] from `material_coordinates`.
        myocardium: bool [H, W] at the reference frame.

    Returns:
        float32 [T, H, W]; NaN outside the deformed myocardium and where the field itself is NaN.
    """
    frame, row, column = np.nonzero(np.isfinite(material_xy[:, 0]))
    shape = (len(field), *field.shape[1:])
    covered = DeformedWall(frame, row, column, material_xy[frame, :, row, column].T, shape)
    spatial = np.full(field.shape, np.nan, dtype=np.float32)
    spatial[frame, row, column] = covered.values(field, myocardium)
    return spatial


def _scatter(u: Array, wall: Array) -> tuple[tuple[Array, Array, Array], Array]:
    """Pixels that the deformed wall covers, (frame, row, column), and a guess [2, P] of their material points."""
    frames, _, height, width = u.shape
    row, column = np.nonzero(ndimage.binary_dilation(wall, np.ones((3, 3), dtype=bool)))
    offsets = (np.arange(_SEEDS_PER_SIDE) + 0.5) / _SEEDS_PER_SIDE - 0.5
    oy, ox = (o.ravel() for o in np.meshgrid(offsets, offsets, indexing="ij"))
    seed = np.stack([np.add.outer(ox, column).ravel(), np.add.outer(oy, row).ravel()])
    at_seeds = _bilinear(np.zeros(seed.shape[1], dtype=np.int64), seed, (height, width), 1)
    moved = (at_seeds @ u.reshape(frames * 2, -1).T).T.reshape(frames, 2, -1)
    landed = np.rint(seed + moved).astype(np.int64).swapaxes(0, 1).reshape(2, -1)
    frame = np.repeat(np.arange(frames), seed.shape[1])
    seeds = np.tile(seed, (1, frames))
    on_grid = (landed[0] >= 0) & (landed[0] < width) & (landed[1] >= 0) & (landed[1] < height)
    index = ((frame * height + landed[1]) * width + landed[0])[on_grid]
    size = frames * height * width
    hits = np.bincount(index, minlength=size)
    hit = np.flatnonzero(hits)
    guess = np.stack([np.bincount(index, axis[on_grid], size)[hit] / hits[hit] for axis in seeds])
    where = np.unravel_index(hit, (frames, height, width))
    return (where[0], where[1], where[2]), guess


def _newton(u: Array, frame: Array, target: Array, guess: Array) -> tuple[Array, Array]:
    """The points [2, P] that move to `target`, and their residuals [2, P] in pixels."""
    frames, _, *size = u.shape
    along_y, along_x = np.gradient(u, axis=(2, 3))
    # u_x, u_y, then their derivatives by x, then by y
    values = np.concatenate([u, along_x, along_y], axis=1).transpose(0, 2, 3, 1).reshape(-1, 6)
    point = guess.copy()
    for _ in range(_NEWTON_STEPS):
        at_points = (_bilinear(frame, point, tuple(size), frames) @ values).T
        residual = point + at_points[:2] - target
        if np.abs(residual).max(initial=0.0) < _TOLERANCE_PX / 20:
            return point, residual
        ux_x, uy_x, ux_y, uy_y = at_points[2:]
        a, d = 1.0 + ux_x, 1.0 + uy_y
        determinant = a * d - ux_y * uy_x
        # where the motion folds there is no inverse: the point keeps its guess and fails the residual test
        safe = np.where(np.abs(determinant) > 0.05, determinant, np.inf)
        point[0] -= (d * residual[0] - ux_y * residual[1]) / safe
        point[1] -= (a * residual[1] - uy_x * residual[0]) / safe
    moved = _bilinear(frame, point, tuple(size), frames) @ values[:, :2]
    return point, point + moved.T - target


def _bilinear(frame: Array, point: Array, size: tuple[int, ...], frames: int) -> scipy.sparse.csr_array:
    """Bilinear interpolation of images at given points as a matrix [P, T·H·W]; the border is repeated.

    Args:
        frame: int [P].
        point: pixel coordinates (x, y) [2, P].
        size: (H, W).
        frames: T.
    """
    height, width = size
    x = np.clip(point[0], 0, width - 1)
    y = np.clip(point[1], 0, height - 1)
    left = np.minimum(x.astype(np.int64), max(width - 2, 0))
    top = np.minimum(y.astype(np.int64), max(height - 2, 0))
    fx, fy = x - left, y - top
    indices = np.empty((len(frame), 4), dtype=np.int64)
    indices[:, 0] = (frame * height + top) * width + left
    indices[:, 1] = indices[:, 0] + (np.minimum(left + 1, width - 1) - left)
    indices[:, 2:] = indices[:, :2] + ((np.minimum(top + 1, height - 1) - top) * width)[:, None]
    weights = np.stack([(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx], axis=1)
    ends = np.arange(len(frame) + 1) * 4
    shape = (len(frame), frames * height * width)
    return scipy.sparse.csr_array((weights.ravel(), indices.ravel(), ends), shape=shape)
