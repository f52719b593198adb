"""Planes of two scans are matched by distance and angle, and the shift of the heart between them is estimated."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_study import moved, short_axis_grid

from LaMoDCore.pairing.planes import center_lps, match_planes, on_plane, plane_offset, shift_lps

GRID = short_axis_grid(40, 2.0)
HEART = GRID.center_lps


def stack(*depths_mm: float) -> list:
    return [moved(GRID, depth) for depth in depths_mm]


def matched(first: list, second: list) -> list[tuple[int, int]]:
    return [(m.first, m.second) for m in match_planes(first, second, [grid.center_lps for grid in first])]


def test_planes_within_two_millimetres_and_five_degrees_match() -> None:
    assert matched(stack(0), stack(1.9)) == [(0, 0)]
    assert matched(stack(0), stack(2.1)) == []
    assert matched(stack(0), [moved(GRID, tilt_deg=4.8)]) == [(0, 0)]
    assert matched(stack(0), [moved(GRID, tilt_deg=5.2)]) == []


def test_distance_is_measured_at_the_heart_and_not_at_the_corner_of_the_image() -> None:
    other = moved(GRID, along_mm=1.5, x_mm=60.0, tilt_deg=3.0)
    distance, angle = plane_offset(GRID, other, HEART)
    assert distance == pytest.approx(1.5, abs=0.05)
    assert angle == pytest.approx(3.0, abs=1e-6)
    far = HEART + 100.0 * GRID.directions[:, 1]
    assert abs(plane_offset(GRID, other, far)[0]) > 5.0


def test_as_many_pairs_as_possible_are_formed() -> None:
    # the nearest pairs first would leave one plane of each scan alone
    assert matched(stack(0.0, 2.8), stack(1.5, 4.4)) == [(0, 0), (1, 1)]
    assert matched(stack(0, 10, 20), stack(20.5, 9.5)) == [(1, 1), (2, 0)]


def test_mirrored_exports_of_a_plane_match() -> None:
    affine = np.array(GRID.ijk_to_lps)
    affine[:3, 3] += affine[:3, 0] * (GRID.shape[1] - 1)
    affine[:3, 0] *= -1
    affine[:3, 2] *= -1
    assert matched(stack(0), [type(GRID)(GRID.shape, affine)]) == [(0, 0)]


def test_the_shift_lies_in_the_plane_and_does_not_depend_on_the_pixels() -> None:
    def ring(grid, x_mm: float, y_mm: float):
        x, y = grid.pixel_centers_mm()
        middle = 0.5 * (np.array(grid.shape[::-1]) - 1) * grid.spacing_mm
        radius = np.hypot(x - middle[0] - x_mm, y - middle[1] - y_mm)
        return (radius > 12) & (radius < 20)

    other = moved(short_axis_grid(50, 1.7), along_mm=1.3)
    shift = shift_lps(ring(GRID, 0, 0), GRID, ring(other, 3.0, -2.0), other)
    assert shift @ GRID.normal == pytest.approx(0.0, abs=1e-9)
    assert GRID.vectors_from_lps(shift) == pytest.approx([3.0, -2.0], abs=0.1)
    assert center_lps(ring(GRID, 0, 0), GRID) == pytest.approx(HEART, abs=0.1)


def test_a_point_is_projected_onto_a_plane() -> None:
    point = HEART + 4.0 * GRID.directions[:, 0] + 7.0 * GRID.normal
    assert on_plane(point, GRID) == pytest.approx(HEART + 4.0 * GRID.directions[:, 0])
