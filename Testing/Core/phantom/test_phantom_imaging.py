"""Cine pictures and the demo case: bright blood, dark muscle, a right ventricle on the patient's right."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.case import Case
from LaMoDCore.phantom import demo_case, demo_truth, sample_subject
from LaMoDCore.phantom.cohort.demo import DemoTruth
from LaMoDCore.phantom.imaging.cine import CineProtocol, cine_grid, cine_pictures


@pytest.fixture(scope="module")
def case() -> Case:
    return demo_case()


@pytest.fixture(scope="module")
def truth() -> DemoTruth:
    return demo_truth()


def test_the_intensities_of_pictures_agree_with_the_contours() -> None:
    plane = sample_subject(12, "healthy").slices()[1]
    protocol = CineProtocol()
    grid = cine_grid(plane, protocol)
    phases = np.array([0.0, plane.subject.timing.end_systole])
    pictures = cine_pictures(plane, grid, phases, protocol, seed=1)
    xy = plane.points_of(grid)
    contours = plane.contours(phases)
    wall, blood = contours.rasterise(xy), contours.cavity(xy)
    for frame in range(2):
        muscle = np.median(pictures[frame][wall[frame]])
        assert np.median(pictures[frame][blood[frame]]) > 2 * muscle
        assert 60 < muscle < 150
    assert blood[1].sum() < 0.75 * blood[0].sum()
    assert np.array_equal(pictures, cine_pictures(plane, grid, phases, protocol, seed=1))


def test_the_right_ventricle_lies_towards_the_patients_right(case: Case, truth: DemoTruth) -> None:
    for piece, myocardium in zip(case.slices, truth.myocardium, strict=True):
        assert piece.right_ventricle is not None
        middle = [
            piece.grid.pixel_to_lps(np.argwhere(mask)[:, ::-1].mean(0))
            for mask in (piece.right_ventricle[0], piece.myocardium[0])
        ]
        assert middle[0][0] < middle[1][0] - 10  # smaller LPS x is the patient's right
        assert not (piece.right_ventricle[0] & myocardium[0]).any()


def test_the_demo_case_agrees_with_its_truth(case: Case, truth: DemoTruth) -> None:
    assert [piece.level for piece in case.slices] == ["base", "mid", "apex"]
    assert case.frames == 25
    assert case.rv_insertion_lps is not None
    for piece, displacement, myocardium in zip(case.slices, truth.displacement_mm, truth.myocardium, strict=True):
        assert displacement.shape == (25, 2, *piece.grid.shape)
        overlap = 2 * (piece.myocardium & myocardium).sum() / (piece.myocardium.sum() + myocardium.sum())
        assert 0.75 < overlap < 0.99
        assert np.abs(displacement[0]).max() < 1e-6
        assert piece.cine is not None
        assert piece.cine.dtype == np.float32
    assert truth.subject.disease == "infarct"
