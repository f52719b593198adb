"""The spatial description compared with a closed-form map."""

from __future__ import annotations

import numpy as np
import pytest
from contracting_heart import ENDO_MM, EPI_MM, analytic_motion, contracting_heart, short_axis_grid

from LaMoDCore.heart.spatial import deformed_wall, material_coordinates, push_forward


@pytest.fixture(scope="module")
def moved():
    grid = short_axis_grid(spacing=(1.4, 1.2), shape=(110, 100))
    motion, fields, wall, _ = analytic_motion(grid)
    return grid, motion, fields, wall, material_coordinates(motion, wall, grid.spacing_mm)


def _radius_mm(grid, xy):
    dx, dy = grid.spacing_mm
    return np.hypot((xy[..., 0] - (grid.shape[1] - 1) / 2) * dx, (xy[..., 1] - (grid.shape[0] - 1) / 2) * dy)


def test_no_motion_changes_nothing(moved):
    grid, motion, fields, wall, _ = moved
    where = material_coordinates(np.zeros_like(motion[:2]), wall, grid.spacing_mm)
    spatial = push_forward(fields["ecc"][9:11], where, wall)
    np.testing.assert_array_equal(np.isfinite(spatial[0]), wall)
    np.testing.assert_allclose(spatial[:, wall], fields["ecc"][9:11][:, wall], atol=1e-6)


def test_material_points_are_those_of_the_inverse_map(moved):
    grid, _, _, _, where = moved
    rows, columns = np.nonzero(np.isfinite(where[9, 0]))
    now = _radius_mm(grid, np.stack([columns, rows], axis=-1))
    before = _radius_mm(grid, where[9][:, rows, columns].T)
    w = np.sin(np.pi / 2 * (9 / 25 / 0.38)) ** 2
    inner, jacobian = ENDO_MM * (1 - 0.28 * w), 1 + 0.18 * w
    expected = np.sqrt((now**2 - inner**2) / jacobian + ENDO_MM**2)
    middle = (expected > ENDO_MM + 1.5) & (expected < EPI_MM - 1.5)
    assert middle.sum() > 500
    np.testing.assert_allclose(before[middle], expected[middle], atol=0.05)


def test_strain_lies_where_the_wall_is_now(moved):
    grid, _, fields, wall, where = moved
    spatial = push_forward(fields["ecc"], where, wall)
    area = np.isfinite(spatial).sum(axis=(1, 2))
    jacobian = np.nanmean(fields["jacobian"], axis=(1, 2))
    np.testing.assert_allclose(area / wall.sum(), jacobian, rtol=0.08)
    now = _radius_mm(grid, np.stack(np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[0])), axis=-1))
    covered = now[np.isfinite(spatial[9])]
    assert covered.min() < ENDO_MM - 4  # the cavity has shrunk
    # the endocardium shortens more than the epicardium
    inside = np.isfinite(spatial[9])
    assert (
        spatial[9][inside & (now < now[inside].min() + 2)].mean()
        < spatial[9][inside & (now > now[inside].max() - 2)].mean() - 0.05
    )


def test_a_field_unknown_in_places_stays_unknown_there(moved):
    _, _, fields, wall, where = moved
    field = fields["ecc"].copy()
    field[:, :, : field.shape[2] // 2] = np.nan
    spatial = push_forward(field, where, wall)
    assert np.isnan(spatial[9][:, : field.shape[2] // 2 - 6]).all()
    assert np.isfinite(spatial[9][:, field.shape[2] // 2 + 6 :]).any()


def test_an_empty_wall_gives_an_empty_field():
    assert np.isnan(material_coordinates(np.zeros((3, 2, 5, 6)), np.zeros((5, 6), bool), (1.0, 1.0))).all()


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="displacement_mm must be"):
        material_coordinates(np.zeros((3, 2, 5, 7)), np.zeros((5, 6), bool), (1.0, 1.0))


def test_wall_at_the_image_border_is_handled():
    result = contracting_heart(grids=[short_axis_grid(shape=(46, 46), spacing=(1.4, 1.4))])
    strain, grid = result.slices[0], result.case.slices[0].grid
    where = material_coordinates(strain.displacement_mm, strain.myocardium, grid.spacing_mm)
    assert np.isfinite(where[9]).any()


def test_a_wall_that_is_empty_has_no_values():
    displacement = np.zeros((3, 2, 8, 9), dtype=np.float32)
    empty = np.zeros((8, 9), dtype=bool)
    where = material_coordinates(displacement, empty, (1.0, 1.0))
    assert np.isnan(push_forward(np.zeros((3, 8, 9), dtype=np.float32), where, empty)).all()
    assert deformed_wall(displacement, empty, (1.0, 1.0)).values(np.zeros((3, 8, 9)), empty).size == 0
