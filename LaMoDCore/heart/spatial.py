"""From the material to the spatial description: fields of the reference frame on the deformed wall of each frame.

A material field f is given on the reference frame's pixels X. At frame τ the material point is at
x = φ_τ(X) = X + u(X, τ), so the spatial field is f(φ_τ⁻¹(x), τ). Overlays on the cine need the spatial field.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Points seeded along each side of a material pixel: no gaps occur up to a stretch of this factor.
_SEEDS_PER_SIDE = 3
_NEWTON_STEPS = 6
#: A pixel whose material point is not found with this accuracy (pixels) is left out.
_TOLERANCE_PX = 0.02
#: Pixels around the moving wall that are needed to differentiate and to iterate.
_MARGIN_PX = 6


def material_coordinates(displacement_mm: Array, myocardium: Array, spacing_mm: tuple[float, float]) -> Array:
    """Reference positions of the material at each pixel and frame: φ_τ⁻¹ on the pixel grid.

    Scattering φ_τ(X) gives a first guess for every pixel that the deformed myocardium covers; Newton's iteration
    X ← X − (I + ∇u)⁻¹ (X + u(X) − x) then solves for the exact point.

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
    wall = np.asarray(myocardium, dtype=bool)
    if displacement_mm.ndim != 4 or displacement_mm.shape[1] != 2 or displacement_mm.shape[2:] != wall.shape:
        raise ValueError(
            f"displacement_mm must be [T, 2, {wall.shape[0]}, {wall.shape[1]}], got {displacement_mm.shape}"
        )
    found = np.full(displacement_mm.shape, np.nan)
    if not wall.any():
        return found
    box, corner = _box_of_motion(displacement_mm, wall, spacing_mm)
    wall = wall[box]
    u = np.asarray(displacement_mm[:, :, box[0], box[1]], dtype=np.float64) / np.array(spacing_mm)[:, None, None]
    where, guess = _scatter(u, wall)
    frame, row, column = where
    target = np.stack([column, row]).astype(np.float64)
    gradient = np.stack(np.gradient(u, axis=(3, 2)), axis=1)  # [T, d/dx d/dy, 2, H, W]
    point = _newton(u, gradient, frame, target, guess)
    residual = np.abs(point + _sample(u, frame, point) - target).max(axis=0)
    inside = _sample(wall[None, None].astype(np.float64), np.zeros_like(frame), point)[0] >= 0.5
    keep = inside & (residual <= _TOLERANCE_PX)
    found[frame[keep], :, row[keep] + corner[1], column[keep] + corner[0]] = (point[:, keep] + corner[:, None]).T
    return found


def _box_of_motion(
    displacement_mm: Array, wall: Array, spacing_mm: tuple[float, float]
) -> tuple[tuple[slice, slice], Array]:
    """The part of the image that the wall reaches, with a margin, and the pixel (x, y) of its corner."""
    moved = np.abs(displacement_mm[:, :, wall]).max(axis=(0, 2)) / spacing_mm
    sides = []
    for axis, reach in ((0, moved[1]), (1, moved[0])):
        drawn = np.flatnonzero(wall.any(axis=1 - axis))
        margin = int(np.ceil(reach)) + _MARGIN_PX
        sides.append(slice(max(int(drawn[0]) - margin, 0), min(int(drawn[-1]) + margin + 1, wall.shape[axis])))
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
    known = np.asarray(myocardium, dtype=bool)[None] & np.isfinite(field)
    frame, row, column = np.nonzero(np.isfinite(material_xy[:, 0]))
    point = material_xy[frame, :, row, column].T
    stacked = np.stack([np.where(known, field, 0.0), known.astype(np.float64)], axis=1)
    value, weight = _sample(stacked, frame, point)
    spatial = np.full(field.shape, np.nan, dtype=np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        # the rim of the wall lies between known and unknown pixels: interpolate only over the known ones
        spatial[frame, row, column] = np.where(weight > 1e-6, value / weight, np.nan)
    return spatial


def _scatter(u: Array, wall: Array) -> tuple[tuple[Array, Array, Array], Array]:
    """Pixels that the deformed wall covers, (frame, row, column), and a guess [2, P] of their material points."""
    frames, _, height, width = u.shape
    row, column = np.nonzero(ndimage.binary_dilation(wall, np.ones((3, 3), dtype=bool)))
    offsets = (np.arange(_SEEDS_PER_SIDE) + 0.5) / _SEEDS_PER_SIDE - 0.5
    oy, ox = (o.ravel() for o in np.meshgrid(offsets, offsets, indexing="ij"))
    seed = np.stack([np.add.outer(ox, column).ravel(), np.add.outer(oy, row).ravel()])
    count = seed.shape[1]
    frame = np.repeat(np.arange(frames), count)
    seeds = np.tile(seed, (1, frames))
    landed = np.rint(seeds + _sample(u, frame, seeds)).astype(np.int64)
    on_grid = (landed[0] >= 0) & (landed[0] < width) & (landed[1] >= 0) & (landed[1] < height)
    index = ((frame * height + landed[1]) * width + landed[0])[on_grid]
    size = frames * height * width
    hits = np.bincount(index, minlength=size)
    hit = np.flatnonzero(hits)
    guess = np.stack([np.bincount(index, axis[on_grid], size)[hit] / hits[hit] for axis in seeds])
    where = np.unravel_index(hit, (frames, height, width))
    return (where[0], where[1], where[2]), guess


def _newton(u: Array, gradient: Array, frame: Array, target: Array, guess: Array) -> Array:
    point = guess.copy()
    flat_gradient = gradient.reshape(gradient.shape[0], 4, *gradient.shape[3:])
    for _ in range(_NEWTON_STEPS):
        residual = point + _sample(u, frame, point) - target
        if np.abs(residual).max(initial=0.0) < _TOLERANCE_PX / 20:
            break
        ux_x, uy_x, ux_y, uy_y = _sample(flat_gradient, frame, point)
        a, d = 1.0 + ux_x, 1.0 + uy_y
        determinant = a * d - ux_y * uy_x
        # where the motion folds there is no inverse: the point keeps its guess and fails the residual test
        safe = np.where(np.abs(determinant) > 0.05, determinant, np.inf)
        point[0] -= (d * residual[0] - ux_y * residual[1]) / safe
        point[1] -= (a * residual[1] - uy_x * residual[0]) / safe
    return point


def _sample(images: Array, frame: Array, point: Array) -> Array:
    """Bilinear values [C, P] of images [T, C, H, W] at (frame [P], point [2, P]); the border is repeated."""
    _, _, height, width = images.shape
    x = np.clip(point[0], 0, width - 1)
    y = np.clip(point[1], 0, height - 1)
    left = np.minimum(x.astype(np.int64), max(width - 2, 0))
    top = np.minimum(y.astype(np.int64), max(height - 2, 0))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = x - left, y - top
    values = np.moveaxis(images, 1, -1).reshape(
        -1, images.shape[1]
    )  # [T·H·W, C], so that a point's values are adjacent
    above, below = (frame * height + top) * width, (frame * height + bottom) * width
    fx, fy = fx[:, None], fy[:, None]
    upper = (1 - fx) * values[above + left] + fx * values[above + right]
    lower = (1 - fx) * values[below + left] + fx * values[below + right]
    return np.asarray(((1 - fy) * upper + fy * lower).T)
