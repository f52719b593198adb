"""The experiment on automatic contours: its resampling, its degraded cines and its figures, with the toy engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_cine import contracting, radii, write_cine
from toy_engine import write_engine

from experiments.contours import automatic_contours as experiment
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


def test_figures_of_a_perfect_engine(cine, engine):
    network = experiment.ContourNetwork(experiment.find_engine(engine))
    for row in (experiment.measure(network, cine, 1), experiment.measure_argmax(network, cine)):
        assert float(row[1]) > 0.9
        assert float(row[3]) > 0.95
        assert row[4] == "12 of 12"
        assert len(row) == len(experiment.COLUMNS)


def test_the_command_prints_a_table_and_names_absent_data(tmp_path, capsys, engine):
    experiment.main(["--engine", str(engine), "--data", str(tmp_path), "--hard"])
    text = capsys.readouterr().out
    assert "Se3 is left out" in text
    assert "| cine | setting | wall |" in text
