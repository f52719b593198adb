"""Contour engines: what engine.json may hold, and how an engine that cannot be used is refused."""

from __future__ import annotations

import builtins
import json
import os
from pathlib import Path

import numpy as np
import pytest
from toy_engine import LEVELS, write_engine, write_network

from LaMoDCore.contours.automatic.engine import read_engine
from LaMoDCore.contours.automatic.network import ContourNetwork, _turned, orientation_plan, turn_to_upright
from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE, find_engine, registered_engines
from LaMoDCore.heart.geometry import SliceGrid, canonical_grid
from LaMoDCore.runtime.errors import LaMoDInputError

pytest.importorskip("onnx", reason="the toy engines need onnx")
pytest.importorskip("onnxruntime", reason="contour engines need onnxruntime")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_engine(tmp_path / "toy")


def test_an_engine_folder_is_read_and_runs(folder):
    network = ContourNetwork(find_engine(folder))
    pictures = np.zeros((2, 64, 64), dtype=np.float32)
    pictures[:, 20:30] = LEVELS[2]
    plan = orientation_plan(2, network.description.orientations)
    found, agreement = network.probabilities(pictures, plan)
    assert found.shape == (2, 4, 64, 64)
    assert (found[:, 2, 20:30] > 0.99).all()
    np.testing.assert_allclose(agreement, 1.0)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize(("stated", "threads"), [("3", 3), ("", os.cpu_count()), ("0", os.cpu_count())])
def test_the_number_of_threads_follows_the_environment(folder, monkeypatch, stated, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", stated)
    for given, used in ((None, threads), (2, 2)):
        options = ContourNetwork(find_engine(folder), given)._session.get_session_options()
        assert options.intra_op_num_threads == used


@pytest.mark.parametrize("upright", [(0, False), (3, True)])
@pytest.mark.parametrize("orientation", [(1, True), (2, False), (3, False)])
def test_orientations_are_turned_back(folder, upright, orientation):
    network = ContourNetwork(find_engine(folder))
    picture = np.random.default_rng(0).random((1, 64, 64)).astype(np.float32)
    plain, _ = network.probabilities(picture, [[(0, False)]])
    turned, _ = network.probabilities(picture, [[orientation]], upright)
    np.testing.assert_allclose(plain, turned, atol=1e-6)


def test_neighbouring_frames_get_different_orientations():
    orientations = [(0, False), (0, True), (2, False), (1, False)]
    assert len({each[0] for each in orientation_plan(4, orientations, 1)}) == 4
    assert all(len(each) == 2 for each in orientation_plan(5, orientations, 2))
    assert orientation_plan(3, orientations[:1], 2) == [((0, False),)] * 3


def test_rotated_and_flipped_exports_look_alike_to_the_network():
    """The same slice stored in eight ways is turned to the same picture."""
    apex = np.array([1.0, -1.0, -1.0]) / np.sqrt(3)
    x = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    upright = canonical_grid(SliceGrid((64, 64), _affine(x, np.cross(apex, x), apex)), (31.5, 31.5), 64, 1.0)
    points = np.array([[10.0, 20.0], [40.0, 25.0], [30.0, 55.0]])
    lps = upright.pixel_to_lps(points)
    for turns in range(4):
        for mirrored in (False, True):
            ex, ey = upright.directions.T
            for _ in range(turns):
                ex, ey = ey, -ex
            ex = -ex if mirrored else ex
            middle = upright.pixel_to_lps([31.5, 31.5]) - 31.5 * (ex + ey)
            affine = _affine(ex, ey, np.cross(ex, ey))
            affine[:3, 3] = middle
            grid = SliceGrid((64, 64), affine)
            picture = np.zeros((64, 64))
            for value, (column, row) in enumerate(np.rint(grid.lps_to_pixel(lps)).astype(int), start=1):
                picture[row, column] = value
            turned = _turned(picture, turn_to_upright(grid))
            found = [tuple(np.argwhere(turned == value)[0][::-1]) for value in (1, 2, 3)]
            np.testing.assert_allclose(found, points, atol=1.0)


def _affine(x: np.ndarray, y: np.ndarray, normal: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.stack([x, y, normal], axis=1)
    return affine


def test_pictures_are_clipped_and_scaled(folder):
    network = ContourNetwork(read_engine(folder / "engine.json"))
    scaled = network.normalise(np.array([[[10.0, 20.0], [30.0, 50.0]], [[7.0, 7.0], [7.0, 7.0]]]))
    np.testing.assert_allclose(scaled[0], [[0.0, 0.25], [0.5, 1.0]])
    assert (scaled[1] == 0).all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "other/1"}, "its format is not"),
        ({"sha256": "00" * 31}, "64 hexadecimal digits"),
        ({"onnx": "../toy.onnx"}, "inside the engine's folder"),
        ({"input_size": [64, "64"]}, "whole number"),
        ({"input_size": [64]}, "must have 2"),
        ({"labels": {"background": 0, "right_ventricle": 1, "myocardium": 1, "cavity": 3}}, "different channels"),
        ({"pixel_mm": {"least": 2.0, "preferred": 1.0, "most": 3.0}}, "least ≤ preferred ≤ most"),
        ({"pixel_mm": {"least": 1.0, "preferred": float("nan"), "most": 3.0}}, "not finite"),
        ({"orientations": [[4, False]]}, "orientations.0..0. is 4"),
        ({"orientations": []}, "it must have 1 to 8"),
        ({"views": ["sideways"]}, "give one of"),
        ({"contour_convention": "both"}, "contour_convention is 'both'"),
        ({"normalisation": {"clip_percentiles": [99, 1], "range": [0, 1]}}, "must rise"),
        ({"name": 5}, "name must be text"),
    ],
)
def test_a_field_that_is_not_allowed_is_named(tmp_path, changes, reason):
    with pytest.raises(LaMoDInputError, match=reason):
        find_engine(write_engine(tmp_path / "toy", **changes))


