"""Correction of the expected motion by how well the contours that it carries fit the drawn ones.

The expected motion carries the end-diastolic contours to every frame. Where they miss the contours drawn there, the
motion is wrong or a reader erred. Both have known distributions: the motion latent w is normal about its expectation,
and a reader's errors are normal, smooth along the contour and correlated in time (`phantom.imaging.annotator`). The
most probable w is one step of Gauss–Newton from the expectation (an extended Kalman update):

    w = w₀ + (P⁻¹ + Hᵀ R⁻¹ H)⁻¹ Hᵀ R⁻¹ r,                                                          (1)

with r the radial distances in mm from the carried to the drawn contours as harmonics of the angle, H = −∂r/∂w, P the
variances of w, and R the covariance of a reader's errors at a frame less those at end-diastole. H neglects that the
drawn radius changes with the angle. An error that is constant over the cycle cancels. Blood-pool contours move more
than the tissue, in proportion to the contraction of the cavity; R has this direction as well.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import RingCoordinates, moving_center
from LaMoDCore.networks.motion_latent import wall_motion
from LaMoDCore.networks.ring_contours import CONTOUR_ANGLES, RingContours

_ANGLES = 2 * np.pi * np.arange(CONTOUR_ANGLES) / CONTOUR_ANGLES
#: Harmonics of the angle that are compared.
_HARMONICS = 6
#: Of a reader's errors: fall of the spectrum with the harmonic, shares that are constant over the cycle and independent
#: between frames, correlation length as a fraction of the cycle; the middle of the ranges of `draw_annotator`.
_SMOOTHNESS, _HABIT, _JITTER, _MEMORY = 4.0, 0.5, 0.1, 0.12
#: Standard deviation of the layer that contours leave out, in mm, evenly along the contour and of each harmonic.
_LAYER_MM, _LAYER_HARMONIC_MM = 1.2, 0.36
#: Error of each harmonic that remains with exact contours, mm.
_RASTER_MM = 0.05


def fitted_code(
    expected: Array,
    variance: Array,
    mean: Array,
    modes: Array,
    displacement: Array,
    coordinates: RingCoordinates,
    contours: RingContours,
    error_mm: float,
) -> Array:
    """The most probable w of one slice, float64 [K]; see (1).

    Args:
        expected: w₀ [K].
        variance: P [K], the variances of w about it.
        mean, modes: complex [T, TERMS] and [K, T, TERMS]: the relative motion is mean + w · modes.
        displacement: the decoded motion [T, 2, 128, 128] in mm, to which it is relative.
        coordinates: ring coordinates of the end-diastolic wall.
        contours: the drawn contours.
        error_mm: standard deviation of a reader's errors.
    """
    center = moving_center(coordinates.center, wall_motion(displacement, coordinates, every=1)[1])
    relative = mean + np.tensordot(expected, modes, axes=1)
    precision, pull = np.diag(1 / variance), np.zeros(len(expected))
    for radii, thickens in ((contours.endo, True), (contours.epi, False)):
        drawn = contours.center[0] + radii[0] * np.exp(1j * _ANGLES)
        basis = coordinates.at(drawn).astype(np.float64)
        decoded = drawn + _displacement_at(displacement, drawn)
        carried = center + (decoded - center) * np.exp((relative - relative[:1]) @ basis)
        offset = carried - contours.center[:, None]
        reached = np.stack(
            [np.interp(np.angle(o), _ANGLES, r, period=2 * np.pi) for o, r in zip(offset, radii, strict=True)]
        )
        missed = (reached - np.abs(offset))[1:] @ _harmonics()
        turned = (carried - center) * np.conj(offset / np.abs(offset))
        stretch = (modes - modes[:, :1]) @ basis
        effect = np.real(turned * stretch)[:, 1:] @ _harmonics()
        for number, order in enumerate(_orders()):
            layer = (_LAYER_HARMONIC_MM if order else _LAYER_MM) if thickens else 0.0
            weight = np.linalg.inv(_reader_covariance(len(radii), order, error_mm) + _layer(contours, layer))
            weighted = effect[:, :, number] @ weight
            precision += weighted @ effect[:, :, number].T
            pull += weighted @ missed[:, number]
    return np.asarray(expected + np.linalg.solve(precision, pull))


def _displacement_at(displacement: Array, positions: Array) -> Array:
    """Displacement [T, 2, H, W] at complex positions [P], complex [T, P]."""
    height, width = displacement.shape[-2:]
    pixels = np.stack([(height - 1) / 2 - positions.imag, positions.real + (width - 1) / 2])
    x, y = (
        np.stack([ndimage.map_coordinates(frame[axis], pixels, order=1, mode="nearest") for frame in displacement])
        for axis in (0, 1)
    )
    return np.asarray(x - 1j * y)


@lru_cache(maxsize=1)
def _harmonics() -> Array:
    """[CONTOUR_ANGLES, 1 + 2·_HARMONICS]: from values at even angles to coefficients of 1, cos θ, sin θ, cos 2θ …"""
    columns = [np.ones(CONTOUR_ANGLES) / CONTOUR_ANGLES]
    for order in range(1, _HARMONICS + 1):
        columns += [2 * np.cos(order * _ANGLES) / CONTOUR_ANGLES, 2 * np.sin(order * _ANGLES) / CONTOUR_ANGLES]
    return np.stack(columns, axis=1)


def _orders() -> list[int]:
    return [(number + 1) // 2 for number in range(1 + 2 * _HARMONICS)]


@lru_cache(maxsize=64)
def _reader_covariance(frames: int, order: int, error_mm: float) -> Array:
    """Covariance [T−1, T−1] in mm² of one coefficient of a reader's errors less that at end-diastole."""
    share = np.exp(-0.5 * (np.arange(_HARMONICS + 1) / _SMOOTHNESS) ** 2)
    times = np.arange(frames) / frames
    apart = np.abs(times[:, None] - times)
    drift = (1 - _HABIT - _JITTER) * np.exp(-((np.sin(np.pi * apart) / (np.pi * _MEMORY)) ** 2))
    whole = drift + _JITTER * np.eye(frames)
    relative = whole[1:, 1:] - whole[1:, :1] - whole[:1, 1:] + whole[0, 0]
    variance = error_mm**2 * share[order] / share.sum()
    return np.asarray(variance * relative + _RASTER_MM**2 * np.eye(frames - 1))


def _layer(contours: RingContours, deviation_mm: float) -> Array:
    """Covariance [T−1, T−1] of a layer that is left out at end-diastole and drawn in proportion to the contraction."""
    area = np.square(contours.endo).mean(axis=1)
    contraction = np.clip((area[0] - area[1:]) / max(area[0] - area.min(), 1e-6), 0.0, 1.0)
    return np.asarray(deviation_mm**2 * np.outer(contraction, contraction))
