"""The analysis of simulated DENSE reproduces the simulated motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contracting_annulus import SHORT_SCAN, Annulus, scan, short_axis_grid

from LaMoDCore.dense import DenseOptions, analyse_dense
from LaMoDCore.dense.background import fit_background
from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.imaging.dense_imaging import SimulatedDense, background_phase, material_points
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain import compute_strain
from LaMoDCore.strain.segments import label_segments


def rms_mm(simulated: SimulatedDense, found: Array) -> float:
    """RMS length of the displacement error over the reference wall and all frames."""
    miss = (found - simulated.displacement_mm)[:, :, simulated.reference_myocardium]
    return float(np.sqrt((miss**2).sum(axis=1).mean()))


def segment_ecc(displacement_mm: Array, simulated: SimulatedDense) -> Array:
    """Mean Ecc of six segments, [T, 6]."""
    grid, wall = simulated.images.grid, simulated.reference_myocardium
    ecc = compute_strain(displacement_mm, wall, grid.spacing_mm).ecc
    labels = label_segments(wall, grid, "mid").labels
    return np.stack([np.nanmean(ecc[:, labels == s], axis=1) for s in range(1, 7)], axis=1)


@pytest.fixture(scope="module")
def clinical() -> SimulatedDense:
    return scan()


def test_round_trip_at_clinical_noise(clinical: SimulatedDense) -> None:
    motion = analyse_dense(clinical.images)
    found = motion.displacement_mm[1:]
    assert (motion.myocardium[0] == clinical.reference_myocardium).mean() > 0.99
    known = replace(clinical.images, reference_myocardium=clinical.reference_myocardium)
    found = analyse_dense(known).displacement_mm[1:]
    assert rms_mm(clinical, found) < 0.25
    error = segment_ecc(found, clinical) - segment_ecc(clinical.displacement_mm, clinical)
    assert np.abs(error).mean() < 0.01
    assert np.abs(error).max() < 0.02
    assert max(q.wrapped for q in motion.quality) > 0.2, "the test has no wraps to solve"
    noise = np.array([q.phase_noise_rad for q in motion.quality])
    assert 0.05 < noise[0] < noise[-1] < 0.5, "noise grows as the signal fades"


def test_displacement_starts_at_zero(clinical: SimulatedDense) -> None:
    motion = analyse_dense(clinical.images)
    assert motion.frame_times_ms[0] == 0
    assert np.abs(motion.displacement_mm[0][:, motion.myocardium[0]]).max() == 0
    assert np.isnan(motion.displacement_mm[:, :, ~motion.myocardium[0]]).all()
    assert motion.covered_ms == (0.0, pytest.approx(clinical.images.frame_times_ms[-1]))


def test_multiple_wraps_are_resolved() -> None:
    # 16 mm at 0.15 cycles/mm is 15 rad: the wall's phase lies beyond 3π, two turns away
    far = scan(Annulus(drift_mm=(12.0, -11.0)), replace(SHORT_SCAN, ke=(0.15, 0.15), frame_ms=20.0))
    largest = np.nanmax(np.abs(far.displacement_mm)) * 2 * np.pi * 0.15
    assert largest > 3 * np.pi
    known = replace(far.images, reference_myocardium=far.reference_myocardium)
    assert rms_mm(far, analyse_dense(known).displacement_mm[1:]) < 0.25


def test_bad_pixels_and_a_bad_frame_are_excluded(clinical: SimulatedDense) -> None:
    rng = np.random.default_rng(3)
    phase = clinical.images.phase.copy()
    broken = rng.uniform(size=phase[:, 0].shape) < 0.06
    for c in range(2):
        phase[:, c][broken] = rng.uniform(-np.pi, np.pi, broken.sum())
    phase[7] = rng.uniform(-np.pi, np.pi, phase[7].shape)
    spoilt = replace(clinical.images, phase=phase, reference_myocardium=clinical.reference_myocardium)
    motion = analyse_dense(spoilt)
    assert rms_mm(clinical, motion.displacement_mm[1:]) < 0.35
    assert motion.quality[7].doubtful
    assert motion.quality[7].phase_noise_rad > 2 * motion.quality[6].phase_noise_rad
    ordinary = [q.outvoted for t, q in enumerate(motion.quality) if t != 7]
    assert 0.03 < np.mean(ordinary) < 0.25


def test_axes_and_signs() -> None:
    # a ring that only drifts towards increasing columns moves along +x, and nowhere else
    ring = Annulus(shrink=1.0, twist_deg=0.0, drift_mm=(4.0, 0.0))
    drifting = scan(ring, replace(SHORT_SCAN, snr=50.0, background_rad=0.0))
    motion = analyse_dense(drifting.images)
    # area still grows by 15 %, symmetrically: the mean is the drift
    middle = int(np.argmax(np.nanmean(drifting.displacement_mm[:, 0], axis=(1, 2))))
    mean = np.nanmean(motion.displacement_mm[middle + 1], axis=(1, 2))
    assert mean[0] == pytest.approx(4.0, abs=0.2)
    assert mean[1] == pytest.approx(0.0, abs=0.1)


def test_background_phase_is_removed() -> None:
    tilted = scan(protocol=replace(SHORT_SCAN, background_rad=1.2), seed=5)
    heart = tilted.images.myocardium.any(axis=0)
    found = fit_background(tilted.images.magnitude, tilted.images.phase, heart)
    assert np.abs(found.phase - tilted.background_rad)[:, heart].max() < 0.05
    known = replace(tilted.images, reference_myocardium=tilted.reference_myocardium)
    with_it = rms_mm(tilted, analyse_dense(known).displacement_mm[1:])
    without = rms_mm(tilted, analyse_dense(known, DenseOptions(background_order=None)).displacement_mm[1:])
    assert with_it < 0.25
    assert without > 0.4


def test_without_static_tissue_nothing_is_subtracted() -> None:
    alone = scan(protocol=replace(SHORT_SCAN, static_tissue=False, background_rad=0.0))
    motion = analyse_dense(alone.images)
    assert motion.background is not None
    assert not motion.background.phase.any()
    assert any(note.code == "dense_background_not_found" for note in motion.notes)


def test_other_pixel_sizes_need_no_other_options() -> None:
    fine = scan(
        protocol=replace(SHORT_SCAN, pixel_mm=1.75, frame_ms=60.0, first_frame_ms=60.0), grid=short_axis_grid(70, 1.75)
    )
    known = replace(fine.images, reference_myocardium=fine.reference_myocardium)
    assert rms_mm(fine, analyse_dense(known).displacement_mm[1:]) < 0.25


def test_the_wall_must_be_drawn(clinical: SimulatedDense) -> None:
    with pytest.raises(LaMoDInputError, match="no myocardium is drawn"):
        analyse_dense(replace(clinical.images, myocardium=None))
    gap = clinical.images.myocardium.copy()
    gap[5] = False
    with pytest.raises(LaMoDInputError, match=r"missing on frame\(s\) 6"):
        analyse_dense(replace(clinical.images, myocardium=gap))


def test_frames_at_the_end_without_a_wall_are_ignored(clinical: SimulatedDense) -> None:
    short = clinical.images.myocardium.copy()
    short[-3:] = False
    motion = analyse_dense(replace(clinical.images, myocardium=short))
    assert [q.usable for q in motion.quality] == [True] * (clinical.images.frames - 3) + [False] * 3


def test_simulation_inverts_the_motion() -> None:
    ring = Annulus()
    rng = np.random.default_rng(0)
    angle, radius = rng.uniform(0, 2 * np.pi, 500), rng.uniform(ring.inner, ring.outer, 500)
    resting = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    moved = resting + ring.motion(resting, 0.3)
    back, found = material_points(ring.motion, moved, 0.3)
    assert found.all()
    assert np.abs(back - resting).max() < 5e-3


def test_simulation_is_repeatable_with_the_requested_noise() -> None:
    still = Annulus(shrink=1.0, twist_deg=0.0, drift_mm=(0.0, 0.0))
    protocol = replace(SHORT_SCAN, snr=15.0, background_rad=0.0, coverage=0.2)
    first, again = scan(still, protocol, seed=4), scan(still, protocol, seed=4)
    assert np.array_equal(first.images.phase, again.images.phase)
    core = np.abs(still.wall(_positions(first))) > 2.8
    core &= first.reference_myocardium
    spread = first.images.phase[0][:, core]
    moved = first.displacement_mm[0][:, core] * 2 * np.pi * 0.1
    assert (spread - moved).std() == pytest.approx(1 / 15.0, rel=0.15)
    assert not np.array_equal(first.images.phase, scan(still, protocol, seed=5).images.phase)


def test_background_phase_has_the_requested_size() -> None:
    field = background_phase((40, 60), 2, 0.7, np.random.default_rng(1))
    assert field.shape == (40, 60)
    assert np.abs(field).max() == pytest.approx(0.7)


def _positions(simulated: SimulatedDense) -> Array:
    x, y = simulated.images.grid.pixel_centers_mm()
    return np.stack([x - x.mean(), y - y.mean()], axis=-1)
