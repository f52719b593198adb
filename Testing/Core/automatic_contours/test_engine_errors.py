"""The analysis of an engine's errors finds the parameters of simulated ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.contours import engine_errors as experiment
from LaMoDCore.phantom import Annotator, sample_subject
from LaMoDCore.phantom.imaging.annotator import error_process
from LaMoDCore.phantom.imaging.scene import draw_scene

PHASES = np.arange(24) / 24
WORK = 0.5 - 0.5 * np.cos(2 * np.pi * PHASES)
READER = Annotator(error_mm=0.6, smoothness=3.0, habit=0.6, jitter=0.1, memory=0.12)


@pytest.fixture(scope="module")
def errors() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [error_process(rng, READER, PHASES, experiment.RAYS) for _ in range(60)]


def slice_with(endo: np.ndarray, epi: np.ndarray) -> experiment.MeasuredSlice:
    frames = len(endo)
    return experiment.MeasuredSlice(
        level="mid",
        phases=PHASES,
        work=WORK,
        endo=endo,
        epi=epi,
        exact_endo=np.full(endo.shape, 24.0),
        exact_epi=np.full(endo.shape, 33.0),
        muscle=np.zeros(endo.shape),
        confidence=np.ones(frames),
        found=np.isfinite(endo[:, 0]),
    )


def test_the_shares_over_the_cycle_and_the_smoothness_are_recovered(errors: list[np.ndarray]) -> None:
    found = experiment.fit_time(errors, [PHASES] * len(errors))
    assert abs(found.habit - READER.habit) < 0.08
    assert abs(found.jitter - READER.jitter) < 0.05
    assert abs(found.memory - READER.memory) < 0.04
    powers = experiment.power(np.concatenate(errors))
    assert abs(powers.sum() - (0.6**2 * np.pi / 2)) < 0.08
    assert abs(experiment.fit_smoothness(powers) - READER.smoothness) < 0.4


def test_frames_without_a_ring_or_with_another_structure_are_left_out(errors: list[np.ndarray]) -> None:
    endo, epi = errors[0] + 0.4 + 0.3 * WORK[:, None], errors[1] - 0.5
    endo, epi = endo.copy(), epi.copy()
    endo[3], epi[3], epi[7] = np.nan, np.nan, 9.0
    measured = slice_with(endo, epi)
    assert np.flatnonzero(~experiment.usable(measured)).tolist() == [3, 7]
    kept = np.setdiff1d(np.arange(len(WORK)), [3, 7])
    slope, first = np.polyfit(WORK[kept], endo[kept].mean(axis=1), 1)
    assert experiment.course(measured, "endo") == pytest.approx((first, slope), abs=1e-9)
    assert np.isnan(experiment.remainder(measured, "epi")[[3, 7]]).all()


def test_radii_and_touching_muscle_are_those_of_the_phantom() -> None:
    plane = sample_subject(2).slices()[1]
    exact = plane.contours(PHASES[:2], samples=experiment.RAYS)
    outline, _ = plane.contours(PHASES[:2]).points_xy(1)
    assert np.allclose(experiment.radii_about(outline, exact.center[1]), exact.endo[1], atol=0.02)
    muscle = experiment.muscle_inside(draw_scene(plane, 2).at(PHASES[:2]), exact)
    assert muscle.min() == 0.0
    assert 1.0 < muscle.max() <= experiment.DEPTH_MM


def test_a_measured_slice_is_stored_and_read(tmp_path: Path, errors: list[np.ndarray]) -> None:
    measured = slice_with(errors[0], errors[1])
    measured.save(tmp_path / "slice.npz")
    stored = experiment.MeasuredSlice.load(tmp_path / "slice.npz")
    assert stored.level == "mid"
    assert np.array_equal(stored.epi, errors[1])