@pytest.mark.parametrize("missing", ["sha256", "labels", "licence", "views", "normalisation"])
def test_a_missing_field_is_named(folder, missing):
    file = folder / "engine.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    del stored[missing]
    file.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(LaMoDInputError, match=missing):
        read_engine(file)


@pytest.mark.parametrize("stated", ["blood-pool", "tissue", "auto", None])
def test_an_engine_may_state_its_contour_convention(folder, stated):
    file = folder / "engine.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    del stored["contour_convention"]
    changed = stored if stated is None else {**stored, "contour_convention": stated}
    file.write_text(json.dumps(changed), encoding="utf-8")
    assert read_engine(file).contour_convention == (stated or "auto")


def test_json_of_any_depth_is_refused(folder):
    (folder / "engine.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(LaMoDInputError, match="not readable JSON"):
        find_engine(folder)


def test_another_file_than_described_is_refused(folder):
    (folder / "toy.onnx").write_bytes((folder / "toy.onnx").read_bytes() + b"\0")
    with pytest.raises(LaMoDInputError, match="its SHA-256 differs"):
        ContourNetwork(find_engine(folder))


def test_a_damaged_onnx_file_is_refused(tmp_path):
    import hashlib

    folder = write_engine(tmp_path / "toy")
    data = (folder / "toy.onnx").read_bytes()[:100]
    (folder / "toy.onnx").write_bytes(data)
    write = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
    write["sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "engine.json").write_text(json.dumps(write), encoding="utf-8")
    with pytest.raises(LaMoDInputError, match="not a readable ONNX file"):
        ContourNetwork(find_engine(folder))


@pytest.mark.parametrize(("shape", "classes"), [((32, 64), 4), ((64, 64), 3)])
def test_a_network_of_another_shape_is_refused(tmp_path, shape, classes):
    import hashlib

    folder = write_engine(tmp_path / "toy")
    write_network(folder / "toy.onnx", shape, classes)
    stored = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
    stored["sha256"] = hashlib.sha256((folder / "toy.onnx").read_bytes()).hexdigest()
    (folder / "engine.json").write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(LaMoDInputError, match=r"as engine\.json states"):
        ContourNetwork(find_engine(folder))


def test_an_output_that_is_no_probability_is_the_engines_fault(folder):
    network = ContourNetwork(find_engine(folder))
    network._session = Logits()
    with pytest.raises(LaMoDInputError, match="not probabilities"):
        network.probabilities(np.zeros((1, 64, 64), dtype=np.float32), [[(0, False)]])


class Logits:
    """A session whose network lacks its softmax layer."""

    def run(self, _outputs, inputs):
        (picture,) = inputs.values()
        return [np.repeat(picture, 4, axis=1) - 3.0]


def test_without_onnxruntime_one_line_says_how_to_get_it(folder, monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(LaMoDInputError, match="pip install onnxruntime"):
        ContourNetwork(find_engine(folder))


def test_an_engine_that_is_not_installed_says_how_to_get_it(tmp_path):
    onnx = {"distribution": "no-such-package", "version": "1.0", "file": "x/toy.onnx"}
    folder = write_engine(tmp_path / "toy", onnx=onnx, install="pip install no-such-package")
    with pytest.raises(LaMoDInputError, match="install it: pip install no-such-package"):
        ContourNetwork(find_engine(folder))


def test_an_unknown_engine_is_refused_with_the_known_ones():
    with pytest.raises(LaMoDInputError, match=DEFAULT_ENGINE):
        find_engine("nothing-of-the-kind")


def test_the_users_engines_are_listed(tmp_path, monkeypatch):
    write_engine(tmp_path / "mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "engine.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("LAMOD_ENGINES", str(tmp_path))
    listed = {engine.name: engine for engine in registered_engines()}
    assert listed["mine"].is_installed
    assert listed["broken"].fault
    assert DEFAULT_ENGINE in listed


def test_the_default_engine_states_its_licences():
    notice = find_engine().notice
    assert "MIT" in notice
    assert "CC BY-NC-SA 4.0" in notice
