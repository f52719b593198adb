"""Rings from class probabilities: exact radii, gaps filled from neighbouring frames, refusals with reasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from LaMoDCore.contours.automatic.engine import PixelRange
from LaMoDCore.contours.automatic.network_grid import NetworkGrid, network_grid
from LaMoDCore.contours.automatic.rays import ANGLES
from LaMoDCore.contours.automatic.rings import rasterise
from LaMoDCore.contours.automatic.slice_contours import UNSURE, contours_of
from LaMoDCore.heart.ring.mask import is_closed_ring

PIXEL_MM = 1.4
SHAPE = (128, 128)
FRAMES = 20
GRID = NetworkGrid(SHAPE, PIXEL_MM, (0.0, 0.0), (1.0, 1.0))


def radii(frame: int) -> tuple[float, float]:
    endo = 24.0 - 8.0 * np.sin(np.pi * frame / FRAMES) ** 2
    return endo, float(np.sqrt(endo**2 + 33.0**2 - 24.0**2))


def probabilities(endo=None, epi=None, center=(70.3, 60.8), blur: float = 0.8) -> np.ndarray:
    """[T, 4, H, W]: a ring with soft edges."""
    y, x = np.indices(SHAPE)
    distance = np.hypot(x - center[0], y - center[1]) * PIXEL_MM
    found = np.zeros((FRAMES, 4, *SHAPE), dtype=np.float32)
    for frame in range(FRAMES):
        inner, outer = radii(frame)
        inner, outer = inner if endo is None else endo[frame], outer if epi is None else epi[frame]
        found[frame, 3] = distance < inner
        found[frame, 2] = (distance >= inner) & (distance < outer)
        found[frame, 0] = distance >= outer
    return ndimage.gaussian_filter(found, (0, 0, blur, blur))


def contours(probability: np.ndarray):
    return contours_of(probability, np.ones(FRAMES), GRID, SHAPE, (PIXEL_MM, PIXEL_MM))


def test_radii_of_a_beating_ring_are_found_in_every_frame():
    found = contours(probabilities())
    assert found.verdict == "used"
    for frame in range(FRAMES):
        endo, epi = radii(frame)
        np.testing.assert_allclose(found.rings.endo.radius_mm[frame], endo, atol=0.7)
        np.testing.assert_allclose(found.rings.epi.radius_mm[frame], epi, atol=0.7)
        assert is_closed_ring(found.myocardium[frame])
        area = np.pi * endo**2 / PIXEL_MM**2
        assert found.cavity[frame].sum() == pytest.approx(area, rel=0.06)
    assert not (found.myocardium & found.cavity).any()
    assert (found.confidence >= 0.9).all()
    assert found.frame_reasons == ("",) * FRAMES


def test_end_systole_is_not_smoothed_away():
    found = contours(probabilities())
    smallest = found.rings.endo.radius_mm.mean(axis=1).min()
    assert smallest == pytest.approx(16.0, abs=0.4)


def test_a_frame_that_the_network_missed_follows_its_neighbours():
    probability = probabilities()
    probability[7] = 0
    probability[7, 0] = 1
    found = contours(probability)
    endo, _ = radii(7)
    assert is_closed_ring(found.myocardium[7])
    assert found.rings.endo.radius_mm[7].mean() == pytest.approx(endo, abs=1.5)
    assert found.confidence[7] < UNSURE
    assert found.frame_reasons[7]
    assert found.verdict == "used"


def test_papillary_muscles_inside_the_cavity_do_not_end_it():
    probability = probabilities()
    y, x = np.indices(SHAPE)
    muscle = np.hypot(x - 78, y - 64) < 3
    probability[:, 3, muscle], probability[:, 2, muscle] = 0.1, 0.9
    np.testing.assert_allclose(contours(probability).rings.endo.radius_mm[0], radii(0)[0], atol=0.8)


def test_an_island_beside_the_ventricle_is_not_taken_for_it():
    probability = probabilities()
    probability[:, 3, 5:15, 5:15] = 1.0
    found = contours(probability)
    assert not found.cavity[:, :20, :20].any()
    np.testing.assert_allclose(found.rings.epi.radius_mm[0], radii(0)[1], atol=0.8)


def test_an_open_wall_counts_for_volumes_only():
    probability = probabilities()
    y, x = np.indices(SHAPE)
    gap = np.abs(np.degrees(np.arctan2(y - 60.8, x - 70.3))) < 50
    probability[:, 0, gap] += probability[:, 2, gap]
    probability[:, 2, gap] = 0
    found = contours(probability)
    assert found.verdict == "volume only"
    assert f"open in {FRAMES} of {FRAMES} frames" in found.reason
    assert found.is_ventricle.all()


def test_a_slice_beyond_the_apex_is_left_out():
    found = contours(probabilities(endo=[0.0] * FRAMES, epi=[9.0] * FRAMES))
    assert found.verdict == "left out"
    assert "beyond the apex" in found.reason


def test_a_slice_without_a_ventricle_is_left_out():
    probability = np.zeros((FRAMES, 4, *SHAPE), dtype=np.float32)
    probability[:, 0] = 1
    found = contours(probability)
    assert found.verdict == "left out"
    assert not found.myocardium.any()


def test_a_cavity_that_closes_at_end_systole_keeps_a_ring():
    endo = [max(0.0, 9.0 * np.cos(2 * np.pi * frame / FRAMES) + 4.0) for frame in range(FRAMES)]
    found = contours(probabilities(endo=endo, epi=[17.0] * FRAMES))
    assert all(is_closed_ring(ring) for ring in found.myocardium) or found.verdict == "left out"


def test_radii_that_jump_from_ray_to_ray_still_give_closed_rings():
    rng = np.random.default_rng(0)
    found = contours(probabilities())
    jump = np.abs(rng.normal(0.0, 6.0, (2, FRAMES, ANGLES)))
    rough = replace(
        found.rings,
        endo=replace(found.rings.endo, radius_mm=found.rings.endo.radius_mm + jump[0]),
        epi=replace(found.rings.epi, radius_mm=found.rings.epi.radius_mm + jump[1]),
    )
    myocardium, cavity = rasterise(rough, GRID, SHAPE, (PIXEL_MM, PIXEL_MM))
    assert all(is_closed_ring(ring) for ring in myocardium)
    assert not (myocardium & cavity).any()


@pytest.mark.parametrize(
    ("spacing", "pixel", "scale"),
    [
        ((1.4, 1.4), 1.4, 1.0),
        ((0.7, 0.7), 1.4, 2.0),
        ((2.8, 2.8), 1.4, 0.5),
        ((1.0, 1.3), 1.4, 1.4),
        ((1.4, 1.9), 1.4, 1.0),
    ],
)
def test_pixels_are_resampled_to_those_that_the_engine_expects(spacing, pixel, scale):
    grid = network_grid((300, 280), spacing, (140.0, 150.0), (256, 256), PixelRange(1.0, 1.4, 1.5))
    assert grid.pixel_mm == pytest.approx(pixel)
    assert grid.scale_xy[0] == pytest.approx(scale)
    assert grid.scale_xy[1] == pytest.approx(pixel / spacing[1])


def test_points_come_back_to_the_pixels_of_the_cine():
    grid = network_grid((512, 512), (0.7, 0.7), (300.0, 200.0), (256, 256), PixelRange(1.0, 1.4, 1.5))
    y, x = np.indices((512, 512))
    blob = np.exp(-((x - 311.0) ** 2 + (y - 187.0) ** 2) / (2 * 8.0**2))
    window = grid.resample(blob[None])[0]
    row, column = np.unravel_index(np.argmax(window), window.shape)
    np.testing.assert_allclose(grid.to_cine(np.array([column, row])), [311.0, 187.0], atol=1.1)


def test_a_small_field_of_view_is_padded():
    grid = network_grid((100, 90), (1.4, 1.4), (45.0, 50.0), (256, 256), PixelRange(1.0, 1.4, 1.5))
    window = grid.resample(np.ones((1, 100, 90)))
    assert window.shape == (1, 256, 256)
    assert window.sum() == 9000


def test_confidence_falls_with_the_certainty_of_the_network():
    sharp = probabilities()
    means = []
    for share in (1.0, 0.92, 0.7):
        probability = share * sharp
        probability[:, 0] += 1 - share
        means.append(contours(probability).confidence.mean())
    assert means[0] > 0.95
    assert means[0] > means[1] > UNSURE > means[2]


def test_orientations_that_disagree_make_a_frame_unsure():
    agreement = np.full(FRAMES, 0.95)
    agreement[4] = 0.5
    found = contours_of(probabilities(), agreement, GRID, SHAPE, (PIXEL_MM, PIXEL_MM))
    assert list(np.flatnonzero(found.confidence < UNSURE)) == [4]
    assert "orientations" in found.frame_reasons[4]


def test_a_frame_that_jumps_against_its_neighbours_is_unsure():
    probability = probabilities()
    probability[7] = np.roll(probability[7], 9, axis=-1)
    found = contours(probability)
    assert list(np.flatnonzero(found.confidence < UNSURE)) == [7]
    assert found.frame_reasons[7]
