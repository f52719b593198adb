"""Indices of the whole slice or heart: rotation, twist, torsion, uniformity and dyssynchrony."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid


def rotation_degrees(
    displacement_mm: Array, myocardium: Array, grid: SliceGrid, center_xy: tuple[float, float]
) -> Array:
    """Mean rotation of the myocardium about its moving centre.

    The centre moves with the mean displacement, so that a translation of the heart does not count as rotation.

    Args:
        displacement_mm: [T, 2, H, W].
        myocardium: bool [H, W] at the reference frame.
        grid: the slice's grid.
        center_xy: pixels (x, y) at the reference frame.

    Returns:
        [T] degrees, counter-clockwise positive as seen from the apex; NaN for frames without finite displacement.
    """
    wall = np.asarray(myocardium, dtype=bool)
    return wall_rotation_degrees(np.asarray(displacement_mm)[:, :, wall], wall, grid, center_xy)


def wall_rotation_degrees(moved_mm: Array, myocardium: Array, grid: SliceGrid, center_xy: tuple[float, float]) -> Array:
    """`rotation_degrees` from the displacement [T, 2, P] of the wall's pixels, in the order of `nonzero`."""
    rows, columns = np.nonzero(myocardium)
    arm = (np.stack((columns, rows), axis=1) - np.asarray(center_xy)) * np.asarray(grid.spacing_mm)
    motion = np.asarray(moved_mm, dtype=np.float64).transpose(0, 2, 1)
    finite = np.asarray(np.isfinite(motion).all(axis=2))
    number = finite.sum(axis=1)
    safe = np.where(finite[..., None], motion, 0.0)
    shift = safe.sum(axis=1) / np.maximum(number, 1)[:, None]
    moved = arm + safe - shift[:, None, :]
    turn = grid.angles_from_apex(moved) - grid.angles_from_apex(arm)
    turn = np.where(finite, np.mod(turn + np.pi, 2 * np.pi) - np.pi, 0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.degrees(np.where(number > 0, turn.sum(axis=1) / number, np.nan)))


def twist_degrees(apical_rotation: Array, basal_rotation: Array) -> Array:
    """Twist [T] in degrees: apical minus basal rotation."""
    return np.asarray(apical_rotation - basal_rotation)


def torsion_degrees(twist: Array, apical_radius_mm: float, basal_radius_mm: float, distance_mm: float) -> Array:
    """Circumferential–longitudinal shear angle: twist × mean epicardial radius / distance between the slices.

    T = (φ_apex − φ_base)(ρ_apex + ρ_base)/(2D): Rüssel et al., JACC Cardiovasc. Imaging 2 (2009), 648; after Aelen
    et al., J. Biomech. 30 (1997).

    Args:
        twist: [T] degrees.
        apical_radius_mm, basal_radius_mm: mean epicardial radii at end-diastole.
        distance_mm: distance between the two slices.

    Returns:
        [T] degrees.

    Raises:
        ValueError: the slices lie in one plane.
    """
    if not distance_mm > 0:
        raise ValueError(f"torsion needs two slices in different planes, got a distance of {distance_mm} mm")
    return np.asarray(twist * (apical_radius_mm + basal_radius_mm) / (2 * distance_mm))


def circumferential_uniformity(strain_matrix: Array) -> float:
    """CURE, the circumferential uniformity ratio estimate: 1 if all sectors shorten equally, 0 if oppositely.

    CURE = √(S₀ / (S₀ + 2 S₁)), where S₀ and S₁ are the powers of order 0 and 1 of the Fourier transform of Ecc around
    the slice, summed over time: Helm et al., Circulation 111 (2005), 2760; Bilchick et al., JACC Cardiovasc.
    Imaging 1 (2008), 561.

    Args:
        strain_matrix: Ecc [sectors, n] at the evaluated times, normally the frames of systole.

    Returns:
        0…1; NaN without strain.
    """
    matrix = strain_matrix[:, np.isfinite(strain_matrix).all(axis=0)]
    if matrix.shape[0] < 3 or matrix.shape[1] == 0:
        return float("nan")
    power = (np.abs(np.fft.fft(matrix, axis=0)) ** 2).sum(axis=1)
    total = power[0] + 2 * power[1]
    return float(np.sqrt(power[0] / total)) if total > 0 else float("nan")


def dyssynchrony_ms(times_to_peak_ms: Array) -> float:
    """Standard deviation (n − 1) of the segments' times to peak shortening; NaN for fewer than three.

    Defined for tissue Doppler by Yu et al., Circulation 105 (2002), 438; used in the same way for strain.
    """
    times = np.asarray(times_to_peak_ms, dtype=np.float64)
    times = times[np.isfinite(times)]
    return float(times.std(ddof=1)) if len(times) >= 3 else float("nan")
