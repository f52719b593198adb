"""The experiment on automatic contours: its resampling, its degraded cines and its figures, with the toy engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_cine import contracting, radii, write_cine
from toy_engine import write_engine

from experiments.contours import automatic_contours as experiment
from LaMoDCore.contours.automatic.slice_contours import contour_slice
from LaMoDCore.contours.automatic.study import read_short_axis_study

pytest.importorskip("onnx", reason="the toy engines need onnx")
pytest.importorskip("onnxruntime", reason="contour engines need onnxruntime")


@pytest.fixture(scope="module")
def cine(tmp_path_factory: pytest.TempPathFactory) -> experiment.KnownCine:
    frames = contracting()
    path = write_cine(tmp_path_factory.mktemp("cine") / "cine.nii.gz", [frames])
    (stack,) = read_short_axis_study([path]).slices
    y, x = (np.indices((64, 64)) - 31.5) * 2.0
    endo, epi = np.moveaxis([radii(frame) for frame in range(len(frames))], 1, 0)[..., None, None]
    distance = np.hypot(x, y)
    return experiment.known_cine(
        "toy", stack.frames[:, 0], stack.slice_grid(0), (distance >= endo) & (distance < epi), distance < endo
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_engine(tmp_path_factory.mktemp("engine") / "toy")


def test_the_same_grid_gives_the_same_cine(cine):
    same = experiment.on_grid(cine, "same", cine.grid)
    np.testing.assert_array_equal(same.wall, cine.wall)
    np.testing.assert_allclose(same.frames, cine.frames, atol=1e-5)


@pytest.mark.parametrize("variant", experiment.HARD, ids=lambda variant: variant.__name__)
def test_a_degraded_cine_keeps_the_area_and_position_of_the_wall(cine, variant):
    changed = variant(cine)
    area = cine.wall.sum() * np.prod(cine.grid.spacing_mm)
    assert changed.wall.sum() * np.prod(changed.grid.spacing_mm) == pytest.approx(area, rel=0.03)
    center = [experiment.ndimage.center_of_mass(each.cavity[0])[::-1] for each in (cine, changed)]
    places = [each.grid.pixel_to_lps(xy) for each, xy in zip((cine, changed), center, strict=True)]
    np.testing.assert_allclose(places[0], places[1], atol=1.0)
    assert len(experiment.some_frames(changed, 3).frames) == 3


def test_figures_of_a_perfect_engine(tmp_path, cine, engine):
    network = experiment.ContourNetwork(experiment.find_engine(engine))
    window = experiment.window_of(network, cine)
    probabilities = experiment.probabilities_of(network, cine, tmp_path)
    np.testing.assert_allclose(experiment.probabilities_of(network, cine, tmp_path), probabilities, atol=1e-3)
    for row in (
        experiment.measure(cine, window, probabilities, 1).cells,
        experiment.measure_argmax(cine, window, probabilities),
    ):
        assert float(row[0]) > 0.9
        assert float(row[2]) > 0.95
        assert row[4] == "12 of 12"
        assert len(row) == len(experiment.COLUMNS)


@pytest.mark.parametrize("per_frame", [1, 2])
def test_contours_of_kept_probabilities_are_those_of_the_command(cine, engine, per_frame):
    network = experiment.ContourNetwork(experiment.find_engine(engine))
    window, probabilities = experiment.window_of(network, cine), experiment.probabilities_of(network, cine)
    measured = experiment.measure(cine, window, probabilities, per_frame)
    x, y = cine.grid.lps_to_pixel(experiment.heart_center_lps([cine.stack]))
    drawn = contour_slice(network, cine.stack, (float(x), float(y)), per_frame)
    np.testing.assert_allclose(measured.confidence, drawn.confidence, atol=1e-6)
    wall = [experiment.dice(a, b) for a, b in zip(drawn.myocardium, cine.wall, strict=True)]
    np.testing.assert_allclose(measured.wall, wall)


def test_the_confidence_is_summarised(capsys):
    confidence, wall = np.array([0.9, 0.95, 0.2, 0.6]), np.array([0.9, 0.92, 0.5, 0.7])
    experiment.print_confidence("2", [experiment.Measured([], confidence, wall)])
    text = capsys.readouterr().out
    assert "4 frames, 2 with a Dice below 0.8; rank correlation 1.00" in text
    assert "AUC 1.000; unsure: 1 of these, 0 of the others" in text


def test_the_command_prints_a_table_and_names_absent_data(tmp_path, capsys, engine):
    experiment.main(["--engine", str(engine), "--data", str(tmp_path), "--hard"])
    text = capsys.readouterr().out
    assert "Se3 is left out" in text
    assert "| cine | setting | wall |" in text
