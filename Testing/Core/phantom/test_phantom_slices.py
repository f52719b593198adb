"""Slices in patient coordinates: masks, grids, insertion point, through-plane motion."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.phantom import sample_subject
from LaMoDCore.strain import compute_strain

PHASES = np.array([0.0, 0.2, 0.35, 0.6])


def oblique_grid(plane, spacing: tuple[float, float] = (1.3, 1.7)) -> SliceGrid:  # type: ignore[no-untyped-def]
    """In the slice's plane, rotated by 40°, anisotropic and seen from the base (columns mirrored)."""
    angle = np.deg2rad(40.0)
    x, y = plane.grid.directions.T
    columns = -(np.cos(angle) * x + np.sin(angle) * y)
    rows = np.cos(angle) * y - np.sin(angle) * x
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = columns * spacing[0], rows * spacing[1]
    affine[:3, 2] = np.cross(columns, rows) * 8
    affine[:3, 3] = plane.parameters.center_lps - columns * 65 - rows * 65
    return SliceGrid((80, 100), affine)


def test_masks_of_the_tissue_are_the_carried_wall() -> None:
    plane = sample_subject(21, "infarct").slices()[1]
    xy = plane.points_of(plane.grid)
    masks = plane.masks(PHASES, material=True)
    moved = xy[masks[0]] + plane.displacement_mm(PHASES, xy[masks[0]])
    contours = plane.contours(PHASES, material=True)
    for frame in range(PHASES.size):
        endo, epi = contours.signed_distances(frame, moved[frame])
        assert endo.max() < 2e-2
        assert epi.min() > -2e-2
    area = (contours.epi**2 - contours.endo**2).mean(1)
    jacobian = plane.strain(PHASES, xy[masks[0]]).jacobian.mean(1)
    assert np.abs(area / area[0] - jacobian).max() < 0.006
    assert jacobian[2] > 1.03


def test_a_fixed_plane_cuts_wider_tissue_from_the_base() -> None:
    """Through-plane motion: at mid level the heart tapers, so the fixed plane shows less contraction."""
    found = False
    for seed in range(20):
        subject = sample_subject(seed, "healthy")
        if subject.slice_following < 0.5:
            continue
        found = True
        plane = subject.slices()[2]
        followed, fixed = plane.contours(PHASES, material=True), plane.contours(PHASES)
        assert np.allclose(followed.epi[0], fixed.epi[0])
        assert fixed.epi[2].mean() > followed.epi[2].mean() + 0.2
    assert found


def test_motion_is_the_same_on_every_grid_of_the_plane() -> None:
    plane = sample_subject(5, "healthy").slices()[0]
    grid = oblique_grid(plane)
    on_grid = grid.vectors_to_lps(np.moveaxis(plane.displacement_on(PHASES, grid), 1, -1))
    xy = plane.points_of(grid)
    direct = plane.grid.vectors_to_lps(plane.displacement_mm(PHASES, xy))
    assert np.allclose(on_grid, direct, atol=1e-9)
    area = plane.masks(PHASES, grid).sum((1, 2)) * 1.3 * 1.7
    assert np.allclose(area, plane.masks(PHASES).sum((1, 2)), rtol=0.03)


def test_the_heart_has_a_realistic_position_and_orientation() -> None:
    angles = []
    for seed in range(20):
        plane = sample_subject(seed).slices()[1]
        assert plane.grid.axis_cosine > 0.8
        assert np.allclose(plane.grid.lps_to_pixel(plane.rv_insertion_lps) - 63.5, plane.rv_insertion_xy, atol=6)
        _, epi = plane.contours([0.0]).signed_distances(0, plane.rv_insertion_xy[None])
        assert np.abs(epi).max() < 1e-2
        angles.append(np.rad2deg(plane.grid.angles_from_apex(plane.rv_insertion_xy)))
    assert 120 < np.mean(angles) < 150  # upper left of a picture seen from the apex


def test_the_strain_code_agrees_with_the_closed_form() -> None:
    """Mean over the wall and over sectors, on the pixels of frame 0, from displacement alone."""
    for seed, disease in ((1, "healthy"), (2, "hcm"), (3, "infarct")):
        for plane in sample_subject(seed, disease).slices()[1:]:
            wall = plane.masks([0.0])[0]
            measured = compute_strain(
                plane.displacement_on(PHASES, plane.grid).astype(np.float32), wall, spacing_mm=(1.0, 1.0)
            )
            xy = plane.points_of(plane.grid)[wall]
            truth = plane.strain(PHASES, xy)
            sector = np.floor(np.mod(np.arctan2(-xy[:, 1], xy[:, 0]), 2 * np.pi) / (np.pi / 3)).astype(int)
            difference = np.asarray(measured.ecc)[:, wall] - truth.ecc
            assert np.abs(np.nanmean(difference, 1)).max() < 0.003
            if plane.level == "apex":  # six sectors of an apex hold few pixels
                continue
            by_sector = [np.abs(np.nanmean(difference[:, sector == k], 1)).max() for k in range(6)]
            assert max(by_sector) < 0.003
