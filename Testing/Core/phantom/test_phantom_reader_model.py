"""Synthetic readers: effects of their conventions on the drawn wall."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from skimage.measure import label

from LaMoDCore.phantom import Annotator, sample_subject
from LaMoDCore.phantom.cohort.cases import reader_style
from LaMoDCore.phantom.heart.papillary import PapillaryMuscle, with_papillary_muscles
from LaMoDCore.phantom.imaging.reader_model import ReaderStyle, draw_reader_style, drawn_cycle, drawn_frames

PHASES = np.arange(40) / 40
EXACT = Annotator(error_mm=1e-9)
PLAIN = ReaderStyle(trabeculae_mm=0.0, papillary=False, bias_mm=(0.0, 0.0), frames=40)


def wall_area(contours) -> np.ndarray:  # type: ignore[no-untyped-def]
    return np.asarray(np.pi * (contours.epi**2 - contours.endo**2).mean(1))


def test_styles_have_the_documented_distributions() -> None:
    styles = [draw_reader_style(np.random.default_rng(k), 4.0) for k in range(400)]
    frames = np.array([s.frames for s in styles])
    assert frames.min() < 16
    assert frames.max() > 68
    assert 0.6 < ((frames >= 20) & (frames <= 36)).mean() < 0.9
    layers = np.array([s.trabeculae_mm for s in styles])
    assert 0.15 < (layers == 0).mean() < 0.35
    assert layers.max() <= 4.0
    assert 0.12 < np.mean([s.papillary for s in styles]) < 0.3
    assert 0.3 < np.std([s.bias_mm for s in styles]) < 0.5


def test_all_slices_of_a_subject_have_the_same_style() -> None:
    assert reader_style((7, 3, 0), 4.0) == reader_style((7, 3, 3), 4.0)
    assert reader_style((7, 3, 0), 4.0) != reader_style((7, 4, 0), 4.0)
    assert reader_style((7, 3, 1, 0), 4.0) == reader_style((7, 3, 2, 0), 4.0)
    assert reader_style((7, 3, 1, 0), 4.0) != reader_style((7, 3, 1, 1), 4.0)


def test_a_reader_without_conventions_and_errors_draws_the_truth() -> None:
    plane = sample_subject(21, "healthy").slices()[1]
    truth = plane.contours(PHASES)
    drawn, left_out_mm = drawn_frames(plane, PLAIN, np.random.default_rng(0), PHASES, annotator=EXACT)
    assert left_out_mm == 0.0
    assert np.allclose(drawn.endo, truth.endo, atol=1e-6)
    assert np.allclose(drawn.epi, truth.epi, atol=1e-6)
    outwards, _ = drawn_frames(
        plane, replace(PLAIN, bias_mm=(0.5, -0.3)), np.random.default_rng(0), PHASES, annotator=EXACT
    )
    assert np.allclose(outwards.endo - truth.endo, 0.5, atol=1e-6)
    assert np.allclose(outwards.epi - truth.epi, -0.3, atol=1e-6)


def test_trabeculae_left_out_make_the_drawn_wall_grow_as_real_contours_do() -> None:
    subject = sample_subject(21, "healthy")
    plane = subject.slices()[1]
    es = [0.0, subject.timing.end_systole]
    style = replace(PLAIN, trabeculae_mm=2.0)
    truth = wall_area(plane.contours(es))
    contours, left_out_mm = drawn_frames(plane, style, np.random.default_rng(0), np.array(es), annotator=EXACT)
    drawn = wall_area(contours)
    assert left_out_mm > 0.5
    assert drawn[0] < 0.85 * truth[0]
    assert np.isclose(drawn[1], truth[1], rtol=0.01)


def test_few_frames_reduce_the_motion_and_many_do_not() -> None:
    plane = sample_subject(22, "healthy").slices()[1]
    truth = plane.contours(PHASES).endo
    missed = []
    for frames in (12, 40, 75):
        # The errors are negligible, so only the number of frames matters.
        rng = np.random.default_rng(0)
        style = replace(PLAIN, frames=frames)
        drawn = drawn_cycle(plane, style, rng, PHASES, annotator=EXACT)[0].endo
        missed.append(float(np.abs(drawn - truth).max()))
    assert missed[0] > 0.1
    assert missed[1] < 1e-6
    assert missed[2] < missed[0] / 3


def test_a_contour_goes_around_a_muscle_that_touches_the_wall() -> None:
    plane = sample_subject(23, "healthy").slices()[1]
    truth = plane.contours(np.array([0.0]))
    samples = truth.endo.shape[1]
    theta = np.arange(samples) * 2 * np.pi / samples
    attached = PapillaryMuscle(angle=1.0, size_mm=4.5, inset=0.8)
    free = PapillaryMuscle(angle=1.0, size_mm=4.5, inset=1.3)
    drawn = with_papillary_muscles(truth, plane, [attached], [0.0])
    inwards = truth.endo[0] - drawn.endo[0]
    assert 5.0 < inwards.max() < 9.0  # the muscle reaches 0.8 + 1 radii into the cavity
    assert abs(theta[np.argmax(inwards)] - 1.0) < 0.05
    far = np.abs(np.angle(np.exp(1j * (theta - 1.0)))) > 0.8
    assert np.abs(inwards[far]).max() < 1e-6
    assert np.array_equal(with_papillary_muscles(truth, plane, [free], [0.0]).endo, truth.endo)


def test_the_drawn_wall_is_one_ring_for_every_style() -> None:
    for seed, frames in ((0, 12), (1, 30), (2, 75)):
        style = ReaderStyle(trabeculae_mm=4.0, papillary=True, bias_mm=(0.8, -0.8), frames=frames)
        for plane in sample_subject(seed, "dcm").slices()[::2]:
            drawn, _ = drawn_cycle(plane, style, np.random.default_rng(seed), PHASES)
            for mask in drawn.rasterise(plane.points_of(plane.grid))[::4]:
                assert label(mask, connectivity=1).max() == 1
                assert label(~mask, connectivity=1).max() == 2
