"""Strain from displacement: F = I + ∂u/∂X, E = ½(FᵀF − I), and E along the radial and circumferential directions.

Spencer, "Continuum Mechanics", 1980, ch. 6; for the heart, Waldman, Fung and Covell, Circ. Res. 57 (1985).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.wall_fields import on_grid
from LaMoDCore.strain.frame import MIN_RADIUS_PIXELS, local_directions, ventricle_center
from LaMoDCore.strain.gradient import DEFAULT_ORDER, GradientOperator, default_support_mm, gradient_operator


@dataclass(frozen=True, eq=False)
class StrainFields:
    """Green–Lagrange strain on the pixels of the reference frame: float32 [T, H, W], NaN outside the myocardium.

    Attributes:
        ecc: circumferential.
        err: radial.
        ecr: circumferential–radial shear, positive for counter-clockwise shear as seen from the apex.
        e1: the larger principal strain.
        e2: the smaller principal strain.
        jacobian: in-plane det F, the local change of area.
    """

    ecc: Array
    err: Array
    ecr: Array
    e1: Array
    e2: Array
    jacobian: Array

    def items(self) -> Iterator[tuple[str, Array]]:
        """Iterate over (name, array) of every field."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))


FIELD_NAMES: tuple[str, ...] = tuple(field.name for field in fields(StrainFields))


def compute_strain(
    displacement_mm: npt.ArrayLike,
    myocardium: npt.ArrayLike,
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    *,
    center_xy: tuple[float, float] | None = None,
    view_sign: int = 1,
    order: int = DEFAULT_ORDER,
    support_mm: float | None = None,
) -> StrainFields:
    """Compute all strain fields of one slice.

    Args:
        displacement_mm: [T, 2, H, W] (x, y) mm, array or tensor: the motion of the material points that lie at the
            pixels in the reference frame. Values outside the myocardium are ignored. Inside, a pixel that is not
            finite is left out of the fit of that frame.
        myocardium: bool [H, W] at the reference frame.
        spacing_mm: (dx, dy).
        center_xy: centre (x, y) in pixels of the radial directions; by default the centroid of the epicardial region.
        view_sign: +1 if the array is seen from the apex (`SliceGrid.view_sign`); affects only the sign of ecr.
        order: order of the local polynomial, 1, 2 or 3.
        support_mm: radius of its neighbourhood; by default 8 mm, less on small rings (`default_support_mm`); 10 mm
            smooths noisy fields (bias and noise of both in docs/concepts/strain.md).

    Returns:
        Fields [T, H, W]; NaN also where the myocardium is too thin for a fit, and everywhere for an empty mask.

    Raises:
        ValueError: a shape or option is invalid.
    """
    motion, inside = _arrays(displacement_mm, myocardium)
    slopes = SlopeCache(inside, spacing_mm, order, support_mm)
    center = ventricle_center(inside) if center_xy is None else center_xy
    directions = material_directions(inside, spacing_mm, center, view_sign)
    return strain_fields(motion, inside, slopes, directions)


class SlopeCache:
    """Gradient operators of a mask and of its subsets without the pixels that are not finite in some frame."""

    def __init__(
        self,
        inside: Array,
        spacing_mm: tuple[float, float],
        order: int = DEFAULT_ORDER,
        support_mm: float | None = None,
    ) -> None:
        self._inside = inside
        # The radius is that of the whole wall: pixels missing in one frame do not change the fit in the others.
        self._options = (spacing_mm, order, support_mm or default_support_mm(inside, spacing_mm))
        self._operators: dict[bytes, GradientOperator] = {}

    def operator(self, present: Array) -> GradientOperator:
        """The operator of the mask's pixels for which ``present`` [P] is True."""
        key = present.tobytes()
        if key not in self._operators:
            spacing_mm, order, support_mm = self._options
            mask = self._inside.copy()
            mask[mask] = present
            self._operators[key] = gradient_operator(mask, spacing_mm, order=order, support_mm=support_mm)
        return self._operators[key]

    def deformation_gradient(self, displacement: Array) -> tuple[Array, Array, Array, Array]:
        """F from displacements [P, T, 2] mm at the mask's pixels.

        Returns:
            F_xx, F_xy, F_yx, F_yy, each [P, T], NaN where there is no fit.
        """
        pixels, frames, _ = displacement.shape
        gradient = np.full((2, pixels, frames, 2), np.nan)
        finite = np.asarray(np.isfinite(displacement).all(axis=2))
        patterns, which = np.unique(finite, axis=1, return_inverse=True) if not finite.all() else (finite[:, :1], 0)
        for index in range(patterns.shape[1]):
            present = patterns[:, index]
            if not present.any():
                continue
            chosen = np.nonzero(np.broadcast_to(np.asarray(which).ravel() == index, (frames,)))[0]
            values = displacement[present][:, chosen].reshape(int(present.sum()), -1)
            along_x, along_y = self.operator(present).apply(values)
            gradient[0][np.ix_(present, chosen)] = along_x.reshape(-1, len(chosen), 2)
            gradient[1][np.ix_(present, chosen)] = along_y.reshape(-1, len(chosen), 2)
        along_x, along_y = gradient
        return 1 + along_x[..., 0], along_y[..., 0], along_x[..., 1], 1 + along_y[..., 1]


