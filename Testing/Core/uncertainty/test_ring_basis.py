"""Ring coordinates and relative motion: orthonormal, exact for rotations, complete for the motions they represent."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.ring.motion_basis import (
    TERMS,
    RingCoordinates,
    added_displacement,
    moving_center,
    relative_motion,
    ring_basis,
)


def ring(center: tuple[float, float] = (60.0, 66.0), inner: float = 22.0, outer: float = 32.0) -> np.ndarray:
    rows, columns = np.mgrid[:128, :128]
    radius = np.hypot(rows - center[1], columns - center[0])
    return ((radius > inner) & (radius < outer)).astype(np.float32)


def wall_points(coordinates: RingCoordinates) -> np.ndarray:
    rows, columns = np.nonzero(coordinates.wall)
    return columns - 63.5 + 1j * (63.5 - rows)


def test_series_is_orthonormal_over_a_ring() -> None:
    depth, angle = np.meshgrid((np.arange(200) + 0.5) / 200, 2 * np.pi * np.arange(64) / 64)
    basis = ring_basis(depth.ravel(), angle.ravel())
    assert basis.shape[0] == TERMS
    np.testing.assert_allclose(basis @ basis.T / basis.shape[1], np.eye(TERMS), atol=1e-3)


def test_depth_rises_from_endocardium_to_epicardium() -> None:
    coordinates = RingCoordinates.of(ring())
    where = wall_points(coordinates)
    rows, columns = np.nonzero(coordinates.wall)
    expected = (np.abs(where - coordinates.center) - 22) / 10
    assert np.abs(coordinates.depth[rows, columns] - expected).max() < 0.15
    assert abs(coordinates.center - (60 - 63.5 + 1j * (63.5 - 66))) < 0.1


def test_a_turn_is_one_number_and_comes_back_exactly() -> None:
    coordinates = RingCoordinates.of(ring())
    where = wall_points(coordinates)
    basis = coordinates.at(where)
    guess = np.stack([where, where + 0.1 * (coordinates.center - where)])
    center = moving_center(coordinates.center, guess - where)
    true = center + (guess - center) * np.exp(1j * np.array([[0.0], [0.2]]))
    found = relative_motion(true, guess, center, basis)
    assert found[1, 0].imag == pytest.approx(0.2, abs=2e-4)
    assert np.abs(found[1, 1:]).max() < 2e-4 and np.abs(found[0]).max() < 1e-6
    back = guess + added_displacement(guess, center, found, basis)
    assert np.abs(back - true).max() < 0.01


def test_sideways_error_is_seen() -> None:
    coordinates = RingCoordinates.of(ring())
    where = wall_points(coordinates)
    basis = coordinates.at(where)
    true = where[None] + (1.5 - 0.5j)
    center = np.array([[coordinates.center]])
    found = relative_motion(true, where[None], center, basis)
    back = where + added_displacement(where[None], center, found, basis)
    assert np.abs(back - true).max() < 0.05


def test_basis_fades_far_from_the_wall() -> None:
    coordinates = RingCoordinates.of(ring(inner=15, outer=22))
    far = coordinates.center + np.array([22 + 29.0, 22 + 4.0])
    faded = coordinates.at(far)
    assert np.abs(faded[:, 0]).max() == 0 and faded[0, 1] == pytest.approx(1.0)


def test_an_open_ring_has_coordinates_too() -> None:
    open_ring = ring()
    open_ring[:, 60:] = 0
    coordinates = RingCoordinates.of(open_ring)
    assert (coordinates.depth == 0.5).all() and np.isfinite(coordinates.middle()).all()
    with pytest.raises(ValueError, match="no myocardium"):
        RingCoordinates.of(np.zeros((128, 128)))
