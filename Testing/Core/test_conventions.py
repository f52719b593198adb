"""One test per convention of the project, which fails if the convention is broken."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, SliceGrid, affine_2d, canonical_grid, vector_rotation
from LaMoDCore.strain import compute_strain, label_segments

#: Unit vectors of a real short-axis series: x × y points from apex to base.
REAL_X, REAL_Y = np.array([0.792067, 0.0, 0.610434]), np.array([0.377686, 0.785613, -0.490067])


def grid_of(
    x: np.ndarray, y: np.ndarray, shape: tuple[int, int] = (96, 96), spacing: tuple[float, float] = (1.0, 1.0)
) -> SliceGrid:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing[0], y * spacing[1], np.cross(x, y) * 8.0
    affine[:3, 3] = [10.0, -20.0, 30.0]
    return SliceGrid(shape, affine)


def ring(shape: tuple[int, int] = (96, 96), center: tuple[float, float] = (48.0, 47.0)) -> np.ndarray:
    rows, columns = np.indices(shape)
    radius = np.hypot(columns - center[0], rows - center[1])
    return (radius >= 24) & (radius < 33)


def test_displacement_channels_are_x_then_y_in_millimetres() -> None:
    """Stretching by 10 % along the columns only: E_xx = (1.1² − 1)/2 where x is the first channel."""
    dx, dy = 1.4, 2.0
    rows, columns = np.indices((96, 96))
    u = np.stack([0.1 * columns * dx, np.zeros((96, 96))])[None]
    strain = compute_strain(u, ring(), spacing_mm=(dx, dy))
    along_x = (np.abs(rows - 47) < 3) & ring() & (columns > 48)  # there the radial direction is x
    assert np.nanmean(strain.err[0][along_x]) == pytest.approx((1.1**2 - 1) / 2, abs=0.003)
    assert np.nanmean(strain.ecc[0][along_x]) == pytest.approx(0.0, abs=0.003)


def test_vectors_follow_the_direction_matrix_into_lps() -> None:
    grid = grid_of(REAL_X, REAL_Y, spacing=(1.4, 1.9))
    np.testing.assert_allclose(grid.vectors_to_lps([3.0, 0.0]), 3.0 * REAL_X, atol=1e-5)
    np.testing.assert_allclose(grid.vectors_to_lps([0.0, 2.0]), 2.0 * REAL_Y, atol=1e-5)
    np.testing.assert_allclose(grid.vectors_from_lps(grid.vectors_to_lps([1.5, -2.5])), [1.5, -2.5], atol=1e-9)
    moved = grid.pixel_to_lps([10.0, 20.0]) + grid.vectors_to_lps([1.4, 1.9])
    np.testing.assert_allclose(grid.lps_to_pixel(moved), [11.0, 21.0], atol=1e-5)


def test_angles_are_counter_clockwise_seen_from_the_apex_for_any_array() -> None:
    """The same rotation in the patient has the same sign in an array that is seen from the base."""
    usual, mirrored = grid_of(REAL_X, REAL_Y), grid_of(-REAL_X, REAL_Y)
    assert (usual.view_sign, mirrored.view_sign) == (1, -1)
    assert usual.normal @ BASE_TO_APEX_LPS < 0
    start, end = REAL_X, -REAL_Y  # x to the right, −y upwards: counter-clockwise on a screen seen from the apex
    for grid in (usual, mirrored):
        turn = grid.angles_from_apex(grid.vectors_from_lps(end)) - grid.angles_from_apex(grid.vectors_from_lps(start))
        assert np.mod(turn, 2 * np.pi) == pytest.approx(np.pi / 2, abs=1e-5)


def test_segments_run_counter_clockwise_from_the_anterior_insertion_seen_from_the_apex() -> None:
    for x in (REAL_X, -REAL_X):
        grid = grid_of(x, REAL_Y)
        mask = ring(center=(48.0, 47.0))
        insertion = grid.pixel_to_lps([48.0, 47.0]) - 33 * REAL_Y  # straight up on the usual screen
        segments = label_segments(mask, grid, "mid", insertion)

        def at(direction: np.ndarray, grid: SliceGrid = grid, labels: np.ndarray = segments.labels) -> int:
            column, row = np.rint(grid.lps_to_pixel(grid.pixel_to_lps([48.0, 47.0]) + 28 * direction)).astype(int)
            return int(labels[row, column])

        degrees = {
            n: -np.cos(np.deg2rad(60 * n - 30)) * REAL_Y - np.sin(np.deg2rad(60 * n - 30)) * REAL_X for n in range(1, 7)
        }
        assert [at(degrees[n]) for n in range(1, 7)] == [1, 2, 3, 4, 5, 6]
        assert segments.aha == (8, 9, 10, 11, 12, 7)
        assert segments.names[0] == "anteroseptal" and segments.names[-1] == "anterior"


def test_a_rigid_rotation_has_no_strain_and_shortening_is_negative() -> None:
    rows, columns = np.indices((96, 96)).astype(float)
    x, y = columns - 48, rows - 47
    angle = np.deg2rad(20)
    turn = np.stack([x * np.cos(angle) - y * np.sin(angle) - x, x * np.sin(angle) + y * np.cos(angle) - y])
    strain = compute_strain(np.stack([turn, -0.1 * np.stack([x, y])]), ring(), spacing_mm=(1.0, 1.0))
    for field in (strain.ecc, strain.err, strain.e1, strain.e2):
        assert np.nanmax(np.abs(field[0])) < 1e-4
    assert np.nanmean(strain.ecc[1]) == pytest.approx((0.9**2 - 1) / 2, abs=1e-4)
    assert np.nanmean(strain.jacobian[1]) == pytest.approx(0.81, abs=1e-4)
    assert (strain.e1 >= strain.e2)[np.isfinite(strain.e1)].all()


def test_the_canonical_grid_is_upright_right_handed_and_seen_from_the_apex() -> None:
    source = grid_of(-REAL_X, REAL_Y, spacing=(1.4, 1.4))
    canonical = canonical_grid(source, (40.0, 50.0))
    x, y = canonical.directions.T
    assert canonical.shape == (128, 128) and canonical.spacing_mm == pytest.approx((1.0, 1.0))
    assert x[0] > 0.7 and canonical.view_sign == 1 and abs(x @ y) < 1e-9
    assert np.abs(canonical.distance_mm(source.center_lps)) < 1e-6
    np.testing.assert_allclose(canonical.center_lps, source.pixel_to_lps([40.0, 50.0]), atol=1e-6)
    matrix, offset = affine_2d(source, canonical)
    np.testing.assert_allclose(matrix @ [40.0, 50.0] + offset, [63.5, 63.5], atol=1e-6)
    np.testing.assert_allclose(vector_rotation(source, canonical) @ source.vectors_from_lps(x), [1.0, 0.0], atol=1e-5)
