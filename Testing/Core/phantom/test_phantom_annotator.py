"""Simulated annotators: size, smoothness and persistence of their errors."""

from __future__ import annotations

import numpy as np
from skimage.measure import label

from LaMoDCore.phantom import Annotator, PolarContours, annotate, draw_annotator, sample_subject
from LaMoDCore.phantom.imaging.annotator import leave_out_trabeculae

PHASES = np.arange(40) / 40


def drawn_errors(error_mm: float = 1.0, repeats: int = 40) -> np.ndarray:
    circle = PolarContours(np.zeros(40, dtype=complex), np.full((40, 180), 24.0), np.full((40, 180), 33.0))
    reader = Annotator(error_mm=error_mm)
    drawings = [annotate(circle, np.random.default_rng(k), reader) for k in range(repeats)]
    return np.stack([drawing.epi - 33.0 for drawing in drawings])


def test_the_mean_contour_distance_is_the_error_that_was_asked_for() -> None:
    for asked in (0.8, 1.2):
        assert abs(np.abs(drawn_errors(asked)).mean() - asked) < 0.12
    readers = [draw_annotator(np.random.default_rng(k)).error_mm for k in range(50)]
    assert min(readers) >= 0.8
    assert max(readers) <= 1.2


def test_errors_are_smooth_along_the_contour_and_over_time() -> None:
    errors = drawn_errors()

    def correlation(a: np.ndarray, b: np.ndarray) -> float:
        return float((a * b).mean() / np.sqrt((a**2).mean() * (b**2).mean()))

    assert correlation(errors, np.roll(errors, 3, axis=2)) > 0.9  # 6 degrees along the wall
    assert correlation(errors, np.roll(errors, 90, axis=2)) < 0.6  # the other side
    assert correlation(errors, np.roll(errors, 1, axis=1)) > 0.8  # the next frame
    assert correlation(errors, np.roll(errors, 20, axis=1)) < 0.75  # half a cycle later


def test_a_drawn_wall_is_always_one_ring() -> None:
    for seed in range(3):
        for plane in sample_subject(seed, "dcm").slices():
            rng = np.random.default_rng(seed)
            drawn = annotate(plane.contours(PHASES), rng, Annotator(error_mm=1.2))
            assert (drawn.epi - drawn.endo).min() >= 2.5 - 1e-9
            for mask in drawn.rasterise(plane.points_of(plane.grid)):
                assert label(mask, connectivity=1).max() == 1
                assert label(~mask, connectivity=1).max() == 2


def test_the_same_generator_state_gives_the_same_drawing() -> None:
    contours = sample_subject(1).slices()[0].contours(PHASES)
    first, second = (annotate(contours, np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first.endo, second.endo)
    assert not np.array_equal(first.endo, annotate(contours, np.random.default_rng(10)).endo)


def test_a_wall_drawn_without_trabeculae_is_thin_at_end_diastole_and_grows() -> None:
    circle = PolarContours(np.zeros(2, dtype=complex), np.full((2, 90), 24.0), np.full((2, 90), 31.0))
    drawn = leave_out_trabeculae(circle, 2.0, np.array([0.0, 1.0]))
    assert np.allclose((drawn.epi - drawn.endo)[:, 0], [5.0, 7.0])
    assert np.allclose((leave_out_trabeculae(circle, 9.0, np.zeros(2)).endo), 24.0 + 0.4 * 7.0)
    assert np.array_equal(drawn.epi, circle.epi)
