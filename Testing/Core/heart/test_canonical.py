"""The canonical grid and cycle, and the way back: positions, vectors, times."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.canonical import (
    FRAMES,
    SIZE,
    cycle_phases,
    displacement_to_source,
    periodic_weights,
    to_canonical,
)
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid, affine_2d, vector_rotation
from LaMoDCore.runtime.errors import LaMoDInputError


def oblique_grid(
    shape: tuple[int, int], spacing: tuple[float, float], *, flip_x: bool = False, turn: float = 0.0
) -> SliceGrid:
    """A short-axis plane of the heart's usual obliquity, with its pixel axes rotated or mirrored in the plane."""
    normal = np.array([-0.48, 0.62, 0.62])
    normal /= np.linalg.norm(normal)
    x = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    x /= np.linalg.norm(x)
    y = np.cross(normal, x)
    x, y = np.cos(turn) * x + np.sin(turn) * y, -np.sin(turn) * x + np.cos(turn) * y
    if flip_x:
        x = -x
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing[0], y * spacing[1], normal * 8.0
    affine[:3, 3] = np.array([20.0, -40.0, 60.0]) - affine[:3, 0] * shape[1] / 2 - affine[:3, 1] * shape[0] / 2
    return SliceGrid(shape, affine)


def ring_slice(grid: SliceGrid, frames: int = 25, times: np.ndarray | None = None, roll: int = 0) -> CineSlice:
    """A contracting annulus, radii 24–33 mm at end-diastole, drawn on the grid's pixels."""
    x, y = grid.pixel_centers_mm()
    dx, dy = grid.spacing_mm
    radius = np.hypot(x - (grid.shape[1] // 2 + 3) * dx, y - (grid.shape[0] // 2 - 2) * dy)
    times = np.arange(frames) * 32.0 if times is None else times
    amount = 0.5 - 0.5 * np.cos(2 * np.pi * np.roll(np.arange(frames), roll) / frames)
    masks = np.stack([(radius > 24 - 6 * a) & (radius < 33 - 2.0 * a) for a in amount])
    return CineSlice("ring", grid, masks, times, 32.0 * frames)


@pytest.mark.parametrize("flip_x", [False, True])
@pytest.mark.parametrize("turn", [0.0, 0.7, 2.0])
def test_round_trip_of_affine_motion_within_a_fiftieth_of_a_millimetre(flip_x: bool, turn: float) -> None:
    grid = oblique_grid((150, 110), (1.2, 1.9), flip_x=flip_x, turn=turn)
    slice_ = ring_slice(grid)
    canonical = to_canonical(slice_)
    matrix = np.array([[-0.15, 0.06], [-0.02, -0.12]])
    shift = np.array([1.5, -2.0])

    def motion(xy_mm: np.ndarray, phase: np.ndarray) -> np.ndarray:
        amount = 0.5 - 0.5 * np.cos(2 * np.pi * phase) + 0.2 * (0.5 - 0.5 * np.cos(4 * np.pi * phase))
        return amount[:, None, None, None] * (xy_mm @ matrix.T + shift)

    own_x, own_y = grid.pixel_centers_mm()
    center_mm = np.array([own_x.mean(), own_y.mean()])
    truth = motion(np.stack([own_x, own_y], -1) - center_mm, slice_.phases)

    # The same motion on the canonical grid: positions by pixel coordinates, vectors by the axes.
    to_own, offset = affine_2d(canonical.grid, grid)
    columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    own_mm = (np.stack([columns, rows], -1) @ to_own.T + offset) * np.array(grid.spacing_mm)
    on_canonical = motion(own_mm - center_mm, np.arange(FRAMES) / FRAMES) @ vector_rotation(grid, canonical.grid).T

    back = displacement_to_source(np.moveaxis(on_canonical, -1, 1), canonical)
    wall = slice_.myocardium[0]
    error = np.linalg.norm(np.moveaxis(back, 1, -1) - truth, axis=-1)[:, wall]
    assert np.abs(truth).max() > 5.0
    assert error.max() < 0.02


def test_the_canonical_image_does_not_depend_on_the_export() -> None:
    reference = to_canonical(ring_slice(oblique_grid((160, 160), (1.0, 1.0)))).occupancy
    for flip_x, turn in [(True, 0.0), (False, 0.9), (True, 2.5)]:
        other = to_canonical(ring_slice(oblique_grid((160, 160), (1.0, 1.0), flip_x=flip_x, turn=turn)))
        assert other.grid.view_sign == 1
        np.testing.assert_allclose(other.grid.directions, to_canonical_directions(), atol=1e-9)
        assert np.abs(other.occupancy.sum() / reference.sum() - 1) < 0.01


def to_canonical_directions() -> np.ndarray:
    return to_canonical(ring_slice(oblique_grid((160, 160), (1.0, 1.0)))).grid.directions


def test_masks_keep_their_area_through_the_signed_distance() -> None:
    grid = oblique_grid((140, 120), (1.4, 1.8))
    slice_ = ring_slice(grid, frames=30)
    canonical = to_canonical(slice_)
    drawn = slice_.myocardium[0].sum() * 1.4 * 1.8
    assert canonical.occupancy[0].sum() == pytest.approx(drawn, rel=0.03)
    assert canonical.occupancy.shape == (FRAMES, SIZE, SIZE)


def test_a_cine_that_starts_elsewhere_is_rolled_to_end_diastole() -> None:
    grid = oblique_grid((140, 140), (1.2, 1.2))
    usual = to_canonical(ring_slice(grid), 0).occupancy
    rolled = to_canonical(ring_slice(grid, roll=7), 7).occupancy
    np.testing.assert_allclose(rolled, usual, atol=1e-4)


@pytest.mark.parametrize("frames", [8, 12, 25, 40, 75])
def test_round_trip_in_time(frames: int) -> None:
    own = (np.arange(frames) / frames) ** 1.05
    canonical = np.arange(FRAMES) / FRAMES
    curve = np.cos(2 * np.pi * own)
    there = periodic_weights(own, canonical) @ curve
    np.testing.assert_allclose(there, np.cos(2 * np.pi * canonical), atol=0.02)
    np.testing.assert_allclose(periodic_weights(canonical, own) @ np.cos(2 * np.pi * canonical), curve, atol=1e-4)
    np.testing.assert_allclose(periodic_weights(own, canonical).sum(axis=1), 1.0, atol=1e-9)


def test_a_gap_in_the_frames_is_interpolated_without_overshoot() -> None:
    covered = np.arange(20) * 0.02
    values = np.sin(np.pi * covered / 0.4)
    bridged = periodic_weights(covered, np.linspace(0.4, 0.99, 30)) @ values
    assert bridged.min() > -1e-9 and bridged.max() < values.max()


def test_a_ventricle_larger_than_the_image_is_refused_with_its_size() -> None:
    with pytest.raises(LaMoDInputError, match="does not fit"):
        to_canonical(
            ring_slice(oblique_grid((160, 160), (4.0, 4.0))).__class__(
                "big",
                oblique_grid((160, 160), (4.0, 4.0)),
                ring_slice(oblique_grid((160, 160), (1.0, 1.0))).myocardium,
                np.arange(25) * 32.0,
                800.0,
            )
        )


def test_phases_run_forwards_from_the_reference_frame() -> None:
    assert cycle_phases(np.array([0.0, 100.0, 200.0]), 400.0, 1) == pytest.approx([0.75, 0.0, 0.25])


def test_between_two_frames_the_nearer_one_weighs_more() -> None:
    assert periodic_weights([0.0, 0.1, 0.2], [0.125])[0] == pytest.approx([0.0, 0.75, 0.25])
