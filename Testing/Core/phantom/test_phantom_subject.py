"""Subjects: effects of the diseases, and reproducibility from the seed."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.phantom import DISEASES, PhantomSlice, sample_subject

ANGLES = np.arange(36) * 2 * np.pi / 36
PHASES = np.arange(40) / 40


def mid_wall(plane: PhantomSlice) -> np.ndarray:
    radius = 0.5 * (plane.parameters.shape.endo(ANGLES) + plane.parameters.shape.epi(ANGLES))
    return np.stack([radius * np.cos(ANGLES), -radius * np.sin(ANGLES)], -1)


def from_insertion(plane: PhantomSlice) -> np.ndarray:
    return np.mod(np.rad2deg(ANGLES - plane.parameters.shape.insertion_angle), 360)


def test_a_seed_gives_one_subject() -> None:
    a, b = sample_subject(4, "hcm"), sample_subject(4, "hcm")
    assert a.rr_ms == b.rr_ms
    xy = mid_wall(a.slices()[0])
    assert np.array_equal(a.slices()[0].displacement_mm([0.3], xy), b.slices()[0].displacement_mm([0.3], xy))
    assert sample_subject(5, "hcm").rr_ms != a.rr_ms


def test_an_unknown_disease_is_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match="lbbb"):
        sample_subject(1, "flu")


def test_healthy_hearts_rotate_and_shorten_as_people_do() -> None:
    rotation, ecc, es = [], [], []
    for seed in range(40):
        subject = sample_subject(900 + seed, "healthy")
        rotation.append([plane.parameters.rotation_epi_deg for plane in subject.slices()])
        plane = subject.slices()[1]
        ecc.append(plane.strain([subject.timing.end_systole], mid_wall(plane)).ecc.mean())
        es.append(subject.timing.end_systole)
    base, _, _, apex = np.mean(rotation, 0)
    assert -6 < base < -1
    assert 5 < apex < 12
    assert 1.5 < np.std(rotation, 0).mean() < 4
    assert -0.21 < np.mean(ecc) < -0.15
    assert 0.30 < np.mean(es) < 0.42


def test_rotation_is_counter_clockwise_from_the_apex() -> None:
    subject = sample_subject(906, "healthy")
    apex = subject.slices()[3]
    assert apex.parameters.rotation_epi_deg > 2
    xy = mid_wall(apex)
    moved = xy + apex.displacement_mm([subject.timing.end_systole], xy)[0]
    turned = np.angle(
        (moved[:, 0] - moved[:, 0].mean() - 1j * (moved[:, 1] - moved[:, 1].mean()))
        / (xy[:, 0] - xy[:, 0].mean() - 1j * (xy[:, 1] - xy[:, 1].mean()))
    )
    assert np.rad2deg(turned.mean()) > 1


def test_bundle_branch_block_has_a_septal_flash_and_a_late_lateral_wall() -> None:
    flashes = 0
    for seed in range(12):
        subject = sample_subject(60 + seed, "lbbb")
        plane = subject.slices()[1]
        ecc = plane.strain(PHASES, mid_wall(plane)).ecc
        place = from_insertion(plane)
        septum, lateral = ecc[:, np.abs(place - 58) < 35].mean(1), ecc[:, np.abs(place - 238) < 35].mean(1)
        flash = septum[2:7].min()
        rebound = septum[6:16].max()
        flashes += bool(flash < -0.008 and rebound > flash + 0.008)
        assert lateral[2:6].max() > 0.0  # stretched before it is activated
        assert lateral.argmin() > subject.timing.end_systole * 40 - 1
        assert lateral.min() < septum.min()
    assert flashes >= 10


def test_scar_does_not_shorten_and_aneurysms_bulge() -> None:
    for disease, low, high in (("infarct", -0.12, 0.08), ("dyskinesia", -0.03, 0.25)):
        for seed in range(5):
            subject = sample_subject(200 + seed, disease)
            worst, best = [], []
            for plane in subject.slices():
                ecc = plane.strain([0.8 * subject.timing.end_systole], mid_wall(plane)).ecc[0]
                worst.append(ecc.max())
                best.append(ecc.min())
            assert low < max(worst) < high
            assert min(best) < -0.10


def test_hypertrophy_is_thick_at_the_septum_and_dilated_hearts_are_wide() -> None:
    thick, wide, normal = [], [], []
    for seed in range(12):
        plane = sample_subject(300 + seed, "hcm").slices()[1]
        wall = plane.parameters.shape.epi(ANGLES) - plane.parameters.shape.endo(ANGLES)
        place = from_insertion(plane)
        thick.append(wall[np.abs(place - 45) < 40].mean() / wall[np.abs(place - 225) < 60].mean())
        wide.append(sample_subject(300 + seed, "dcm").mid_radius_mm)
        normal.append(sample_subject(300 + seed, "healthy").mid_radius_mm)
    assert np.mean(thick) > 1.25
    assert np.mean(wide) > 1.2 * np.mean(normal)


def test_no_endocardium_shortens_beyond_the_limit() -> None:
    """Without the limit, hypertrophied walls would thicken locally by 3.7 (Err 6.3), with it by 3 (Err 3.9)."""
    shortest, thickest = [], []
    for seed in range(10):
        for plane in sample_subject(700 + seed, "hcm").slices():
            p, timing = plane.parameters, plane.subject.timing
            phases = timing.end_systole + np.array([-0.05, 0.0, 0.05])
            stretch = p.function.shortening(timing, phases).scaled(np.full(3, p.endo_log_stretch))
            radial = stretch.mean[:, None] + plane.subject.radial_share * stretch.without_mean()(ANGLES)
            shortest.append(float(np.exp(radial).min()))
            rim = p.shape.endo(ANGLES) * 1.001
            at_rim = np.stack([rim * np.cos(ANGLES), -rim * np.sin(ANGLES)], -1)
            thickest.append(float(plane.strain(phases, at_rim).err.max()))
    assert min(shortest) > 0.54
    assert max(thickest) < 4.5


@pytest.mark.parametrize("disease", DISEASES)
def test_every_wall_is_thick_enough_to_draw(disease: str) -> None:
    for seed in range(4):
        for plane in sample_subject(400 + seed, disease).slices():
            endo, epi = plane.parameters.shape.endo(ANGLES), plane.parameters.shape.epi(ANGLES)
            assert (epi - endo).min() > 2.9
            assert endo.min() > 5
            assert epi.max() < 56
            contours = plane.contours(PHASES)
            assert (contours.epi - contours.endo).min() > 2.2
            assert contours.endo.min() > 1.5


def test_activation_of_the_lateral_wall_is_late_in_bundle_branch_block() -> None:
    subject = sample_subject(61, "lbbb")
    plane = subject.slices()[1]
    late = plane.activation_ms(ANGLES)
    place = from_insertion(plane)
    assert late[np.abs(place - 238) < 30].mean() > late[np.abs(place - 58) < 30].mean() + 40
    assert late.max() < 170
