"""Hearts from the wider distribution: they exceed the usual one and have valid motion."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.phantom.heart.randomised import randomised
from LaMoDCore.phantom.heart.subject import Subject

COUNT = 60
PHASES = np.arange(20) / 20


def drawn(index: int) -> Subject:
    return randomised(CohortRecipe(count=COUNT, seed=5).subject(index), np.random.default_rng([5, index]))


@pytest.fixture(scope="module")
def subjects() -> list[Subject]:
    return [drawn(index) for index in range(COUNT)]


def wall_points(subject: Subject, depth: float) -> np.ndarray:
    theta = np.arange(36) * 2 * np.pi / 36
    shape = subject.slice_parameters[1].shape
    radius = shape.endo(theta) + depth * (shape.epi(theta) - shape.endo(theta))
    return np.stack([radius * np.cos(theta), -radius * np.sin(theta)], axis=-1)


def test_a_seed_gives_one_heart(subjects: list[Subject]) -> None:
    again = drawn(3)
    points = wall_points(again, 0.5)
    assert np.array_equal(
        again.slices()[1].displacement_mm(PHASES, points), subjects[3].slices()[1].displacement_mm(PHASES, points)
    )


def test_no_heart_folds_or_tears(subjects: list[Subject]) -> None:
    for subject in subjects:
        for plane in subject.slices():
            contours = plane.contours(PHASES, samples=90)
            assert (contours.endo > 2).all() and (contours.epi - contours.endo > 1.5).all()
        for depth in (0.05, 0.95):
            strain = subject.slices()[1].strain(PHASES, wall_points(subject, depth))
            assert (strain.jacobian > 0.4).all() and (strain.jacobian < 2.5).all()
            assert np.abs(strain.ecc[0]).max() < 1e-9


def test_they_exceed_the_usual_distribution(subjects: list[Subject]) -> None:
    shares = np.array([subject.radial_share for subject in subjects])
    assert (shares == 1).any() and shares.min() < 0.55  # no sliding at all, and more than usual
    follows = {subject.slice_parameters[0].area_follows for subject in subjects}
    assert {0.0, 1.0} < follows
    assert min(subject.timing.end_systole for subject in subjects) < 0.29
    radii = [float(plane.shape.endo.mean) for subject in subjects for plane in subject.slice_parameters]
    assert max(radii) > 33 and min(radii) >= 8.99


def test_sectors_may_stretch_through_systole(subjects: list[Subject]) -> None:
    longest = max(
        subject.slices()[1].strain([subject.timing.end_systole], wall_points(subject, 0.5)).ecc.max()
        for subject in subjects
    )
    assert longest > 0.05


def test_area_may_grow_equally_all_around(subjects: list[Subject]) -> None:
    subject = subjects[0]
    for share in (0.0, 1.0):
        plane = next(plane for each in subjects for plane in each.slices() if plane.parameters.area_follows == share)
        gain = plane.wall_state([plane.subject.timing.end_systole]).log_area(np.arange(24) * 2 * np.pi / 24)
        assert (np.ptp(gain) < 1e-9) == (share == 0)
    assert subject.slice_parameters[0].area_follows == subject.slice_parameters[3].area_follows
