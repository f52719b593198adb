"""Correction of the expected motion by the fit of the carried contours, on rings whose motion is known."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.canonical import FRAMES, SIZE
from LaMoDCore.heart.ring.motion_basis import TERMS, RingCoordinates
from LaMoDCore.networks.contour_fit import fitted_code
from LaMoDCore.networks.ring_contours import CONTOUR_ANGLES, RingContours

AMOUNT = np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
STILL = np.zeros((FRAMES, TERMS), dtype=complex)


def ring() -> RingCoordinates:
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    radius = np.hypot(x, y)
    return RingCoordinates.of(((radius > 22) & (radius < 31)).astype(np.float32))


def modes() -> np.ndarray:
    """An even contraction, a contraction of one side, and a rotation, which contours do not show."""
    found = np.zeros((3, FRAMES, TERMS), dtype=complex)
    found[0, :, 0], found[1, :, 1], found[2, :, 0] = -0.1 * AMOUNT, -0.1 * AMOUNT, 0.1j * AMOUNT
    return found


def contours(code: np.ndarray, endo: float = 22.0) -> RingContours:
    """The contours of a ring that moves by `code`."""
    angles = 2 * np.pi * np.arange(CONTOUR_ANGLES) / CONTOUR_ANGLES
    stretch = np.exp(-0.1 * AMOUNT[:, None] * (code[0] + code[1] * np.sqrt(2) * np.cos(angles)))
    return RingContours(np.zeros(FRAMES, dtype=complex), endo * stretch, 31.0 * stretch)


def fitted(true: np.ndarray, error_mm: float, expected: np.ndarray | None = None, variance: float = 1.0) -> np.ndarray:
    still = np.zeros((FRAMES, 2, SIZE, SIZE), dtype=np.float32)
    start = np.zeros(3) if expected is None else expected
    return fitted_code(start, np.full(3, variance), STILL, modes(), still, ring(), contours(true), error_mm)


def test_a_reader_without_errors_shows_the_contraction_but_not_the_rotation() -> None:
    found = fitted(np.array([0.8, -0.5, 0.0]), error_mm=0.01)
    assert found == pytest.approx([0.8, -0.5, 0.0], abs=0.08)


def test_the_larger_the_errors_the_smaller_the_correction() -> None:
    sizes = [float(np.abs(fitted(np.array([0.8, -0.5, 0.0]), error_mm=error)).sum()) for error in (0.1, 2.0, 50.0)]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] < 0.1


def test_a_certain_expectation_is_kept_and_one_that_fits_is_not_changed() -> None:
    true = np.array([0.8, -0.5, 0.0])
    assert np.abs(fitted(true, error_mm=1.0, variance=1e-8)).max() < 1e-4
    assert fitted(true, error_mm=1.0, expected=true) == pytest.approx(true, abs=0.03)


def test_contours_at_end_diastole_that_err_in_every_frame_alike_change_little() -> None:
    """A wall that is drawn too large throughout moves the carried contours as much as the drawn ones."""
    still = np.zeros((FRAMES, 2, SIZE, SIZE), dtype=np.float32)
    drawn = contours(np.zeros(3), endo=20.0)
    found = fitted_code(np.zeros(3), np.ones(3), STILL, modes(), still, ring(), drawn, 1.0)
    assert np.abs(found).max() < 1e-6
