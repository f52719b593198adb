"""Simulated annotators: size, smoothness and persistence of their errors."""

from __future__ import annotations

import numpy as np
from skimage.measure import label

from LaMoDCore.heart.case import Level
from LaMoDCore.phantom import Annotator, PolarContours, annotate, draw_annotator, sample_subject
from LaMoDCore.phantom.imaging.annotator import (
    contraction_of,
    draw_careful_annotator,
    draw_engine_annotator,
    error_process,
    leave_out_trabeculae,
)

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


def test_readers_of_earlier_cohorts_keep_their_numbers() -> None:
    rng = np.random.default_rng(3)
    usual, careful = draw_annotator(rng), draw_careful_annotator(rng)
    assert (usual.error_mm, usual.memory) == (0.8342596668574498, 0.0912954370688479)
    assert (careful.error_mm, careful.jitter) == (0.5303510095452282, 0.15487811573956647)
    # the contours of a version without epi_scale and systolic_bias_mm, and the state in which it left the generator
    circle = PolarContours(np.zeros(6, complex), np.full((6, 24), 24.0) + np.arange(6)[:, None], np.full((6, 24), 33.0))
    rng = np.random.default_rng(5)
    drawn = annotate(circle, rng, Annotator(error_mm=0.6, bias_mm=(0.3, -0.2)))
    same = np.random.default_rng(5)
    first, second, shared = (error_process(same, Annotator(error_mm=0.6), np.arange(6) / 6, 24) for _ in range(3))
    assert rng.random() == same.random()
    free = circle.epi + np.sqrt(0.7) * second + np.sqrt(0.3) * shared - 0.2
    inner = circle.endo + np.sqrt(0.7) * first + np.sqrt(0.3) * shared + 0.3
    assert np.array_equal(drawn.epi, 0.5 * (inner + free) + 0.5 * np.maximum(free - inner, 2.5))


def beating_circle(frames: int = 24) -> PolarContours:
    work = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames)
    endo, epi = 24.0 - 8.0 * work[:, None], 34.0 - 4.0 * work[:, None]
    return PolarContours(np.zeros(frames, dtype=complex), endo + np.zeros((1, 72)), epi + np.zeros((1, 72)))


def test_a_bias_grows_with_contraction() -> None:
    circle = beating_circle()
    assert np.allclose(contraction_of(circle)[[0, 12]], [0.0, 1.0])
    still = PolarContours(circle.center, circle.endo[:1].repeat(24, axis=0), circle.epi)
    assert not contraction_of(still).any()
    reader = Annotator(error_mm=1e-9, bias_mm=(0.5, -0.5), systolic_bias_mm=(0.3, -1.0))
    drawn = annotate(circle, np.random.default_rng(0), reader)
    assert np.allclose((drawn.endo - circle.endo)[[0, 12], 0], [0.5, 0.8], atol=1e-6)
    assert np.allclose((drawn.epi - circle.epi)[[0, 12], 0], [-0.5, -1.5], atol=1e-6)


def test_errors_of_an_engine_agree_with_the_measured_ones() -> None:
    circle = beating_circle()
    work = contraction_of(circle)
    bias, change, size = (np.empty((2, 80, 2)) for _ in range(3))
    levels: tuple[Level, ...] = ("mid", "apex")
    for row, level in enumerate(levels):
        for seed in range(80):
            rng = np.random.default_rng(seed)
            drawn = annotate(circle, rng, draw_engine_annotator(rng, level))
            for contour, error in enumerate((drawn.endo - circle.endo, drawn.epi - circle.epi)):
                slope, first = np.polyfit(work, error.mean(axis=1), 1)
                bias[row, seed, contour], change[row, seed, contour] = first, slope
                size[row, seed, contour] = np.abs(error - (first + slope * work)[:, None]).mean()
    # measured means over slices (experiments/results/automatic-contours.md), base and mid together
    assert np.allclose(bias[0].mean(axis=0), [0.15, -0.67], atol=0.2)
    assert np.allclose(change[0].mean(axis=0), [0.35, -0.31], atol=0.2)
    assert np.allclose(bias[0].std(axis=0), [0.72, 0.77], atol=0.25)
    assert np.allclose(np.median(size, axis=1), [[0.37, 0.49], [0.54, 0.83]], atol=0.15)
    settled = [np.corrcoef(bias[0, :, contour], change[0, :, contour])[0, 1] for contour in range(2)]
    assert settled[1] < settled[0] < 0
    for contour, (low, high) in enumerate(((0.19, 0.83), (0.29, 0.90))):
        assert np.percentile(size[0, :, contour], 10) < low + 0.08
        assert np.percentile(size[0, :, contour], 90) > high - 0.12


def test_the_engine_is_more_constant_over_the_cycle_than_readers() -> None:
    rng = np.random.default_rng(0)
    engine = [draw_engine_annotator(rng) for _ in range(200)]
    assert all(reader.habit + reader.jitter < 1 for reader in engine)
    assert np.mean([reader.habit for reader in engine]) > np.mean([draw_annotator(rng).habit for _ in range(200)])
    wall = np.array([[r.bias_mm[1] - r.bias_mm[0], r.systolic_bias_mm[1] - r.systolic_bias_mm[0]] for r in engine])
    assert (wall.mean(axis=0) < -0.4).all()
