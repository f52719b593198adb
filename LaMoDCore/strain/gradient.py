"""The deformation gradient at every pixel of a mask, including its rim, by local polynomial least squares.

A polynomial in (x, y) is fitted to the displacement of the mask's pixels within a radius of each pixel; its slope at
the pixel is ∂u/∂x, ∂u/∂y (Savitzky and Golay, Anal. Chem. 36, 1964, on an irregular neighbourhood; Fan and Gijbels,
"Local Polynomial Modelling", 1996, explain why odd orders keep their accuracy at the rim). The fit uses nothing
outside the mask and is exact for polynomial motions up to its order, hence for every affine motion. It is linear in
the displacement, so its weights are computed once per mask and applied to all frames and samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy import ndimage

from LaMoDCore.heart.geometry import Array

#: Radius of the fit in mm, the thickness of a healthy wall. It grows with the pixel size at coarse resolution.
DEFAULT_SUPPORT_MM = 8.0
#: On a strongly curved ring the radius of the fit is at most this part of the ring's radius: a cubic over 8 mm
#: underestimates a motion that falls off as 1/r at an apex of 14 mm (bias in docs/concepts/strain.md).
SUPPORT_OF_RADIUS = 1 / 3
#: Curvature reduces the radius to no less than this many pixels: with fewer, thin walls could not carry a cubic.
MIN_CURVED_SUPPORT_PIXELS = 5.0
#: Minimum of the radius in pixels along the coarser axis.
MIN_SUPPORT_PIXELS = 3.0
DEFAULT_ORDER = 3
#: An order is used at a pixel only if the condition number of its normal equations is below this.
MAX_CONDITION = 1e6
#: A pixel belongs to the wall if at least this part of its neighbourhood lies in 2×2 blocks of the mask.
MIN_WIDE_PART = 0.5
#: Above this many entries the operator is stored as a sparse matrix.
DENSE_ENTRIES = 40_000_000


@dataclass(frozen=True, eq=False)
class GradientOperator:
    """∂/∂x and ∂/∂y on the P pixels of one mask.

    Attributes:
        mask: bool [H, W].
        weights: [2P, P] per mm, dense or sparse: the first P rows give ∂/∂x, the others ∂/∂y; zero rows where the
            mask is too thin for a fit.
        order: int8 [P]: order of the polynomial used at each pixel; 0 where none could be.
        support_mm: radius of the fit.
    """

    mask: Array
    weights: Array | scipy.sparse.csr_array
    order: Array
    support_mm: float

    def apply(self, field: Array) -> tuple[Array, Array]:
        """Compute the slopes of fields on the mask.

        Args:
            field: [P, C] values at the mask's pixels, in the order of ``mask.nonzero()``.

        Returns:
            ∂/∂x and ∂/∂y [P, C] per mm, NaN where there is no fit.
        """
        slopes = np.asarray(self.weights @ field)
        slopes = slopes.reshape(2, -1, field.shape[1])
        slopes[:, self.order == 0] = np.nan
        return slopes[0], slopes[1]

    def noise_gain(self) -> tuple[Array, Array]:
        """Standard deviation of ∂/∂x and of ∂/∂y [P], per mm, for white noise of standard deviation 1 on the field."""
        square = self.weights**2 if isinstance(self.weights, np.ndarray) else self.weights.power(2)
        gain = np.sqrt(np.asarray(square.sum(axis=1))).reshape(2, -1)
        gain[:, self.order == 0] = np.nan
        return gain[0], gain[1]


def gradient_operator(
    mask: Array,
    spacing_mm: tuple[float, float],
    *,
    order: int = DEFAULT_ORDER,
    support_mm: float | None = None,
) -> GradientOperator:
    """Compute the least-squares weights of a mask.

    Where the neighbourhood is too small for the order (a thin wall, a corner), the next lower order is used. A pixel
    that lies neither in nor next to a 2×2 block of the mask, or on a line that is mostly one pixel wide, has no slope,
    since the displacement across such a line is unknown.

    Args:
        mask: bool [H, W].
        spacing_mm: (dx, dy).
        order: order of the polynomial, 1, 2 or 3.
        support_mm: radius of the fit, `default_support_mm` of the mask if None; at least three pixels.

    Raises:
        ValueError: the order is out of range.
    """
    if order not in (1, 2, 3):
        raise ValueError(f"order must be 1, 2 or 3, got {order}")
    dx, dy = spacing_mm
    inside = np.asarray(mask, dtype=bool)
    radius = max(support_mm or default_support_mm(inside, spacing_mm), MIN_SUPPORT_PIXELS * max(dx, dy))
    rows, columns = np.nonzero(inside)
    pixels = len(rows)
    offset_y, offset_x = _disc(radius, dx, dy)

    margin_y, margin_x = int(radius / dy) + 1, int(radius / dx) + 1
    number = np.full((inside.shape[0] + 2 * margin_y, inside.shape[1] + 2 * margin_x), -1, dtype=np.int32)
    number[rows + margin_y, columns + margin_x] = np.arange(pixels)
    neighbour = number[
        rows[:, None] + (offset_y + margin_y)[None, :], columns[:, None] + (offset_x + margin_x)[None, :]
    ]
    present = neighbour >= 0
    block = _in_block(inside)
    # A 2×2 block on an otherwise thin line is a rasterisation artefact and not wall; a pixel next to a block, such as
    # the tip of a round contour, belongs to the wall.
    around = (present & np.append(block[rows, columns], False)[neighbour]).sum(axis=1)
    next_to_block = ndimage.binary_dilation(block, np.ones((3, 3), dtype=bool))[rows, columns]
    wide = next_to_block & (around >= MIN_WIDE_PART * present.sum(axis=1))

    x, y = offset_x * dx / radius, offset_y * dy / radius
    slopes = np.zeros((pixels, 2, len(x)))
    used = np.zeros(pixels, dtype=np.int8)
    for degree in range(order, 0, -1):
        todo = np.nonzero(wide & (used == 0))[0]
        if not len(todo):
            break
        fitted, weights = _fit(present[todo], x, y, degree)
        slopes[todo[fitted]] = weights[fitted] / radius
        used[todo[fitted]] = degree
    return GradientOperator(inside, _assemble(slopes, neighbour, present, pixels), used, radius)


def default_support_mm(mask: Array, spacing_mm: tuple[float, float]) -> float:
    """Radius of the fit on a wall: 8 mm, or less where the ring is strongly curved and the pixels are small.

    Args:
        mask: bool [H, W].
        spacing_mm: (dx, dy).
    """
    curved = max(SUPPORT_OF_RADIUS * _ring_radius_mm(mask, spacing_mm), MIN_CURVED_SUPPORT_PIXELS * max(spacing_mm))
    return min(DEFAULT_SUPPORT_MM, curved)


def _ring_radius_mm(mask: Array, spacing_mm: tuple[float, float]) -> float:
    """Radius of the circle fitted to an open or closed wall (Kåsa, IEEE Trans. Instrum. Meas. 25, 1976)."""
    rows, columns = np.nonzero(mask)
    if len(rows) < 3:
        return 0.0
    points = np.stack((columns, rows), axis=1) * np.asarray(spacing_mm, dtype=np.float64)
    points -= points.mean(axis=0)
    # |p|² = 2 c·p + (R² − |c|²), and the points' mean is zero.
    square = (points**2).sum(axis=1)
    center = np.linalg.lstsq(2 * points, square - square.mean(), rcond=None)[0]
    return float(np.sqrt(square.mean() + center @ center))


def _disc(radius: float, dx: float, dy: float) -> tuple[Array, Array]:
    # A pixel exactly on the rim counts, even if the spacing was rounded to single precision in a file.
    radius *= 1 + 1e-4
    reach_y, reach_x = int(radius / dy), int(radius / dx)
    y, x = np.mgrid[-reach_y : reach_y + 1, -reach_x : reach_x + 1]
    near = (x * dx) ** 2 + (y * dy) ** 2 <= radius**2
    return y[near], x[near]


def _in_block(inside: Array) -> Array:
    """Pixels that belong to a 2×2 block of the mask: bool [H, W]."""
    padded = np.pad(inside, 1)
    block = padded[:-1, :-1] & padded[:-1, 1:] & padded[1:, :-1] & padded[1:, 1:]
    return np.asarray(block[:-1, :-1] | block[:-1, 1:] | block[1:, :-1] | block[1:, 1:])


def _fit(present: Array, x: Array, y: Array, degree: int) -> tuple[Array, Array]:
    """Weights of the slope at the origin for every pixel: whether the fit is usable, [p], and weights [p, 2, K]."""
    powers = [(total - j, j) for total in range(degree + 1) for j in range(total + 1)]
    basis = np.stack([x**i * y**j for i, j in powers], axis=1)
    terms = basis.shape[1]
    outer = (basis[:, :, None] * basis[:, None, :]).reshape(len(x), -1)
    normal = (present.astype(np.float64) @ outer).reshape(-1, terms, terms)
    regular = np.linalg.slogdet(normal)[0] != 0  # `inv` refuses the whole stack for one singular matrix
    inverse = np.full_like(normal, np.nan)
    inverse[regular] = np.linalg.inv(normal[regular])
    with np.errstate(invalid="ignore", over="ignore"):
        condition = np.linalg.norm(normal, axis=(1, 2)) * np.linalg.norm(inverse, axis=(1, 2))
        fitted = regular & (present.sum(axis=1) >= terms) & (condition < MAX_CONDITION)
        weights = (inverse[:, 1:3] @ basis.T) * present[:, None]
    return fitted, weights


def _assemble(slopes: Array, neighbour: Array, present: Array, pixels: int) -> Array | scipy.sparse.csr_array:
    row, slot = np.nonzero(present)
    column = neighbour[row, slot]
    if 2 * pixels * pixels <= DENSE_ENTRIES:
        dense = np.zeros((2, pixels, pixels))
        dense[0, row, column] = slopes[row, 0, slot]
        dense[1, row, column] = slopes[row, 1, slot]
        return dense.reshape(2 * pixels, pixels)
    values = np.concatenate((slopes[row, 0, slot], slopes[row, 1, slot]))
    index = (np.concatenate((row, row + pixels)), np.concatenate((column, column)))
    return scipy.sparse.csr_array(scipy.sparse.coo_array((values, index), shape=(2 * pixels, pixels)))
