"""Volumes, mass and thickness against closed forms and against a plain voxel count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.contours.lv_function import read_clinical, read_patients, row_of
from LaMoDCore.function import VentricleSlice, left_ventricular_function, volume_curve, wall_thickness
from LaMoDCore.function.summation import slice_heights_mm
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid

DATA = Path(__file__).resolve().parents[3] / "../shared/data/masks_cmr_seg_tl"
FRAMES = 20
RR_MS = 900.0


def grid_at(depth_mm: float, pixel_mm: float = 0.5, size: int = 160, spacing_mm: float = 8.0) -> SliceGrid:
    affine = np.diag([pixel_mm, pixel_mm, spacing_mm, 1.0])
    affine[2, 3] = -depth_mm
    return SliceGrid((size, size), affine)


def disc(grid: SliceGrid, radius_mm: float) -> np.ndarray:
    y, x = np.indices(grid.shape)
    center = (np.array(grid.shape) - 1) / 2
    return np.hypot(y - center[0], x - center[1]) * grid.spacing_mm[0] <= radius_mm


def ventricle(radius_mm, depths_mm, spacing_mm: float = 8.0, wall_mm: float = 8.0) -> list[VentricleSlice]:
    """Slices of a body whose blood pool has radius `radius_mm(depth, frame)`; 0 where there is none."""
    slices = []
    for depth in depths_mm:
        grid = grid_at(depth, spacing_mm=spacing_mm)
        radii = [radius_mm(depth, frame) for frame in range(FRAMES)]
        pools = np.stack([disc(grid, r) if r > 0 else np.zeros(grid.shape, bool) for r in radii])
        walls = np.stack([disc(grid, r + wall_mm) if r > 0 else np.zeros(grid.shape, bool) for r in radii]) & ~pools
        slices.append(VentricleSlice(grid, pools, walls, np.arange(FRAMES) * RR_MS / FRAMES, RR_MS))
    return slices


def half_ellipsoid_radius(length_mm: float, base_radius_mm: float, shortening: float):
    def radius(depth: float, frame: int) -> float:
        scale = 1 - shortening * np.sin(np.pi * frame / FRAMES) ** 2
        inside = 1 - (depth / length_mm) ** 2
        return float(base_radius_mm * scale * np.sqrt(inside)) if inside > 0 else 0.0

    return radius


def test_a_half_ellipsoid_has_its_closed_form_volume():
    depths = np.arange(4.0, 88.0, 8.0)
    slices = ventricle(half_ellipsoid_radius(88.0, 25.0, 0.3), depths)
    found = left_ventricular_function(slices)
    exact = 2 / 3 * np.pi * 25.0**2 * 88.0 / 1000
    assert found.incomplete == ""
    assert found.edv_ml == pytest.approx(exact, rel=0.01)
    assert found.esv_ml == pytest.approx(exact * 0.49, rel=0.01)
    assert found.ef == pytest.approx(0.51, abs=0.005)
    assert found.cardiac_output_l_min == pytest.approx(exact * 0.51 * 60 / 900, rel=0.02)


def test_a_cylinder_with_a_gap_between_its_slices():
    depths = [0.0, 8.0, 16.0, 32.0, 40.0, 48.0]
    slices = ventricle(lambda depth, frame: 20.0, depths)
    assert slice_heights_mm([s.grid for s in slices]).sum() == pytest.approx(56.0)
    assert volume_curve(slices)[0] == pytest.approx(np.pi * 20.0**2 * 56.0 / 1000, rel=0.01)


def test_mass_is_that_of_the_wall_at_end_diastole():
    slices = ventricle(half_ellipsoid_radius(88.0, 25.0, 0.3), np.arange(4.0, 88.0, 8.0))
    wall = sum(float(s.myocardium_mm2[0]) * 8.0 for s in slices) / 1000
    assert left_ventricular_function(slices).mass_g == pytest.approx(1.05 * wall)


def test_rates_are_those_of_the_volume_curve():
    slices = ventricle(half_ellipsoid_radius(88.0, 25.0, 0.3), np.arange(4.0, 88.0, 8.0))
    found = left_ventricular_function(slices)
    time = np.linspace(0, 1, 2001)
    curve = found.edv_ml * (1 - 0.3 * np.sin(np.pi * time) ** 2) ** 2
    exact = np.abs(np.gradient(curve, time)).max() / (RR_MS / 1000)
    assert found.peak_ejection_rate_ml_s == pytest.approx(exact, rel=0.03)
    assert found.peak_filling_rate_ml_s == pytest.approx(exact, rel=0.03)


def test_a_basal_slice_that_leaves_the_ventricle_counts_where_it_holds_blood():
    radius = half_ellipsoid_radius(88.0, 25.0, 0.3)
    slices = ventricle(lambda d, f: 0.0 if d < 8 and 5 <= f <= 15 else radius(d, f), np.arange(4.0, 88.0, 8.0))
    whole = left_ventricular_function(ventricle(radius, np.arange(4.0, 88.0, 8.0)))
    found = left_ventricular_function(slices)
    assert found.edv_ml == pytest.approx(whole.edv_ml)
    assert found.esv_ml < whole.esv_ml


@pytest.mark.parametrize(
    ("depths", "radius", "reason"),
    [
        ([0.0, 8.0, 16.0], 20.0, "at least 5 slices"),
        (np.arange(0.0, 80.0, 8.0), 20.0, "the apex is missing"),
        ([0.0, 8.0, 16.0, 40.0, 48.0, 56.0], 20.0, "24 mm apart"),
        (np.arange(0.0, 35.0, 7.0), 20.0, "less than a ventricle"),
    ],
)
def test_a_stack_that_misses_a_part_has_a_reason_and_no_volumes(depths, radius, reason):
    found = left_ventricular_function(ventricle(lambda depth, frame: radius, depths, spacing_mm=depths[1]))
    assert reason in found.incomplete
    assert found.edv_ml is None and found.ef is None and found.mass_g is None
    assert len(found.volume_ml) == FRAMES


def test_two_slices_in_one_plane_are_refused():
    with pytest.raises(ValueError, match="one plane"):
        volume_curve(ventricle(lambda depth, frame: 20.0, [0.0, 8.0, 8.1, 16.0]))


def test_thickness_of_a_ring_by_segment():
    grid = grid_at(0.0)
    radius, wall = np.array([20.0, 15.0]), np.array([8.0, 11.0])
    rings = np.stack([disc(grid, r + w) & ~disc(grid, r) for r, w in zip(radius, wall, strict=True)])
    slice_ = CineSlice("ring", grid, rings, np.array([0.0, 300.0]), RR_MS, level="mid")
    segments = wall_thickness(slice_, 0, 1)
    assert [s.aha for s in segments] == [8, 9, 10, 11, 12, 7]
    for segment in segments:
        assert segment.ed_mm == pytest.approx(8.0, abs=0.15)
        assert segment.thickening == pytest.approx(3 / 8, abs=0.03)


def test_thickness_of_an_open_ring_is_unknown():
    grid = grid_at(0.0)
    ring = disc(grid, 28.0) & ~disc(grid, 20.0)
    ring[:, :80] = False
    slice_ = CineSlice("ring", grid, np.stack([ring, ring]), np.array([0.0, 300.0]), RR_MS)
    assert all(np.isnan(s.ed_mm) and np.isnan(s.thickening) for s in wall_thickness(slice_, 0, 1))


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real masks, which are not part of the project")
def test_volumes_of_real_masks_are_a_plain_voxel_count():
    patients = {patient.name: patient for patient in read_patients(DATA)}
    assert len(patients) == 9
    for patient in patients.values():
        assert set(np.unique(patient.labels)) <= {0, 1, 2}
        np.testing.assert_allclose(volume_curve(patient.slices()), patient.counted_ml, rtol=1e-9)
    edv, clinical_edv, esv, clinical_esv, ef, clinical_ef = row_of(patients["98"], read_clinical(DATA)["98"])[3:9]
    assert (edv, esv, ef) == ("212 (0)", "113 (8)", "0.47")
    assert (clinical_edv, clinical_esv, clinical_ef) == ("208", "94", "0.55")