def material_directions(
    inside: Array, spacing_mm: tuple[float, float], center_xy: tuple[float, float], view_sign: int
) -> tuple[Array, Array]:
    """Radial and circumferential unit vectors [P, 2] at the mask's pixels in the reference frame."""
    rows, columns = np.nonzero(inside)
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    points = np.stack((columns, rows), axis=1) * spacing
    return local_directions(
        points, np.asarray(center_xy) * spacing, view_sign, MIN_RADIUS_PIXELS * float(spacing.min())
    )


def strain_components(gradient: tuple[Array, Array, Array, Array], directions: tuple[Array, Array]) -> dict[str, Array]:
    """Components of E = ½(FᵀF − I) along the given directions.

    Args:
        gradient: F_xx, F_xy, F_yx, F_yy, each [P, T].
        directions: radial and circumferential unit vectors [P, 2].

    Returns:
        ecc, err, ecr, e1, e2, jacobian: each [P, T].
    """
    xx, xy, yx, yy = gradient
    radial, circumferential = directions
    strain_xx = 0.5 * (xx * xx + yx * yx - 1)
    strain_yy = 0.5 * (xy * xy + yy * yy - 1)
    strain_xy = 0.5 * (xx * xy + yx * yy)

    def project(a: Array, b: Array) -> Array:
        return np.asarray(
            strain_xx * (a[:, 0] * b[:, 0])[:, None]
            + strain_yy * (a[:, 1] * b[:, 1])[:, None]
            + strain_xy * (a[:, 0] * b[:, 1] + a[:, 1] * b[:, 0])[:, None]
        )

    mean = 0.5 * (strain_xx + strain_yy)
    spread = np.hypot(0.5 * (strain_xx - strain_yy), strain_xy)
    return {
        "ecc": project(circumferential, circumferential),
        "err": project(radial, radial),
        "ecr": project(circumferential, radial),
        "e1": mean + spread,
        "e2": mean - spread,
        "jacobian": xx * yy - xy * yx,
    }


def strain_fields(motion: Array, inside: Array, slopes: SlopeCache, directions: tuple[Array, Array]) -> StrainFields:
    """Strain of motion [T, 2, H, W] on the pixels of ``inside``."""
    displacement = motion[:, :, inside].transpose(2, 0, 1).astype(np.float64)
    components = strain_components(slopes.deformation_gradient(displacement), directions)
    return StrainFields(**{name: on_grid(values.T, inside) for name, values in components.items()})


def _arrays(displacement_mm: npt.ArrayLike, myocardium: npt.ArrayLike) -> tuple[Array, Array]:
    motion = _numpy(displacement_mm)
    inside = _numpy(myocardium).astype(bool)
    if motion.ndim != 4 or motion.shape[1] != 2 or inside.shape != motion.shape[2:]:
        raise ValueError(
            f"displacement_mm must be [T, 2, H, W] and myocardium [H, W], got {motion.shape} and {inside.shape}"
        )
    return motion, inside


def _numpy(values: npt.ArrayLike) -> Array:
    detach = getattr(values, "detach", None)
    return np.asarray(detach().cpu().numpy() if detach is not None else values)
